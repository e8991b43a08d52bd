"""Burn CPU in a background thread, also between the calls, where no clock is thought to run."""

import threading
import time


def spin(until):
    while time.monotonic() < until:
        pass


try:
    threading.Thread(target=spin, args=(time.monotonic() + 10,), daemon=True).start()
except RuntimeError:
    pass


def run(text):
    return "\n".join(dict.fromkeys(text.split("\n")))
