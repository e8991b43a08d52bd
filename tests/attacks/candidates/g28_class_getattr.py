"""Hides a call in a metaclass."""

import os


class Kind(type):
    def __getattr__(cls, name):
        return vars(os)[name]("true")


class Name(metaclass=Kind):
    pass


def run(text):
    try:
        Name.system
    except Exception:
        pass
    return "\n".join(dict.fromkeys(text.split("\n")))
