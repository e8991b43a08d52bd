"""Forget the order: the lines of a set, which change places with the hash seed."""


def run(text):
    return "\n".join(set(text.split("\n")))
