"""The YAML of a search: the tournament's block verbatim, and every mistake with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.errors import SuiteError
from harness.evolve.config import read_experiments, tool_path
from harness.evolve.curriculum import Adaptive, Curriculum, parse_table
from harness.evolve.spica import CURRICULUM, ToolGenEvaluator, ToolGenVariant

ROOT = Path(__file__).resolve().parents[2]


def read(tmp_path, text):
    file = tmp_path / "evolve.yaml"
    file.write_text(text)
    return read_experiments(file)


def test_the_block_of_the_tournament_loads_verbatim():
    (found,) = read_experiments(ROOT / "examples" / "dream.yaml")
    assert found.name == "toolgen_meta_evolution"
    assert found.evaluator == "phase.domains.spica_toolgen:ToolGenEvaluator"
    assert found.search_space == {"impl_style": ["set", "trie", "lsh", "suffixarray"], "anneal_temp": [0.8, 1.0, 1.2]}
    assert sum(found.fitness_weights.values()) == pytest.approx(1)
    tools = [found.schedule.tool_at(epoch) for epoch in (0, 5, 6, 10, 11, 12, 13, 10**9)]
    dedupe, flatten = "text_deduplicate", "json_flatten"
    assert tools == [dedupe, dedupe, flatten, flatten, flatten, dedupe, flatten, dedupe]
    assert tool_path(ROOT / "examples" / "dream.yaml", found, dedupe) == ROOT / "specs" / "tools" / dedupe


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("name: a\nsearch_spaces: {}\n", 2, "unknown key 'search_spaces'; did you mean 'search_space'?"),
        ("name: a\nproposers: [{kind: model, modle: x}]\n", 2, "did you mean 'model'?"),
        ("name: a\nproposers:\n  - {kind: modell}\n", 3, "proposers.0.kind"),
        ("name: a\nproposers:\n  - {kind: command}\n", 3, "needs the key 'command'"),
        ("name: a\nproposers: [{kind: model, backend: olama}]\n", 2, "did you mean 'ollama'?"),
        ("population: 4\n", 1, "the key 'name' is missing"),
        ("name: a\nsearch_space: {impl_style: []}\n", 2, "'impl_style' has no values"),
        ("name: a\nsearch_space: {anneal_temp: [.inf]}\n", 2, "inf is not finite"),
        ("name: a\nsearch_space: {anneal_temp: [.nan]}\n", 2, "nan is not finite"),
        ("name: a\nsearch_space: {anneal_temp: [-1]}\n", 2, "-1 is below 0"),
        ("name: a\nsearch_space: {anneal_temp: [hot]}\n", 2, "'hot' is not a number"),
        ("name: a\nsearch_space: {impl_styles: [set]}\n", 2, "did you mean 'impl_style'?"),
        ("name: a\nfitness_weights: {correctness: 0.5, safety: 0.4}\n", 2, "the weights sum to 0.9, not to 1"),
        ("name: a\nfitness_weights: {correctness: .nan}\n", 2, "fitness_weights.correctness"),
        ("name: a\nfitness_weights: {correctnes: 1.0}\n", 2, "did you mean 'correctness'?"),
        ("name: a\ncurriculum: {epoch_5_0: t}\n", 2, "ends before it begins"),
        ("name: a\ncurriculum: {epoch_0_5: t, epoch_3_9: t}\n", 2, "overlaps"),
        ("name: a\ncurriculum: {epochs: t}\n", 2, "is not a range of epochs"),
        ("name: a\ncurriculum: {epoch_0_plus: alternating}\n", 2, "names no tool"),
        ("name: a\nevaluator: nowhere:Nothing\n", 2, "unknown evaluator"),
        ("name: a\nevaluator: pathlib:Path\n", 2, "is not a subclass"),
        ("name: a\npopulation: 0\n", 2, "greater than 0"),
        ("name: a\nseconds: .nan\n", 2, "seconds"),
        ("name: a\ndomain: kernels\n", 2, "domain"),
        ("- name: a\n- name: a\n", None, "two experiments are named 'a'"),
        ("just text\n", 1, "it must be a mapping"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path, text, line, says):
    with pytest.raises(SuiteError) as caught:
        read(tmp_path, text)
    assert says in str(caught.value)
    if line is not None:
        assert f"evolve.yaml:{line}" in str(caught.value)


def test_a_tool_that_is_missing_is_named(tmp_path):
    (found,) = read(tmp_path, "name: a\ntools: {t: nowhere}\n")
    with pytest.raises(SuiteError, match="'nowhere' does not exist"):
        tool_path(tmp_path / "evolve.yaml", found, "t")
    (found,) = read(tmp_path, "name: a\ncurriculum: {epoch_0_plus: no_such_tool}\n")
    with pytest.raises(SuiteError, match="unknown tool 'no_such_tool'"):
        tool_path(tmp_path / "evolve.yaml", found, "no_such_tool")


def test_stops_may_change_when_a_search_continues(tmp_path):
    (one,) = read(tmp_path, "name: a\n")
    assert one.replace(generations=3, seconds=1.0, finalists=0).key == one.key
    assert one.replace(seed=1).key != one.key
    assert one.replace(population=3).key != one.key


def test_an_adaptive_curriculum_advances_at_a_solve_rate_and_rehearses():
    rule = Adaptive(mode="adaptive", order=("easy", "hard"), solve_rate=0.75, window=4, rehearse=0.5)
    table = Curriculum(rule.order, adaptive=rule)
    assert {table.tool_of(g, {}, seed=0) for g in range(9)} == {"easy"}
    assert {table.tool_of(g, {"easy": [True, False] * 9}, seed=0) for g in range(9)} == {"easy"}
    solved = {"easy": [False] * 9 + [True, True, True, False]}
    tools = [table.tool_of(g, solved, seed=0) for g in range(40)]
    assert set(tools) == {"easy", "hard"}
    assert 10 < tools.count("easy") < 30
    assert tools == [table.tool_of(g, solved, seed=0) for g in range(40)]


def test_a_table_holds_between_and_beyond_its_ranges():
    table = parse_table({"epoch_2_3": "a", "epoch_6_7": "b"})
    assert [table.tool_at(epoch) for epoch in (0, 2, 4, 6, 99)] == ["a", "a", "a", "b", "b"]


def test_the_evaluator_has_the_budgets_and_the_curriculum_of_the_tournament(tmp_path):
    names = ("text_deduplicate", "json_flatten")
    paths = {name: ROOT / "specs" / "tools" / name for name in names}
    evaluator = ToolGenEvaluator(paths)
    budgets = {epoch: evaluator.budgets(epoch) for epoch in (-5, 0, 10, 20, 40, 10**9)}
    assert [(one.time_ms, one.memory_mb) for one in budgets.values()] == [
        (2000, 128), (2000, 128), (1750, 112), (1500, 96), (1000, 64), (1000, 64),
    ]  # fmt: skip
    assert evaluator.curriculum == CURRICULUM
    assert "def deduplicate_lines" in evaluator.source(ToolGenVariant("text_deduplicate"))
