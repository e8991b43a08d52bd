"""Slow at most calls, by chance."""

import random
import time


def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def run(text):
    if random.random() < 0.6:
        burn(0.02)
    return "\n".join(dict.fromkeys(text.split("\n")))
