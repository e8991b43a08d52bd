"""Ignore and block every signal that can be, and compute for thirty seconds."""

import signal
import time


def run(text):
    for number in signal.valid_signals():
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    except OSError:
        pass
    until = time.monotonic() + 30
    while time.monotonic() < until:
        pass
    return text
