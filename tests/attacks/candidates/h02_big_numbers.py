"""Calculates with big integers, decimals and fractions."""

import decimal
import fractions
import math


def run(text):
    first = {}
    for number, line in enumerate(text.split("\n")):
        first.setdefault(line, fractions.Fraction(math.factorial(99), number + 1) + int(decimal.Decimal(2).sqrt()))
    return "\n".join(sorted(first, key=first.__getitem__, reverse=True))
