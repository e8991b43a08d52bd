"""Installs an audit hook of its own."""

import sys


def run(text):
    try:
        sys.addaudithook(lambda *_: None)
    except Exception:
        pass
    return "\n".join(dict.fromkeys(text.split("\n")))
