"""Write garbage to every descriptor from 0 to 63 in the call, before the right answer."""

import os


def run(text):
    for fd in range(64):
        try:
            os.write(fd, b"\x7f\0\0\0\0")
        except OSError:
            pass
    return "\n".join(dict.fromkeys(text.split("\n")))
