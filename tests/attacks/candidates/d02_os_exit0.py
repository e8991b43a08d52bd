"""Leave with exit code 0 in the middle of the call."""

import os


def run(text):
    os._exit(0)
