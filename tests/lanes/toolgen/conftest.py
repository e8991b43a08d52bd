"""What the toolgen tests share: a small tool in a folder of its own, and judging one candidate of it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.core.case import Case
from harness.core.evaluation import Evaluation
from harness.core.policy import Policy
from harness.lane.context import Context
from harness.lanes.toolgen import prepared_tools
from harness.lanes.toolgen.collect import case_for
from harness.lanes.toolgen.lane import Toolgen
from harness.lanes.toolgen.tool_spec import read_tool
from tests.shared_run import session_folder

TOOL = textwrap.dedent("""
    tool_id: clamp
    description: Clamp a number into a closed interval.
    signature: "def clamp(x: int, lo: int, hi: int) -> int"
    test_cases:
      - {input: {x: 5, lo: 0, hi: 3}, expected_output: 3}
      - {input: {x: -5, lo: 0, hi: 3}, expected_output: 0}
    workload_size: 50
""")
ORACLE = textwrap.dedent("""
    from hypothesis import strategies as st


    def reference(x, lo, hi):
        if lo > hi:
            raise ValueError("empty interval")
        return max(lo, min(x, hi))


    def inputs():
        triples = st.tuples(st.integers(-99, 99), st.integers(-9, 9), st.integers(0, 20))
        return triples.map(lambda t: {"x": t[0], "lo": t[1], "hi": t[1] + t[2]})
""")
UNIQUE = """
tool_id: unique
signature: "def unique(items: list[int]) -> list[int]"
"""
UNIQUE_ORACLE = """
from hypothesis import strategies as st
def reference(items): return list(dict.fromkeys(items))
def inputs(): return st.lists(st.integers(0, 9), min_size=1, max_size=4).map(lambda items: {"items": items})
"""
GOOD = '''
"""Clamp a number."""


def clamp(x: int, lo: int, hi: int) -> int:
    """Clamp x into [lo, hi].

    >>> clamp(5, 0, 3)
    3
    """
    if lo > hi:
        raise ValueError("empty")
    return lo if x < lo else hi if x > hi else x
'''


class Bench:
    """A folder with one tool, and candidates as they come."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.number = 0
        self.tool(TOOL, ORACLE)

    def tool(self, yaml_text: str, oracle: str | None) -> Path:
        (self.folder / "tool.yaml").write_text(textwrap.dedent(yaml_text))
        (self.folder / "oracle.py").unlink(missing_ok=True)
        if oracle is not None:
            (self.folder / "oracle.py").write_text(textwrap.dedent(oracle))
        return self.folder

    def candidate(self, source: str | bytes) -> Path:
        """Write one next to the tool's folder: with a new file in the folder, its oracle is started again."""
        self.number += 1
        path = self.folder.parent / f"candidate{self.number}.py"
        path.write_bytes(source if isinstance(source, bytes) else textwrap.dedent(source).encode())
        return path

    def case(self, source: str | bytes | Path, *, questions: int = 8, **policy: object) -> Case:
        path = source if isinstance(source, Path) else self.candidate(source)
        chosen = Policy.model_validate({"attempts": 1, "timing": "none", **policy})
        tool = read_tool(self.folder)
        return case_for(tool, path, suite="x.suite.yaml", policy=chosen, questions=questions, jitter_ms=(0, 0))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    folder = tmp_path / "tool"
    folder.mkdir()
    return Bench(folder)


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """What the contexts of a module's tests share: zygotes and oracles, of which each costs more than a candidate."""
    scratch = session_folder(tmp_path_factory) / "scratch"
    scratch.mkdir(exist_ok=True)
    made = Context(secret_seed=7, scratch=scratch)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepared_tools, "MAX_TOOLS", 3)  # most tests have a tool of their own, and each oracle 40 MB
        yield made
        made.close()


@pytest.fixture
def context(warm: Context) -> Context:
    """A context whose clock, opponents and tier are its own."""
    return replace(warm)


@pytest.fixture
def judge(bench: Bench, context) -> Callable[..., Evaluation]:
    lane = Toolgen()

    def run(source: str | bytes | Path, *, questions: int = 8, **policy: object) -> Evaluation:
        case = bench.case(source, questions=questions, **policy)
        evidence = lane.evaluate(case, context)
        return Evaluation(case=case, evidence=evidence, score=lane.score(evidence, case.policy))

    return run


@pytest.fixture
def good() -> str:
    return GOOD
