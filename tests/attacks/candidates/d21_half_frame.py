"""Announce an answer of 2 GB, send three bytes of it and sleep."""

import os
import time


def run(text):
    os.write(4, b"R\xff\xff\xff\x7fabc")
    time.sleep(30)
