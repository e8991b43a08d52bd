"""Is an entry point of singledispatch, registered for a class whose check of subclasses runs text."""

import abc
import functools


class Checked(abc.ABC):
    @classmethod
    def __subclasshook__(cls, other):
        len.__self__.__dict__["exec"]("import os")
        return NotImplemented


@functools.singledispatch
def run(text):
    return "\n".join(dict.fromkeys(text.split("\n")))


@run.register
def _(text: Checked):
    return ""
