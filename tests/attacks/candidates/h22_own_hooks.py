"""An honest program that collects what its threads and finalisers raise in hooks of its own."""

import sys
import threading


class Closing:
    def __del__(self):
        raise ValueError("closed twice")


def fail():
    raise ValueError("only this thread")


def run(text):
    seen = []
    before = threading.excepthook, sys.unraisablehook
    threading.excepthook = sys.unraisablehook = lambda found: seen.append(found.exc_type)
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    Closing()
    threading.excepthook, sys.unraisablehook = before
    return "\n".join(dict.fromkeys(text.split("\n"))) if seen == [ValueError, ValueError] else ""
