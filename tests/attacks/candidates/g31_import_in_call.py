"""Imports a module that is not listed, in a call."""


def run(text):
    try:
        import subprocess
        subprocess.run(["true"], check=False)
    except Exception:
        pass
    return "\n".join(dict.fromkeys(text.split("\n")))
