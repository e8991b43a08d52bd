"""Raise an exception inside the shim five thousand times a second by a timer signal, between the calls too."""

import signal


def tick(number, frame):
    raise RuntimeError("tick")


try:
    signal.signal(signal.SIGALRM, tick)
    signal.siginterrupt(signal.SIGALRM, True)
    signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
except (OSError, ValueError):
    pass


def run(text):
    return "\n".join(dict.fromkeys(text.split("\n")))
