"""Takes a builtin from the module of another one."""


def run(text):
    try:
        getattr(len.__self__, "ev" + "al")("1")
    except Exception:
        pass
    return "\n".join(dict.fromkeys(text.split("\n")))
