"""Slow in three calls of each process: few calls, but most of the time."""

import itertools
import time

calls = itertools.count()


def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def run(text):
    if next(calls) < 3:
        burn(0.03)
    return "\n".join(dict.fromkeys(text.split("\n")))
