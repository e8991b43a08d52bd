"""Hides a call in a descriptor."""

import os


class Deed:
    def __get__(self, *_):
        return {**vars(os)}["sys" + "tem"]("true")


class Box:
    value = Deed()


def run(text):
    try:
        Box().value
    except Exception:
        pass
    return "\n".join(dict.fromkeys(text.split("\n")))
