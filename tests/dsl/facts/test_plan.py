"""A plan is held against laws before anything runs; the law that it breaks is named."""

from __future__ import annotations

import pytest

from harness.dsl.analysis.load import load_source
from harness.dsl.facts.plan import check_plan

LAWS = """
domain Laws {
    rule Tiling { when: "Compute Bound" parameter TileSize: [32, 64, 128] optimize: "Occupancy vs Register Pressure" }
    invariant Memory { parameter TILE_M: 1..512 parameter STAGES: [1, 2, 3] constraint: TILE_M * STAGES * 64 <= 32768 }
    invariant Words { assert: "Never materialize full NxN matrix" }
}
"""


RULE = "plan:1:16: breaks rule 'Tiling' (laws:3:5)"
LAW = "plan:1:16: breaks invariant 'Memory' (laws:4:5)"


def plan(*choices: str) -> tuple[list[str], tuple[str, ...], tuple[str, ...]]:
    text = "design_space { " + " ".join(choices) + " }"
    found = check_plan(load_source(text, cache=False, path="plan"), load_source(LAWS, cache=False, path="laws"))
    return [str(breach) for breach in found.breaches], found.held, found.silent


def test_a_plan_that_keeps_the_laws() -> None:
    assert plan("tile_size: [32, 64]", "TILE_M: [64, 128]", "stages: 3") == ([], ("Tiling", "Memory"), ("Words",))


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        (["TileSize: [32, 48]"], f"{RULE}: TileSize may be 48, and the law knows 32, 64, 128"),
        (["TILE_M: [64, 256]", "STAGES: [1, 3]"], f"{LAW}: with TILE_M = 256, STAGES = 3 it is not true"),
        (["TILE_M: 512"], ""),  # with one stage it fits
        (["TILE_M: 1024"], f"{LAW}: TILE_M may be 1024, and the law knows 1, 2, 3, 4, 5, 6, 7, 8 and 504 more"),
    ],
)
def test_the_law_that_a_plan_breaks_is_named(choices: list[str], expected: str) -> None:
    assert "; ".join(plan(*choices)[0]) == expected


def test_prose_is_never_counted_as_held() -> None:
    breaches, held, silent = plan("unrelated: [1]")
    assert (breaches, held) == ([], ())
    assert silent == ("Tiling", "Memory", "Words")


def test_parameters_of_an_engineering_loop_are_a_plan() -> None:
    text = """engineering_loop E { parameter TileSize: 30..34
    measure { cmd: "x {{TileSize}}" metric: m objective: minimize } }"""
    found = check_plan(load_source(text, cache=False), load_source(LAWS, cache=False))
    assert [breach.law for breach in found.breaches] == ["Tiling"]
