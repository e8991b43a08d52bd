"""Write 196 MB to stdout in every call and answer rightly."""

import os


def run(text):
    for _ in range(3000):
        os.write(1, b"x" * 65536)
    return "\n".join(dict.fromkeys(text.split("\n")))
