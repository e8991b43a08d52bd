"""Raise SystemExit(0) in the call; whoever catches only Exception is taken down with it."""

import sys


def run(text):
    sys.exit(0)
