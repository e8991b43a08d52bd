"""Asks the garbage collector for all objects by a name made at run time."""

import gc


def run(text):
    try:
        getattr(gc, "get_" + "objects")()
    except Exception:
        pass
    return "\n".join(dict.fromkeys(text.split("\n")))
