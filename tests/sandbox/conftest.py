"""One pool of each kind for all sandbox tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from harness.sandbox.pool import BoxPool


@pytest.fixture(scope="session")
def pool() -> Iterator[BoxPool]:
    """The strongest boxes this machine offers."""
    if sys.platform != "linux":
        pytest.skip("boxes with layers need Linux")
    with BoxPool() as boxes:
        yield boxes
