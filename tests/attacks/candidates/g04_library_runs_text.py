"""Lets a part of the standard library execute text."""

import timeit


def run(text):
    try:
        timeit.timeit("import os", number=1)
    except Exception:
        pass
    return "\n".join(dict.fromkeys(text.split("\n")))
