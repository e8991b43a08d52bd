"""A coverage-guided fuzzing target for the language: any bytes are a program, or findings; nothing else.

    pip install atheris
    python tests/fuzz/dsl_parser.py -max_total_time=300 specs/programs tests/specs/programs

`one` is what every input goes through; the ordinary tests run it over mutated programs without atheris.
"""

from __future__ import annotations

import json
import sys

from harness.dsl.analysis.load import check_source
from harness.dsl.ir.codec import decode, encode
from harness.dsl.language.diagnostic import render
from harness.dsl.language.parser import parse
from harness.dsl.language.printer import print_module


def one(data: bytes) -> None:
    """Read, print, read again, check: every promise that holds for any text."""
    text = data.decode("utf-8", "replace")
    module, problems = parse(text)
    for line in render(problems, text, "p"):
        if not line:
            raise AssertionError("an empty message")
    if not problems and parse(print_module(module)) != (module, []):
        raise AssertionError("what is printed reads back differently")
    program, found = check_source(text, cache=False)
    if program is None and not found:
        raise AssertionError("no program, and no reason")
    sound = program is not None and not any(problem.is_error for problem in found)
    if sound and decode(json.loads(json.dumps(encode(program)))) != program:
        raise AssertionError("the cache keeps something else")


def main() -> None:
    """Hand over to atheris."""
    import atheris

    atheris.instrument_all()
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
