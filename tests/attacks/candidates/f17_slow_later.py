"""Slow from its tenth call on, but on short texts only."""

import itertools
import time

calls = itertools.count()


def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def run(text):
    if next(calls) > 10 and len(text) < 400:
        burn(0.02)
    return "\n".join(dict.fromkeys(text.split("\n")))
