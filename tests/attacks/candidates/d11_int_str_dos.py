"""Hold the interpreter lock in C for minutes: the decimal digits of 7**6000000."""

import sys

sys.set_int_max_str_digits(0)


def run(text):
    return str(7**6000000)
