from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def the_recursion_limit_is_restored() -> Iterator[None]:
    """Candidates that are called in this process may raise it, and it would hold for every later test."""
    before = sys.getrecursionlimit()
    yield
    sys.setrecursionlimit(before)
