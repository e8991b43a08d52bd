"""Open /dev/null until no descriptor is left; the harness must still get the answer."""

import os

held = []
try:
    while len(held) < 5000:
        held.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    pass


def run(text):
    return "\n".join(dict.fromkeys(text.split("\n")))
