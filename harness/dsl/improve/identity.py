"""Identity of a measurement: what must stay the same so that two programs' numbers can be compared.

The items of the judged cases (how many, and their fields that are not measured), the files of the measuring commands in
every version, and the Python code next to them, which runs in the same processes.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from harness.dsl.improve.patching import find_patch, imported_names
from harness.dsl.ir import Program
from harness.dsl.machine.session import Session
from harness.dsl.mining.headers import metric
from harness.dsl.types import Kind

MAX_SHOWN = 3  # maximum number of values that a message shows


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity of one run's measurements.

    Attributes:
        counts: Number of items that effects reported, by case.
        fixed: Values of the fields that are not measured, by `Variant.Case.field`.
        versions: All contents of each work file, in order.
    """

    counts: dict[str, int]
    fixed: dict[str, tuple[Any, ...]]
    versions: dict[str, tuple[bytes, ...]]


def identify(program: Program, session: Session) -> Identity:
    """The identity of the measurements of a run that has ended."""
    counts: Counter[str] = Counter()
    fixed: dict[str, list[Any]] = {}
    unmeasured = {
        case.name: [field.name for field in case.fields if not _is_measured(field.name, field.type.kind)]
        for case in program.schema.cases
    }
    for event in session.log.events():
        for item in event.value.get("items", ()):
            if item["source"] == "emit":
                continue
            counts[item["case"]] += 1
            for name in unmeasured.get(item["case"], ()):
                fixed.setdefault(f"{item['case']}.{name}", []).append(item["values"].get(name))
    versions: dict[str, list[bytes]] = {}
    for _, files in session.log.files():
        for path, kept in files.items():
            content = session.log.blobs.get(bytes.fromhex(kept[0])) if kept is not None and kept[0] else b""
            versions.setdefault(path, []).append(content)
    return Identity(
        dict(counts),
        {name: tuple(values) for name, values in fixed.items()},
        {path: tuple(found) for path, found in versions.items()},
    )


def find_difference(before: Identity, after: Identity, *, files: Collection[str], variable: Collection[str]) -> str:
    """A message about the first difference that makes the numbers incomparable; empty if there is none.

    Args:
        files: Paths that measuring commands name.
        variable: Fields, cases and paths that may differ.
    """
    return next(_differences(before, after, files, variable), "")


def _differences(before: Identity, after: Identity, files: Collection[str], variable: Collection[str]) -> Iterator[str]:
    for case in before.counts.keys() | after.counts.keys():
        old, new = before.counts.get(case, 0), after.counts.get(case, 0)
        if old != new and case not in variable:
            yield f"{new} items of {case} were reported instead of {old}"
    for name, values in before.fixed.items():
        if name not in variable and not _may_follow(values, after.fixed.get(name, ())):
            yield f"{name} is {_format(after.fixed.get(name, ()))} instead of {_format(values)} (--variable {name})"
    for path in files:
        if path not in variable and before.versions.get(path) != after.versions.get(path):
            yield f"the file {path} was changed"
    fixed = [text for path in files for text in before.versions.get(path, ())]
    taken = sys.stdlib_module_names | {name for text in fixed for name in imported_names(text)}
    measuring = {path.removesuffix(".py") for path in files if path.endswith(".py")}
    for path, contents in after.versions.items():
        if before.versions.get(path) == contents or path in files:
            continue
        module = path.split("/")[0].removesuffix(".py")
        if path not in before.versions and module in taken and path.endswith((".py", ".so", ".pth")):
            yield f"the file {path} takes the place of the module {module}"
        for text in contents if path.endswith(".py") else ():
            if what := find_patch(text, measuring):
                yield f"the file {path} {what}"


def _is_measured(name: str, kind: Kind) -> bool:
    """Whether a field holds a measurement: a fraction, or an integer whose name denotes a cost, a rate or a score."""
    return kind is Kind.FLOAT or (kind is Kind.INT and metric(name) is not None)


def _may_follow(before: tuple[Any, ...], after: tuple[Any, ...]) -> bool:
    """Whether the values are the same; a boolean may also have become true."""
    if len(before) != len(after):
        return False
    return all(old == new or (old is False and new is True) for old, new in zip(before, after, strict=True))


def _format(values: tuple[Any, ...]) -> str:
    shown = ", ".join(str(value)[:40] for value in values[:MAX_SHOWN])
    return shown + (", ..." if len(values) > MAX_SHOWN else "") or "missing"
