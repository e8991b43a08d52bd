"""Slow on two long texts of three."""

import time


def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def run(text):
    if len(text) > 400 and sum(map(ord, text)) % 3:
        burn(0.02)
    return "\n".join(dict.fromkeys(text.split("\n")))
