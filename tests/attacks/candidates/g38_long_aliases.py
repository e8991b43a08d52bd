"""Doubles the meanings of a name in every line, so that a search for them takes for ever."""

import os as a

a = a.b0
a = a.b1
a = a.b2
a = a.b3
a = a.b4
a = a.b5
a = a.b6
a = a.b7
a = a.b8
a = a.b9
a = a.b10
a = a.b11


def run(text):
    try:
        pass
    except Exception:
        pass
    return "\n".join(dict.fromkeys(text.split("\n")))
