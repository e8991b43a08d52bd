"""An honest program whose entry point dispatches on the class of its argument."""

import functools


@functools.singledispatch
def run(text):
    raise TypeError(type(text))


@run.register
def _(text: str):
    return "\n".join(run(text.split("\n")))


@run.register(list)
def _(lines):
    return dict.fromkeys(lines)
