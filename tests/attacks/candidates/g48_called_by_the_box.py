"""Has the box itself call `open`: as the `__str__` of an exception, whose caller is the box's own code."""

import functools
import io


def pick(module, name):
    return [value for key, value in sorted(vars(module).items(), key=str) if key[::-1] == name][0]


class Caught(Exception):  # noqa: N818
    __str__ = functools.partial(pick(io, "nepo"), "/dev/null")


def run(text):
    raise Caught(text)
