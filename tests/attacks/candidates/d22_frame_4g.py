"""Announce an answer of 4 GB, so that the reader allocates it."""

import os


def run(text):
    os.write(4, b"R\xff\xff\xff\xff")
    return text
