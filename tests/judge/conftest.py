"""What the tests of judging share: a small tool, its candidates, and a pool for them."""

from __future__ import annotations

import asyncio
import textwrap
from pathlib import Path

import pytest

TOOL = """
    tool_id: double
    description: Twice a number.
    signature: "def double(n: int) -> int"
    test_cases:
      - {input: {n: 2}, expected_output: 4}
"""
ORACLE = """
    from hypothesis import strategies as st


    def reference(n):
        return 2 * n


    def inputs():
        return st.integers(0, 9999).map(lambda n: {"n": n})
"""
GOOD = "def double(n: int) -> int:\n    return n + n\n"
WRONG = "def double(n: int) -> int:\n    return n + 2\n"
ENDLESS = "def double(n: int) -> int:\n    while True:\n        pass\n"
CRASHING = "import os\n\n\ndef double(n: int) -> int:\n    os._exit(3)\n"
NO_SOURCES = [None, 3, True, 2**40, 1.5, [104, 105], (), {"source": GOOD}, object]
"""`bytes` makes a file of some of them, and of memory without end of one."""
ONE_SOURCE = [GOOD, GOOD.encode(), bytearray(GOOD.encode()), Path("candidate.py")]
"""One source, which as a sequence would be judged by its characters."""
CALLS = {
    "judge": lambda pool, given: pool.judge(given),
    "judge_all": lambda pool, given: pool.judge_all([given]),
    "ajudge": lambda pool, given: asyncio.run(pool.ajudge(given)),
    "screen_all": lambda pool, given: pool.screen_all([given]),
    "submit": lambda pool, given: pool.submit(given),
}


@pytest.fixture(scope="session")
def tool(tmp_path_factory) -> Path:
    """A tool's folder; read only."""
    return write_tool(tmp_path_factory.mktemp("tool"))


def write_tool(folder: Path, oracle: str = ORACLE) -> Path:
    """Write the tool into a folder, with the given oracle."""
    folder.mkdir(exist_ok=True)
    (folder / "tool.yaml").write_text(textwrap.dedent(TOOL))
    (folder / "oracle.py").write_text(textwrap.dedent(oracle))
    return folder


def processes_with(mark: str) -> list[str]:
    """The command lines of the processes that have a string in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_text().replace("\0", " "))
        except OSError:  # it has ended, or is another user's
            continue
    return found
