"""Compiles text by the library of the interactive interpreter."""

import codeop


def run(text):
    try:
        codeop.compile_command("1")
    except Exception:
        pass
    return "\n".join(dict.fromkeys(text.split("\n")))
