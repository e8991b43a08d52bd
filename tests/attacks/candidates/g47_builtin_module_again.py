"""Makes builtin modules again, whose names are forgotten, by the loader of a module that it has."""

import sys


def run(text):
    loader = sys.__spec__.loader
    made = loader.create_module(type(sys.__spec__)("_signal", loader))
    return "\n".join(dict.fromkeys(text.split("\n"))) + f"\nmade {made.__name__} again"
