"""Tracing: adds items to the trace, and their verdicts to the event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.dsl.facts.knowledge import Knowledge
from harness.dsl.facts.record import from_json, to_json
from harness.dsl.ir import Program
from harness.dsl.machine.recorder import Recorder
from harness.dsl.values import Value


class Tracing:
    """Traces items of one run.

    Args:
        recorder: Of the run; an item belongs to the next event.
    """

    def __init__(self, program: Program, knowledge: Knowledge, recorder: Recorder) -> None:
        self._schema, self._knowledge, self._recorder = program.schema, knowledge, recorder

    def observe(self, fields: dict[str, list[Any]], case: int, item: tuple[Value, ...], source: str) -> None:
        """Trace one item.

        Args:
            fields: Of the next event; `items`, `facts`, `fired` and `broken` are extended.
            case: Index of the item's case.
            source: The effect's key, or `emit`.
        """
        seq = self._recorder.next_seq
        data = to_json(self._schema, case, item, source)
        fields.setdefault("items", []).append(data)
        found = self._knowledge.observe(case, item, seq)
        self._recorder.state.fresh.append([seq, data])
        for name in ("facts", "fired", "broken"):
            records = getattr(found, name)
            if records:
                fields.setdefault(name, []).extend(record.to_json() for record in records)

    def observe_recorded(self, recorded: Mapping[str, Any]) -> dict[str, list[Any]]:
        """Trace the items of a recorded event; returns the fields for the new event."""
        fields: dict[str, list[Any]] = {}
        for data in recorded.get("items", ()):
            case, item = from_json(self._schema, data)
            self.observe(fields, case, item, data["source"])
        return fields
