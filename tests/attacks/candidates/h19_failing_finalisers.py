"""An honest program whose finalisers and callbacks raise, which the interpreter ignores."""

import gc
import weakref


class Closing:
    def __del__(self):
        raise ValueError("closed twice")


def lines(text):
    try:
        yield from text.split("\n")
    finally:
        raise ValueError("not read to its end")


def fail(*_args):
    raise ValueError("nothing is left")


def run(text):
    Closing()
    watched = Closing()
    reference = weakref.ref(watched, fail)
    weakref.finalize(watched, fail)
    del watched
    gc.callbacks.append(fail)
    gc.collect()
    gc.callbacks.remove(fail)
    next(lines(text))
    return "\n".join(dict.fromkeys(text.split("\n"))) if reference() is None else ""
