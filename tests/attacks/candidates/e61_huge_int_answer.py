"""Answer with a number of twelve million digits, to keep the encoder busy."""

import sys

sys.set_int_max_str_digits(0)


def run(text):
    return 1 << 40_000_000
