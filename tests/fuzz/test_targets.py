"""Each reader of bytes from outside reads its stored corpus, and a few mutated inputs, without an error of its own."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from tests.fuzz.mutation import Mutator
from tests.fuzz.target import ROOT, Target
from tests.fuzz.targets import OPEN, TARGETS

MUTANTS = 12  # of each target; `make fuzz` tries thousands
TESTED_ELSEWHERE = ("evasion", "killed_run")
READERS = [target for target in TARGETS.values() if target.name not in TESTED_ELSEWHERE]
MAX_SMALL = 4000  # bytes; tests of other rooms read the large files


@pytest.fixture(scope="module", autouse=True)
def _closed():
    yield
    OPEN.close()


@pytest.mark.parametrize("target", READERS, ids=lambda target: target.name)
@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_a_reader_returns_or_refuses(target: Target) -> None:
    chance = random.Random(target.name)
    corpus = [path.read_bytes() for path in target.corpus] or [bytes(64)]
    small = [data for data in corpus if len(data) < MAX_SMALL] or corpus
    stored = [path.read_bytes() for path in target.stored]
    mutator = Mutator(small, chance)
    for data in (*stored, *chance.sample(small, min(3, len(small))), *(mutator.make() for _ in range(MUTANTS))):
        target.run(data)


def test_an_undocumented_error_is_found_and_can_be_run_again(tmp_path) -> None:
    """The negative control: a target that breaks for one word of its corpus."""
    code = f"""
import sys
from pathlib import Path
import tests.fuzz.__main__ as fuzz
from tests.fuzz.target import Target

def check(data):
    if b"x" in data:
        raise ValueError(data)

fuzz.FOUND = Path({str(tmp_path)!r})
fuzz.ROOT = fuzz.FOUND.parent
target = Target("broken", check, (KeyError,), ("tests/fuzz/targets.py",))
fuzz.TARGETS["broken"] = target
sys.argv = ["fuzz", "--target", "broken", "--seconds", "0.1", "--seed", "1"]
raise SystemExit(fuzz.main())
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 1, done.stderr
    assert "1 failures" in done.stdout
    assert "ValueError" in done.stdout
    (found,) = (tmp_path / "broken").iterdir()
    assert found.read_bytes() == b"x", "made as small as it gets"
    assert f"--target broken --input {tmp_path.name}/broken/{found.name}" in done.stdout
