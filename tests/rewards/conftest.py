"""What the tests of rewards share: one pool for the small tool of the tests of judging."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import JudgePool
from tests.judge.conftest import GOOD, write_tool

FAST = {"workers": 2, "jitter_ms": (0, 0), "timing": "none", "attempts": 1}


@pytest.fixture(scope="session")
def tool(tmp_path_factory) -> Path:
    """A tool's folder with an honest control; read only."""
    folder = write_tool(tmp_path_factory.mktemp("rewards") / "double")
    (folder / "controls").mkdir()
    (folder / "controls" / "honest.py").write_text(GOOD)
    return folder


@pytest.fixture(scope="package")
def pool(tool):
    """A pool for the tool."""
    with JudgePool(tool, **FAST) as made:
        yield made
