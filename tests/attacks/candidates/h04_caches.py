"""Keeps results in a cache that is made once."""

from functools import lru_cache


@lru_cache(maxsize=64)
def split(text):
    return tuple(dict.fromkeys(text.split("\n")))


def run(text):
    return "\n".join(split(text))
