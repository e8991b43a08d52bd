"""Report all errors and warnings of programs without running them, or the laws that a plan breaks.

Example:
  crucible dsl check program.spak
  crucible dsl check --parse-only draft.spak
  crucible dsl check --laws gpu_optimization.spak plan.spak
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli import output
from harness.cli.dsl import programs
from harness.report import words

if TYPE_CHECKING:
    from harness.dsl.ir import Program
    from harness.dsl.language.diagnostic import Diagnostic


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a program")
    parser.add_argument("--parse-only", action="store_true", help="only parse it")
    parser.add_argument("--laws", type=Path, metavar="FILE", help="a domain whose laws the programs must keep")
    parser.add_argument(
        "--input", action="append", default=[], metavar="NAME[=VALUE]", help="a name that the caller supplies"
    )
    parser.add_argument("--strict", action="store_true", help="fail on warnings too")
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Exit status 1 if a file has an error or breaks a law."""
    inputs = tuple(entry.partition("=")[0] for entry in args.input)
    laws = None if args.laws is None else programs.load(args.laws, inputs=inputs)
    results = [_check_file(path, args, inputs, laws) for path in args.files]
    if args.json:
        output.print_json(results if len(results) > 1 else results[0])
    return int(any(result["failed"] for result in results))


def _check_file(path: Path, args: argparse.Namespace, inputs: tuple[str, ...], laws: Program | None) -> dict[str, Any]:
    from harness.dsl.analysis.load import check_source
    from harness.dsl.facts.plan import check_plan
    from harness.dsl.language.diagnostic import Lines, ProgramError, render
    from harness.dsl.language.parser import parse

    program, text = None, ""
    try:
        text = programs.read(path)
        if args.parse_only:
            found = parse(text)[1]
        else:
            program, found = check_source(text, path=str(path), inputs=inputs)
    except ProgramError as error:
        found = list(error.diagnostics)
    failed = any(d.is_error or args.strict for d in found)
    result: dict[str, Any] = {"file": str(path), "failed": failed, "diagnostics": _to_rows(found, text)}
    if program is not None:
        lines = Lines(text)
        result["described"] = [{"what": d[0], "line": lines.place(d[2][0])[0]} for d in program.described]
    if not args.json:
        for line in render(found, text, str(path)):
            print(line, file=sys.stderr)
        for row in result.get("described", ()):
            print(f"{path}:{row['line']}: described, not evaluated: {row['what']}")
    if laws is not None and program is not None and not failed:
        checked = check_plan(program, laws)
        result["breaches"] = [
            {"law": b.law, "kind": b.kind, "where": b.where, "law_where": b.law_where, "why": b.why}
            for b in checked.breaches
        ]
        result |= {"held": list(checked.held), "silent": list(checked.silent), "failed": bool(checked.breaches)}
        if not args.json:
            for breach in checked.breaches:
                print(breach, file=sys.stderr)
    if not args.json:
        print(f"{path}: {_summarize(result, found, program, parse_only=args.parse_only)}")
    return result


def _to_rows(found: list[Diagnostic], text: str) -> list[dict[str, Any]]:
    from harness.dsl.language.diagnostic import Lines

    lines = Lines(text)
    rows = []
    for diagnostic in found:
        line, column = lines.place(diagnostic.span[0])
        row = {"code": diagnostic.code, "line": line, "column": column, "message": diagnostic.message}
        rows.append(row | ({"note": diagnostic.note} if diagnostic.note else {}))
    return rows


def _summarize(result: dict[str, Any], found: list[Diagnostic], program: Program | None, *, parse_only: bool) -> str:
    errors = sum(d.is_error for d in found)
    parts = [words.count(errors, "error"), words.count(len(found) - errors, "warning")]
    if errors:
        return ", ".join(parts)
    if parse_only:
        return "is syntactically correct"
    if program is not None:
        steps = sum(len(unit.steps) for unit in program.units)
        counts = {"unit": len(program.units), "step": steps, "fact": len(program.facts), "rule": len(program.rules)}
        parts += [words.count(count, what) for what, count in counts.items()]
        parts.append(f"{len(program.prose)} of prose (never evaluated)")
        parts += [f"{len(program.described)} described (not evaluated)"] if program.described else []
    if "breaches" in result:
        broken = ", ".join(dict.fromkeys(b["law"] for b in result["breaches"])) or "none"
        parts.append(f"laws: {len(result['held'])} held, {len(result['silent'])} not concerned, broken: {broken}")
    return ", ".join(parts)
