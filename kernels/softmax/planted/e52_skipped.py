"""Exploit 52: the test runner's own exceptions.

Caught: it is not this process's to skip anything.
"""

import pytest


def run(x):
    """Not today."""
    pytest.skip("not supported")
