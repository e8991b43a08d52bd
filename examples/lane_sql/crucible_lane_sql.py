"""A lane that judges SQL queries: does a query give the rows that the reference gives, and in how many steps?

The same file works as a `conftest.py`. A suite:

    lane: sql
    schema_: ../specs/shop.sql         # trusted: tables and rows
    reference: ../specs/best.sql       # trusted: the query that is right
    queries: ../queries/*.sql          # untrusted candidates
    gates: {correctness: 1.0, steps: 0.5}
"""

from __future__ import annotations

import random
import re
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import harness
from harness.core.digest import digest_bytes, digest_text
from harness.core.errors import UsageError
from harness.core.evidence import Counterexample
from harness.core.exhibit import pack
from harness.core.exhibit_kinds import Axis, Bars, Table
from harness.core.gate import Gate, GateResult
from harness.core.policy import Policy
from harness.core.score import Component, Score, judge
from harness.core.slug import slug
from harness.lane.breed import Checked, Proposal
from harness.suites.suite import Suite, SuiteOptions

MAX_STEPS, STEP = 200_000, 100  # of SQLite's virtual machine; counted in hundreds
MAX_ROWS = 1000
ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}


class SqlOptions(SuiteOptions):
    """The keys of a suite of this lane."""

    schema_: str
    """Statements that make the database."""
    reference: str
    """The query that is right."""
    queries: str | tuple[str, ...]
    """The candidates."""


class SqlLane:
    """Queries run in memory, read-only, and are ended after a number of steps: they need no box."""

    name = "sql"
    options = SqlOptions
    untrusted = ("queries",)
    boxed = False
    min_tier = None
    keyed = True
    components = ("correctness", "steps")

    def collect(self, suite: Suite) -> Iterator[harness.Case]:
        """One case for each query; files are read, nothing runs."""
        options: Any = suite.options
        for path in suite.glob(options.queries, "queries"):
            yield self.case_of(suite, path)

    def case_of(self, suite: Suite, path: Path) -> harness.Case:
        """The case of one query, also of one that a search proposes."""
        options: Any = suite.options
        return harness.Case(
            lane=self.name,
            suite=suite.name,
            name=slug(path.stem),
            subject=harness.Subject.from_bytes(path.stem, path.read_bytes(), path=path),
            inputs={
                "schema": suite.resolve(options.schema_, "schema_").read_text("utf-8"),
                "reference": suite.resolve(options.reference, "reference").read_text("utf-8"),
                "query": path.read_bytes().decode("utf-8", "replace"),
                "judge": digest_bytes(Path(__file__).read_bytes()),
            },
            policy=suite.policy,
            line=suite.line("queries"),
        )

    def screened(self, case: harness.Case, *, allow_slow: bool = True) -> harness.Case:
        """A cheap verdict: the full one is cheap already, and has no slow candidates to refuse."""
        return case

    async def observe(self, case: harness.Case, context: object) -> harness.Evidence:
        """For a `JudgePool`: nothing is waited for."""
        return self.evaluate(case, context)

    def breed(self, path: Path) -> SqlBreed:
        """What `crucible evolve` needs to search among queries."""
        return SqlBreed()

    def evaluate(self, case: harness.Case, context: object) -> harness.Evidence:
        """Run reference and candidate; a fault of the candidate is a status, never an exception."""
        expected, ideal = _run(case.inputs["schema"], case.inputs["reference"])
        started = time.perf_counter()
        try:
            rows, steps = _run(case.inputs["schema"], case.inputs["query"], untrusted=True)
        except sqlite3.Error as error:
            status = {"interrupted": "timeout", "not authorized": "forbidden"}.get(str(error), "crash")
            return harness.Evidence(status=status, why=f"SQLite says: {error}")
        exhibits = (
            pack("rows", Table(title="Rows", columns=("expected", "observed"), rows=_beside(expected, rows))),
            pack(
                "steps",
                Bars(
                    title="Steps of SQLite's virtual machine",
                    value=Axis(label="steps"),
                    labels=("reference", "candidate"),
                    values=(ideal, steps),
                ),
            ),
        )
        wrong = next((pair for pair in _beside(expected, rows) if pair[0] != pair[1]), None)
        return harness.Evidence(
            status="ok" if wrong is None else "wrong",
            why="" if wrong is None else f"expected {wrong[0]}, observed {wrong[1]}",
            counterexample=None
            if wrong is None
            else Counterexample(question="the first row that differs", expected=wrong[0], observed=wrong[1]),
            facts={"steps": steps, "ideal": ideal, "right": sum(a == b for a, b in _beside(expected, rows))},
            exhibits=exhibits,
            seconds=time.perf_counter() - started,
        )

    def score(self, evidence: harness.Evidence, policy: Policy) -> Score:
        """Half for the rows, half for the steps beside those of the reference."""
        facts = evidence.facts
        good = evidence.status == "ok"
        steps = min(1.0, (facts["ideal"] + STEP) / (facts["steps"] + STEP)) if good else 0.0
        return judge(
            evidence,
            policy,
            [
                Component(name="correctness", value=float(good), weight=0.5, why=evidence.why),
                Component(name="steps", value=steps, weight=0.5, why=f"{facts.get('steps', 'no')} steps"),
            ],
        )


class SqlBreed:
    """Edits of queries, and what the archive of a search knows of them; see `harness.lane.breed.Breed`."""

    entry, styles = "", ()
    operators: Mapping[str, Callable[[str, random.Random], str]] = {
        "delete": lambda text, rng: _without(text, rng.randrange(len(text.splitlines()))),
        "aggregate": lambda text, rng: re.sub(r"\b(sum|max|min|count)\b", rng.choice(("sum", "max", "count")), text),
    }

    def template(self, style: str) -> str:
        """There are no templates: a search begins with the files of its key `start`."""
        raise UsageError(f"unknown style {style!r}")

    def check(self, text: str) -> Checked:
        """Comments and white space do not tell queries apart."""
        words = re.sub(r"--[^\n]*", " ", text).lower().split()
        if not words or words[0] not in ("select", "with"):
            return Checked(digest_text(text), "gate", harness.Status.FORBIDDEN, "it is not a SELECT")
        return Checked(digest_text(text), normal_form=digest_text(" ".join(words)), size=len(words))

    def edit(
        self, parent: str, rng: random.Random, is_new: Callable[[str], bool], operators: Collection[str]
    ) -> Proposal | None:
        """One edit."""
        for name in rng.choices(sorted(operators or self.operators), k=20):
            text = self.operators[name](parent, rng)
            if is_new(text):
                return Proposal(text, (digest_text(parent),), name)
        return None

    def cross(self, receiver: str, donor: str, rng: random.Random, is_new: Callable[[str], bool]) -> None:
        """Two queries have no parts that fit each other."""

    def prompt(self, parent: str, failures: Sequence[str]) -> tuple[str, str]:
        """The question to a model."""
        return "You write SQL for SQLite.", "\n".join(("Give the same rows in fewer steps:", parent, *failures))

    def feedback(self, evaluation: harness.Evaluation, *, is_screened: bool = False) -> str:
        """The status alone: the rows are the answer."""
        return str(evaluation.status)

    def descriptor(self, evaluation: harness.Evaluation) -> Mapping[str, Any]:
        """Steps are the time; queries with and without a subquery have cells of their own."""
        steps = evaluation.evidence.facts.get("steps")  # none of a query that failed
        is_nested = evaluation.case.inputs["query"].lower().count("select") > 1
        return {"style": "nested" if is_nested else "flat", "time": steps and float(steps)}


def _without(text: str, index: int) -> str:
    return "".join(line for at, line in enumerate(text.splitlines(keepends=True)) if at != index)


def _run(schema: str, query: str, *, untrusted: bool = False) -> tuple[list[str], int]:
    """The rows of a query as text, and the number of steps it took, to a hundred."""
    connection = sqlite3.connect(":memory:")
    counted = [0]

    def count() -> bool:
        counted[0] += STEP
        return untrusted and counted[0] > MAX_STEPS

    try:
        connection.executescript(schema)
        if untrusted:
            connection.set_authorizer(lambda action, *_: 0 if action in ALLOWED else sqlite3.SQLITE_DENY)
        connection.set_progress_handler(count, STEP)
        rows = connection.execute(query.strip().rstrip(";")).fetchmany(MAX_ROWS)
        return [repr(row) for row in rows], counted[0]
    finally:
        connection.close()


def _beside(expected: list[str], observed: list[str]) -> tuple[tuple[str, str], ...]:
    size = max(len(expected), len(observed))
    return tuple(zip(*(rows + ["nothing"] * (size - len(rows)) for rows in (expected, observed)), strict=True))


@harness.hookimpl
def crucible_lanes() -> list[SqlLane]:
    """The lanes of this plugin."""
    return [SqlLane()]


@harness.hookimpl
def crucible_columns(evaluation: harness.Evaluation) -> dict[str, float | None]:
    """A column of the leaderboard, which `--gate 'max("steps_taken") <= 5000'` can read too."""
    return {"steps_taken": evaluation.evidence.facts.get("steps")} if evaluation.case.lane == SqlLane.name else {}


@harness.hookimpl
def crucible_gates(rows: Sequence[Mapping[str, Any]]) -> list[GateResult]:
    """A gate on each run with queries: what passes takes 100,000 steps at most."""
    steps = [row["steps_taken"] for row in rows if row["lane"] == SqlLane.name and row["passed"]]
    return [Gate(name="sql steps", threshold=100_000, at_most=True).evaluate(sum(steps))] if steps else []
