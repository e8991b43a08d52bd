"""Descriptive blocks are kept as written, and never swallow a misspelt keyword or a missing brace."""

from __future__ import annotations

import pytest

from harness.dsl.analysis.load import check_source
from harness.dsl.language import syntax as s
from harness.dsl.language.diagnostic import render
from harness.dsl.language.parser import parse
from harness.dsl.language.printer import print_module

FOREIGN = """system Plan {
    baseline {
        device: "CPU"
        limits { memory <= 12GB, time <= 24h }
    }
    dynamics Recurrence {
        state h: Tensor[B, T, D]
        transition:
            h' = f(h) @ W → next
    }
    experiment "Out of range" { metrics: ["accuracy"] }
    knowledge {
        heuristic "Stable" { apply: "small steps" }
        rule Exit { when: "entropy is low" apply: "stop" mechanism: "mask" step 1: "first" step 2: "then" }
    }
    protocol Verify { step 1_data { check: "one batch" } }
    task Work { step 1_smoke_test { let x = 1 } step 2: tool.run { cmd: "echo 2" } notes { free: "text" }
        evaluation { targets { x >= 1 } metric: "accuracy" } }
}
"""


def found(text: str) -> list[str]:
    return list(render(check_source(text, path="p", cache=False)[1], text, "p", source=False))


def test_descriptive_blocks_are_kept_with_their_places() -> None:
    program, problems = check_source(FOREIGN, cache=False)
    assert problems == []
    assert program is not None
    described = {what: text for what, text, _ in program.described}
    assert list(described) == [
        "baseline", "dynamics Recurrence", "experiment Out of range", "heuristic Stable", "mechanism of rule Exit",
        "step 1 of rule Exit", "step 2 of rule Exit", "protocol Verify", "notes", "targets", "metric",
    ]  # fmt: skip
    assert "h' = f(h) @ W → next" in described["dynamics Recurrence"]
    assert [program.source[span[0] :].split()[0] for _, _, span in program.described][:2] == ["baseline", "dynamics"]
    assert [step.name for step in program.units[0].steps] == ["1_smoke_test", "2"]


def test_a_printed_description_is_read_again_as_it_was() -> None:
    module, _ = parse(FOREIGN)
    again, problems = parse(print_module(module))
    assert problems == []
    assert again == module


@pytest.mark.parametrize("word", ["taks", "agent_lop", "knowlege", "evaluatoin", "rules", "design_spaces"])
def test_a_misspelt_keyword_is_an_error(word: str) -> None:
    (first, *_) = found(f"system A {{\n    {word} X {{ }}\n}}\ntask T {{ step s {{ let x = 1 }} }}")
    assert first.startswith(f"p:2:5: E104 unexpected {word!r}")


@pytest.mark.parametrize("key", ["aply", "whn", "suggestions"])
def test_a_misspelt_property_is_an_error(key: str) -> None:
    problems = found(f'rule R {{ when: "x" apply: "y" {key}: "z" }}')
    assert any("E206" in problem and "did you mean" in problem for problem in problems)


def test_a_missing_brace_names_the_block_that_lacks_it() -> None:
    lines = FOREIGN.split("\n")
    del lines[4]  # of baseline
    (problem, *_) = found("\n".join(lines))
    assert problem == "p:2:5: E105 the block 'baseline' is not closed (add its '}')"
    text = "system A {\n    model {\n        type T { x: int }\n    task T {\n        step s { let x = 1 }\n    }\n}\n"
    (problem,) = found(text)
    assert problem == "p:7:2: E105 unexpected end of file, expected '}' (the '{' of 2:11 is not closed)"


def test_a_description_ends_at_its_own_brace() -> None:
    module, problems = parse('a_note { x: "}" { } }\nconst A = 1')
    assert problems == []
    assert [type(item) for item in module.items] == [s.Description, s.Variable]
