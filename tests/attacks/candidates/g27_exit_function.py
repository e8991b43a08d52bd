"""Acts in a call-back of the garbage collector."""

import gc
import os


def run(text):
    try:
        gc.callbacks.append(lambda *_: os.listdir("/"))
        gc.collect()
    except Exception:
        pass
    return "\n".join(dict.fromkeys(text.split("\n")))
