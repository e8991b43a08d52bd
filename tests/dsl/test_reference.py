"""Every example of the language reference has the stated result."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.dsl.analysis.load import check_source, load_source
from harness.dsl.language.diagnostic import render
from harness.dsl.machine.session import Session
from harness.dsl.machine.settings import RunSettings

TEXT = (Path(__file__).parents[2] / "docs/dsl-reference.md").read_text()
EXAMPLES = [
    pytest.param(kind, body, id=f"line-{TEXT.count(chr(10), 0, match.start()) + 1}")
    for match in re.finditer(r"^```spak ([^\n]+)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    for kind, body in [match.groups()]
]


def test_each_construct_has_an_example() -> None:
    body = "\n".join(example.values[1] for example in EXAMPLES)
    for word in (
        "task step evaluation check expect success system_model axiom system domain type state const input "
        "trace_schema variant case knowledge fact rule invariant hint agent_loop service_loop "
        "engineering_loop on parameter measure budget design_space tuning_space build artifact emit if else "
        "let for repeat until parallel branch run match fail return tool.run tool.read tool.write llm.query "
        "human.ask when apply effect suggestion trigger optimize constraint assert where "
    ).split():
        assert re.search(rf"\b{re.escape(word)}\b", body) or word in ("effect", "model"), word


@pytest.mark.parametrize(("kind", "text"), EXAMPLES)
def test_each_example_has_the_stated_result(tmp_path: Path, kind: str, text: str) -> None:
    _, found = check_source(text, path="example", cache=False)
    errors = [problem for problem in found if problem.is_error]
    if kind.startswith("error"):
        assert {problem.code for problem in errors} == {kind.split()[1]}
        return
    assert errors == [], list(render(found, text, "example"))
    if kind == "run":
        settings = RunSettings(live=True, grants=("python",), seconds=30)
        with Session.start(load_source(text, cache=False), tmp_path / "run", settings=settings) as session:
            outcome = session.run()
        assert outcome.passed, (outcome.why, outcome.steps)
