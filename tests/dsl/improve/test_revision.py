"""A revision is accepted only for a measured improvement."""

from __future__ import annotations

import pytest

from harness.dsl.analysis.load import load_source
from harness.dsl.improve.contract import clauses_of, find_broken_clause
from harness.dsl.improve.measured_runs import Measured, Objective, measure
from harness.dsl.improve.revision import Attempt, Improvement
from harness.dsl.ir import Program
from harness.dsl.language.parser import parse
from harness.dsl.machine.settings import RunSettings
from tests.script_provider import ScriptProvider

PROGRAM = """
variant T { case Cost { value: float } }
task Tune {
    step prepare: tool.write { path: "cost.py" content: "import sys; print((7 - int(sys.argv[1])) ** 2 + 1)" }
    let tile = 3
    step note { emit T.Cost { value: 17.0 } }
    evaluation { check cost: tool.run { cmd: ["python", "cost.py", tile] below: 1000 } }
    success: passed("cost")
}
"""
SETTINGS = RunSettings(live=True, grants=("python",))


def tuned(tile: int, source: str = PROGRAM) -> str:
    return f"Here it is:\n```spak-dsl\n{source.replace('let tile = 3', f'let tile = {tile}')}\n```\n"


def improve(*replies: str, objective: Objective = Objective("cost", maximize=False)) -> tuple[Program, list[Attempt]]:
    def run(program: Program, first: int) -> Measured:
        return measure(program, objective, inputs={}, settings=SETTINGS, provider=None, repeats=1, first=first)

    improving = Improvement(objective, run, ScriptProvider(in_order=replies))
    return improving.improve(load_source(PROGRAM, cache=False), len(replies))


def test_a_better_program_replaces_the_previous_one() -> None:
    best, attempts = improve(tuned(2), tuned(5), tuned(4), tuned(7))
    assert [attempt.accepted for attempt in attempts] == [False, True, False, True]
    assert attempts[0].why == "no improvement: 26 against 17"
    assert attempts[3].why == "5 -> 1"
    assert "let tile = 7" in best.source


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (tuned(3), "it is identical to the program"),
        (tuned(7).replace("(7 - int(sys.argv[1])) ** 2 + 1", "0"), "the file cost.py was changed"),
        (tuned(7).replace("below: 1000", "below: 99999"), "Tune: cost was changed"),
        (tuned(7).replace('success: passed("cost")', ""), "Tune: success was removed"),
        (tuned(7).replace("value: float", "value: float > 0"), "Variant T was changed"),
        ("```\ntask T {\n```", "E105 unexpected end of file"),
        ("```\ntask T { step a { let x = y } }\n```", "E201 unknown variable"),
        ("```\n```", "the reply contains no program"),
        (tuned(7).replace("let tile = 7", 'let tile = 7 fail "no"'), "E408"),
    ],
)
def test_a_revision_without_improvement_is_rejected(reply: str, why: str) -> None:
    best, (attempt,) = improve(reply)
    assert not attempt.accepted
    assert why in attempt.why
    assert best.source == PROGRAM


def test_an_emitted_number_is_not_a_measurement() -> None:
    """A value that the program states itself is not measured."""
    canned = tuned(3).replace("value: 17.0", "value: 0.5")
    best, (attempt,) = improve(canned, objective=Objective("T.Cost.value", maximize=False))
    assert not attempt.accepted
    assert "not measured" in attempt.why
    assert best.source == PROGRAM


def test_a_provider_without_an_answer() -> None:
    class Silent:
        name = "silent"

        def answer(self, question: object) -> None:
            return None

    program = load_source(PROGRAM, cache=False)
    measured = Measured((1.0,), passed=True, why="", metrics={}, trace="")
    best, attempts = Improvement(Objective(), lambda *_: measured, Silent()).improve(program, 3)
    assert (best.digest, [a.why for a in attempts]) == (program.digest, ["the provider gave no answer"])


def test_clauses_can_be_added_but_not_removed() -> None:
    before = clauses_of(parse(PROGRAM)[0])
    more = clauses_of(parse(PROGRAM.replace("evaluation {", "evaluation { check also: 1 < 2"))[0])
    assert find_broken_clause(before, more) == ""
    assert find_broken_clause(more, before) == "Tune: also was removed"


def test_a_chance_improvement_is_rejected() -> None:
    """An equivalent program: three runs beat three others by chance, six do not."""
    program = load_source(PROGRAM, cache=False)
    luck = {True: {0: (5.0, 6.0, 5.5), 3: (7.0, 5.0, 6.0)}, False: {0: (7.0, 7.5, 6.5), 3: (5.0, 6.0, 7.0)}}

    def run(one: Program, first: int) -> Measured:
        return Measured(luck[one.digest != program.digest][first], passed=True, why="", metrics={}, trace="")

    _, (attempt,) = Improvement(Objective("cost", maximize=False), run, ScriptProvider(in_order=[tuned(5)])).improve(
        program, 1
    )
    assert not attempt.accepted
    assert attempt.values == (5.0, 6.0, 5.5, 7.0, 5.0, 6.0)
    luck[True][3] = (5.0, 4.0, 4.5)
    luck[False][3] = (6.6, 7.0, 7.0)
    _, (attempt,) = Improvement(Objective("cost", maximize=False), run, ScriptProvider(in_order=[tuned(5)])).improve(
        program, 1
    )
    assert attempt.accepted


@pytest.mark.parametrize("number", ["float('nan')", "-float('inf')"])
def test_a_number_that_is_not_finite_measures_nothing(number: str) -> None:
    """Less than every other one, it would win a search for the smallest."""
    program = load_source(PROGRAM.replace("(7 - int(sys.argv[1])) ** 2 + 1", number), cache=False)
    objective = Objective("cost", maximize=False)
    found = measure(program, objective, inputs={}, settings=SETTINGS, provider=None, repeats=1)
    assert found.values == ()
