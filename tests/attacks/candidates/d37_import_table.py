"""Spend 1.5 s on a table while being loaded, so that the calls look fast."""

import time

table = {}
until = time.monotonic() + 1.5
number = 0
while time.monotonic() < until:
    number = (number + 1) % 10_000
    table[f"line {number}"] = number


def run(text):
    return "\n".join(dict.fromkeys(text.split("\n")))
