"""Gate cases: the evaluations that each gate of a run is computed from."""

from __future__ import annotations

from typing import NamedTuple

from harness.core.errors import CrucibleError
from harness.gates.expression import GateExpression, bound_of_a_case, measured_cases, parse_gate
from harness.gates.syntax import COMPONENTS, RELATIONS, baselines
from harness.ledger import queries
from harness.ledger.run_gates import columns, run_gates
from harness.ledger.store import Ledger
from harness.report import words
from harness.report.urgency import causes_raised

Row = queries.Row


class GateCase(NamedTuple):
    """One evaluation with what a gate reads of it.

    Attributes:
        row: Its columns in the ledger.
        value: The value, as text; empty where the gate only counts.
        misses: Whether the value alone does not meet the bound of the gate.
    """

    row: Row
    value: str
    misses: bool


def gate_cases(ledger: Ledger, run_id: str, gate: Row) -> list[GateCase]:
    """The cases of a gate of a run, undefined and low ones first, but a cause before what follows from it.

    There are none for a gate that a plugin computes.

    Args:
        ledger: Where the run is recorded.
        run_id: The run.
        gate: The row of `run_gates`.
    """
    try:
        expression = parse_gate(gate["expression"])
        names = baselines(expression.root)
        known = {name: queries.named_baseline(ledger, run_id, queries.run(ledger, name)["run_id"]) for name in names}
    except CrucibleError:
        return []
    rows = gate_rows(ledger, run_id, expression)
    found = measured_cases(expression, rows, baselines={"": queries.baseline(ledger, run_id), **known})
    relation, bound = bound_of_a_case(expression) or ("", 0.0)
    return [
        GateCase(
            dict(row),
            "" if value is None else words.measured(value, bound if relation else None),
            bool(relation) and (value is None or not RELATIONS[relation](value, bound)),
        )
        for row, value in causes_raised(found, lambda one: dict(one[0]))
    ]


def value_before(ledger: Ledger, run_id: str, expression: str) -> str:
    """What a gate of the same expression observed in another run, in words; empty if that run has none."""
    found = [gate for gate in run_gates(ledger, run_id) if gate["expression"] == expression] if run_id else []
    if not found:
        return ""
    observed = words.measured(found[0]["observed"], found[0]["threshold"])
    return f"{observed} in run {run_id}, where the gate {'passes' if found[0]['passed'] else 'fails'}"


def gate_rows(ledger: Ledger, run_id: str, expression: GateExpression | None = None) -> list[Row]:
    """The evaluations of a run as a gate reads them (`harness.gates.row`): with columns of plugins and components.

    Without an expression, which names what it reads, all components are there.
    """
    rows = queries.evaluations(ledger, run_id)
    parts: dict[str, dict[str, float | None]] = {}
    if expression is None or '"' in expression.text or any(name in expression.text for name in COMPONENTS):
        for nodeid, found in queries.details(ledger, run_id, "components", [row["nodeid"] for row in rows]).items():
            parts[nodeid] = {one["name"]: one["value"] for one in found}
    query = "SELECT nodeid, verdict FROM comparisons WHERE run_id = ? AND role = 'parent'"
    parents = {row["nodeid"]: row["verdict"] for row in ledger.rows(query, run_id)}
    more = columns(ledger, run_id)
    return [
        more.get(row["nodeid"], {})
        | parts.get(row["nodeid"], {})
        | row
        | {"against_parent": parents.get(row["nodeid"])}
        for row in rows
    ]
