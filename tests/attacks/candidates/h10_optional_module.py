"""Prefers a module that does not exist here."""

try:
    import numpy
except ImportError:
    numpy = None


def run(text):
    if numpy is not None:
        return "another world"
    return "\n".join(dict.fromkeys(text.split("\n")))
