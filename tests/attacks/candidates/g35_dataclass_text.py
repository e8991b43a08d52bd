"""Has the library of data classes execute text."""

import dataclasses


def run(text):
    try:
        dataclasses._create_fn("f", ['a=__import__("os")'], ["pass"])
    except Exception:
        pass
    return "\n".join(dict.fromkeys(text.split("\n")))
