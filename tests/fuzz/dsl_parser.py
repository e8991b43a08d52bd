"""A coverage-guided fuzzing target for the language: any bytes yield a program or diagnostics.

    pip install atheris
    python tests/fuzz/dsl_parser.py -max_total_time=300 specs/programs tests/specs/programs

`one` checks one input; the test suite runs it on mutated programs without atheris.
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
    """Parse, print, parse again, check: the properties that hold for any string."""
    text = data.decode("utf-8", "replace")
    module, problems = parse(text)
    for line in render(problems, text, "p"):
        if not line:
            raise AssertionError("an empty message")
    if not problems and parse(print_module(module)) != (module, []):
        raise AssertionError("the printed source parses to another tree")
    program, found = check_source(text, cache=False)
    if program is None and not found:
        raise AssertionError("neither a program nor a diagnostic")
    sound = program is not None and not any(problem.is_error for problem in found)
    if sound and decode(json.loads(json.dumps(encode(program)))) != program:
        raise AssertionError("the codec changes the program")


def main() -> None:
    """Run the target with atheris."""
    import atheris

    atheris.instrument_all()
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
