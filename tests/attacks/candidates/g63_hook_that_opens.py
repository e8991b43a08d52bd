"""Opens a file in a hook of its own, which the interpreter calls for what a finaliser raises."""

import sys

found = []


class Closing:
    def __del__(self):
        raise ValueError


def read(_unraisable):
    found.append(len.__self__.__dict__["".join(("op", "en"))]("/etc/hostname").read())


def run(text):
    sys.unraisablehook = read
    Closing()
    return "opened a file" if found else "\n".join(dict.fromkeys(text.split("\n")))
