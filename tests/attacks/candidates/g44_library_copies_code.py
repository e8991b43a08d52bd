"""A library's function copies the code of one function to another, by a name that it is given."""

import functools


def other(text):
    return text + "\nthe library replaced the code of a function"


def empty(text):
    return ""


def run(text):
    functools.update_wrapper(empty, other, assigned=("".join(["__co", "de__"]),), updated=())
    return empty(text)
