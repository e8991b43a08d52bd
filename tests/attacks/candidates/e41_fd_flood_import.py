"""Write garbage to every descriptor from 0 to 63 while being loaded."""

import os

for fd in range(64):
    try:
        os.write(fd, b"\x7f\0\0\0\0")
    except OSError:
        pass


def run(text):
    return "\n".join(dict.fromkeys(text.split("\n")))
