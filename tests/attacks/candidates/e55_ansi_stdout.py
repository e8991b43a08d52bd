"""Print escape sequences, NUL, a title change and invalid UTF-8 to stdout and stderr, and answer rightly."""

import os
import sys

NOISE = b"\x1b[2J\x1b[31m1 passed\x1b]0;crucible-canary\x07\x1b[6n\x00\xff\xfe\xc0\x80\xed\xa0\x80\r\n"


def run(text):
    for fd in (1, 2):
        os.write(fd, NOISE)
    print("\x1b[32mPASSED\x1b[0m \u202e", file=sys.stderr, flush=True)
    return "\n".join(dict.fromkeys(text.split("\n")))
