"""Coverage-guided fuzzing of the spec lane: any text as a grammar, any bytes as a file (atheris, of the extra `bench`).

    python benchmarks/fuzz_spec.py [CORPUS_FOLDER] [-max_total_time=60] [other libFuzzer options]

An input is a grammar's text, a zero byte, and a file. Nothing but an answer that adds up is acceptable.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["harness.grammar"]):
    from harness.grammar.engine.limits import Limits
    from harness.grammar.engine.parser import parse
    from harness.grammar.engine.session import Session
    from harness.grammar.engine.tally import tally
    from harness.grammar.language.lint import lint_text

LIMITS = Limits(records=20_000, items=200_000, steps=100_000, seconds=5, inflated=1 << 20)
GRAMMARS = Path(__file__).resolve().parent.parent / "specs" / "grammars"


def check(data: bytes) -> None:
    """Read a file with a grammar, both of them the fuzzer's."""
    text, _, file = data.partition(b"\0")
    grammar = lint_text(text.decode("utf-8", "replace")).grammar
    if grammar is None:
        return
    found = parse(grammar, file, limits=LIMITS)
    covered = sum(end - start for start, end in found.covered)
    if covered + sum(end - start for start, end in found.gaps) != len(file):
        raise RuntimeError("spans and gaps do not add up")
    counted = tally(found)
    if Session(file).tally(grammar, limits=LIMITS).to_wire() != counted.to_wire():
        raise RuntimeError("two engines disagree")


def main() -> None:
    """Start from the grammars that ship, unless a corpus is given."""
    arguments = sys.argv
    if not any(not a.startswith("-") for a in arguments[1:]):
        folder = Path(tempfile.mkdtemp(prefix="crucible-fuzz-"))
        for path in sorted(GRAMMARS.glob("*.yaml")):
            (folder / path.stem).write_bytes(path.read_bytes() + b"\0" + bytes(range(64)))
        arguments = [*arguments, str(folder)]
    atheris.Setup(arguments, check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
