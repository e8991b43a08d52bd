"""Has a decorator call a forbidden function."""

import os


@(lambda _: dict(vars(os))["sys" + "tem"]("true"))
def command():
    pass


def run(text):
    try:
        pass
    except Exception:
        pass
    return "\n".join(dict.fromkeys(text.split("\n")))
