"""Sleeps in every call, which no CPU time shows."""

import time


def run(text):
    time.sleep(0.02)
    return "\n".join(dict.fromkeys(text.split("\n")))
