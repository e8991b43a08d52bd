"""Hold the interpreter lock in C for long: a regular expression that backtracks exponentially."""

import re


def run(text):
    return str(re.match("(a+)+$", "a" * 29 + "!"))
