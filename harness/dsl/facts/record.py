"""Records: trace items and verdicts as JSON for the log."""

from __future__ import annotations

from typing import Any

from harness.dsl.plain import plain
from harness.dsl.types import Schema
from harness.dsl.values import MismatchError, Undefined, Value, conform


@plain
class Spread:
    """Statistics of one numeric field that a verdict read.

    Attributes:
        n: Number of defined values.
        low: Minimum; None without values.
        stdev: Sample standard deviation, None below two.
    """

    n: int
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    stdev: float | None = None


@plain
class FactRecord:
    """A verdict and the items that it is based on.

    Attributes:
        verdict: True, False, or None for undefined.
        reason: Why it is undefined, else empty.
        spread: Statistics by numeric field.
        source: Sequence numbers of the first and last of these items.
    """

    fact: str
    verdict: bool | None
    reason: str
    samples: int
    spread: dict[str, Spread]
    source: tuple[int, int]

    def to_json(self) -> dict[str, Any]:
        """The record as JSON for the log."""
        spread = {
            name: [s.n] if s.low is None else [s.n, s.low, s.high, s.mean, s.stdev] for name, s in self.spread.items()
        }
        data: dict[str, Any] = {"fact": self.fact, "is": self.verdict, "n": self.samples, "of": list(self.source)}
        return data | ({"why": self.reason} if self.reason else {}) | ({"spread": spread} if spread else {})


@plain
class Fired:
    """A rule or hint whose facts all became true."""

    kind: str
    name: str
    facts: tuple[str, ...]
    suggestion: str

    def to_json(self) -> dict[str, Any]:
        """The record as JSON for the log."""
        return {"kind": self.kind, "name": self.name, "facts": list(self.facts), "suggestion": self.suggestion}


@plain
class Broken:
    """An invariant that an item broke; `condition` counts its executable conditions from 0."""

    invariant: str
    condition: int

    def to_json(self) -> dict[str, Any]:
        """The record as JSON for the log."""
        return {"invariant": self.invariant, "condition": self.condition}


def to_json(schema: Schema, case: int, item: tuple[Value, ...], source: str) -> dict[str, Any]:
    """A trace item as JSON for the log; the inverse is `from_json`."""
    shape = schema.cases[case]
    values = {f.name: v for f, v in zip(shape.fields, item, strict=True) if not isinstance(v, Undefined)}
    undefined = {f.name: v.reason for f, v in zip(shape.fields, item, strict=True) if isinstance(v, Undefined)}
    data: dict[str, Any] = {"case": shape.name, "values": values, "source": source}
    return data | {"undefined": undefined} if undefined else data


def from_json(schema: Schema, data: dict[str, Any]) -> tuple[int, tuple[Value, ...]]:
    """The index of the case and the values of a logged item.

    Raises:
        MismatchError: if the schema has no such case, or a value does not fit it.
    """
    case = next((i for i, shape in enumerate(schema.cases) if shape.name == data["case"]), -1)
    if case < 0:
        raise MismatchError("case", f"{data['case']!r} is no case of the program")
    values, undefined = data["values"], data.get("undefined", {})
    return case, tuple(
        conform(values[field.name], field.type, path=field.name)
        if field.name in values
        else Undefined(undefined.get(field.name, f"{field.name} is missing"))
        for field in schema.cases[case].fields
    )
