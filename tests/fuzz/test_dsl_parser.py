"""The fuzzing target on mutated programs."""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("dsl_parser", Path(__file__).with_name("dsl_parser.py"))
assert SPEC is not None
assert SPEC.loader is not None
TARGET = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(TARGET)
CORPUS = sorted((ROOT / "specs/programs").glob("*.spak")) + sorted((ROOT / "tests/specs/programs").glob("*.spak"))


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_mutated_programs_yield_programs_or_diagnostics(path: Path) -> None:
    data, generator = path.read_bytes(), random.Random(path.stem)
    assert data
    TARGET.one(data)  # raises AssertionError for a property that does not hold
    for _ in range(25):
        mutant = bytearray(data)
        for _ in range(generator.randint(1, 4)):
            at = generator.randrange(len(mutant))
            end = min(len(mutant), at + generator.randint(1, 12))
            match generator.randrange(4):
                case 0:
                    del mutant[at:end]
                case 1:
                    mutant[at:at] = mutant[generator.randrange(len(mutant)) :][: generator.randint(1, 30)]
                case 2:
                    mutant[at] = generator.choice(b'{}[]()":=.,|&!<>-+*/#\\ \n0aT\xc3')
                case _:
                    mutant[at:end] = generator.choice(
                        [b"step", b"task T {", b"}", b"->", b'"""', b"5ms", b"trace(", b"case"]
                    )
        TARGET.one(bytes(mutant))
