"""Null kernel, exploit 37: the input."""


def run(x):
    """What came in."""
    return x.clone()
