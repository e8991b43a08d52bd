"""Conformance: run Kaitai Struct's own test suite with the importer and the engine, and count passed assertions.

    python benchmarks/kaitai_conformance.py PATH [--verbose] [--json FILE]

PATH is a checkout of kaitai-io/kaitai_struct_tests, or a folder shaped like it: `formats/*.ksy`, `formats_err/*.ksy`,
`spec/*.kst` or `spec/ks/*.kst`, `src/*.bin`. Each format is imported, read by our engine, and each assertion of its
`.kst` is evaluated on what was read; what kept a format from being imported is listed with how many assertions it cost.
A file that cannot be read counts as failed and does not end the run. A format of `formats_err` counts as rejected when
each message of its first comment lines has a finding of its kind (error or warning) at its path; files without such
lines are helpers and not counted.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kst import AbsentError, Evaluator, same

from harness.core.document import read_document
from harness.core.errors import CrucibleError
from harness.grammar.engine.fault import FaultKind
from harness.grammar.engine.parser import parse
from harness.grammar.processing import Processor
from harness.kaitai.importer import Imported, import_ksy


def _shift(data: bytes, most: int, key: int, up: bool, some: bytes) -> bytes:
    return bytes((byte + (key if up else -key)) % 256 for byte in data)


def _wrapped(data: bytes, most: int, *key: int) -> bytes:
    return b"_" + data + b"_"


CUSTOM = {
    "my_custom_fx": Processor(_shift, 3),
    "nested.deeply.custom_fx": Processor(_wrapped, 1),
    "custom_fx_no_args": Processor(_wrapped, 0),
}
"""The custom processes that the suite expects."""

FAULTS = {
    "EndOfStreamError": {FaultKind.TRUNCATED, FaultKind.TERMINATOR},
    "ValidationNotEqualError": {FaultKind.MISMATCH},
    "ValidationLessThanError": {FaultKind.MISMATCH},
    "ValidationGreaterThanError": {FaultKind.MISMATCH},
    "ValidationNotAnyOfError": {FaultKind.MISMATCH},
    "ValidationNotInEnumError": {FaultKind.MISMATCH},
    "ValidationExprError": {FaultKind.MISMATCH},
    "UndecidedEndiannessError": {FaultKind.ENDIAN},
}
"""Fault kinds that correspond to the exceptions of Kaitai Struct's runtime."""


@dataclass
class Tally:
    """Counts of passed and failed assertions of one feature."""

    passed: int = 0
    total: int = 0
    failures: list[str] = field(default_factory=list)
    uncarried: Counter[str] = field(default_factory=Counter)
    """Number of assertions that could not run, by the reason why a format was not imported."""

    def count(self, ok: bool, what: str) -> None:
        """Count one assertion."""
        self.total += 1
        self.passed += ok
        if not ok:
            self.failures.append(what)


def find(root: Path, name: str) -> Path | None:
    direct = root / "formats" / f"{name}.ksy"
    return direct if direct.is_file() else next(iter(sorted((root / "formats").rglob(f"{name}.ksy"))), None)


def run_spec(root: Path, path: Path, tally: Tally) -> None:
    """Run one `.kst` file."""
    spec = read_document(path).value
    name = str(spec["id"])
    asserts = spec.get("asserts") or []
    exception = spec.get("exception")
    wanted = max(len(asserts) + (exception is not None), 1)

    def lost(why: str) -> None:
        for _ in range(wanted):
            tally.count(False, f"{name}: {why}")

    ksy = find(root, name)
    if ksy is None:
        lost("there is no .ksy of that name")
        return
    try:
        imported = import_ksy(ksy, search=(root / "formats", root / "formats" / "ks_path"), processes=CUSTOM)
    except CrucibleError as error:
        lost(str(error))
        return
    if imported.grammar is None:
        tally.uncarried[imported.errors[0].message] += wanted
        lost(f"not imported: {imported.errors[0]}")
        return
    try:
        data = (root / "src" / str(spec["data"])).read_bytes()
    except OSError as error:
        lost(str(error))
        return
    found = parse(imported.grammar, data)
    if exception is not None:
        kind = exception["type"] if isinstance(exception, dict) else str(exception)
        kinds = {fault.kind for fault in found.errors}
        expected = FAULTS.get(kind.partition("<")[0])
        tally.count(bool(kinds & expected if expected else kinds), f"{name}: expected {kind}, found {sorted(kinds)}")
    elif not asserts:
        tally.count(not found.errors, f"{name}: {found.errors[:1]}")
    for each in asserts:
        check(each, imported, found, tally, name)


def check(each: dict[str, Any], imported: Imported, found: Any, tally: Tally, name: str) -> None:
    """Run one assertion."""
    evaluator = Evaluator(imported, found.records[0] if found.records else None)
    actual_text, expected_text = text(each["actual"]), text(each["expected"])
    try:
        expected = evaluator.text(expected_text)
        actual = evaluator.text(actual_text)
    except (AbsentError, CrucibleError, ValueError, LookupError, TypeError, AttributeError) as error:
        tally.count(False, f"{name}: {actual_text}: {type(error).__name__} {error}; faults {found.errors[:1]}")
        return
    tally.count(
        same(actual, expected), f"{name}: {actual_text} is {actual!r}, expected {expected!r}; {found.errors[:1]}"
    )


def text(value: Any) -> str:
    """Convert the YAML value of an expression to its text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


_EXPECTED = re.compile(
    r"^#\s*\S+?\.ksy:\s?(?P<path>/\S*|\d+):.*\n#\s*(?P<kind>error|warning): (?P<text>.*)$", re.MULTILINE
)


def run_rejection(root: Path, path: Path, tally: Tally) -> None:
    """Run one file of `formats_err`: each expected message needs a finding of its kind at its path in its file."""
    expected = list(_EXPECTED.finditer(path.read_text("utf-8")))
    if not expected:
        return
    folder = root / "formats_err"
    try:
        findings = import_ksy(path, search=(folder, root / "formats"), processes=CUSTOM).findings
        found = {(each.path, each.severity) for each in findings}
    except CrucibleError as error:
        found = {(str(error).removeprefix(f"{path}:").partition(":")[0], "error")}  # not YAML: the line
    for each in expected:
        if (each["path"], each["kind"]) not in found:
            tally.count(False, f"{path.name}: {each['path']}: {each['kind']}: {each['text']}; found {sorted(found)}")
            return
    tally.count(True, path.name)


def guarded(run: Callable[[Path, Path, Tally], None], root: Path, path: Path, tally: Tally) -> None:
    """Run one file; an unexpected exception counts as a failure and does not end the run."""
    try:
        run(root, path, tally)
    except Exception as error:
        tally.count(False, f"{path.stem}: {type(error).__name__}: {error}")


def feature(name: str) -> str:
    return name.partition("_")[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, help="folder with formats, formats_err, spec and src")
    parser.add_argument("--verbose", action="store_true", help="name everything that failed")
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    arguments = parser.parse_args()
    root: Path = arguments.path
    if not (root / "formats").is_dir():
        print(f"{root}: no folder `formats` in it", file=sys.stderr)
        return 4
    began = time.process_time()
    accepted: dict[str, Tally] = defaultdict(Tally)
    rejected: dict[str, Tally] = defaultdict(Tally)
    for path in sorted((root / "spec").rglob("*.kst")):
        guarded(run_spec, root, path, accepted[feature(path.stem)])
    for path in sorted((root / "formats_err").rglob("*.ksy")):
        guarded(run_rejection, root, path, rejected[feature(path.stem)])
    for title, tallies in (("asserts passed", accepted), ("rejected", rejected)):
        for name, tally in sorted(tallies.items()):
            print(f"  {name:<12} {tally.passed:>5} / {tally.total}")
            for failure in tally.failures if arguments.verbose else ():
                print(f"      {failure}")
        passed, total = (sum(getattr(t, what) for t in tallies.values()) for what in ("passed", "total"))
        share = f"{100 * passed / total:.1f} %" if total else "undefined: there are none"
        print(f"{title} {passed} / {total} ({share})")
    for why, cost in sum((t.uncarried for t in accepted.values()), Counter[str]()).most_common():
        print(f"not imported, {cost} assertions: {why}")
    print(f"CPU {time.process_time() - began:.2f} s")
    if arguments.json:
        arguments.json.write_text(
            json.dumps(
                {
                    title: {name: [t.passed, t.total, t.failures] for name, t in sorted(tallies.items())}
                    for title, tallies in (("asserts", accepted), ("rejected", rejected))
                },
                indent=1,
            )
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
