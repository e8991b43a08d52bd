"""The complete workflow: grammar, patches, runs, comparison and selection; and the automatic loop."""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.core.errors import InfraError
from harness.grammar.artifacts import RunArtifact, create_run_artifact
from harness.grammar.diff import diff_runs, find_best_run
from harness.grammar.improvement.iteration import improve_spec
from harness.grammar.improvement.proposer import Situation, from_command, from_completion
from harness.grammar.patch import InsertField, Patch, SetEndian, UpdateField
from harness.grammar.scoring import find_best_scoring_run, score_run
from harness.grammar.tool_host import LintGrammarInput, ParseBinaryInput, ToolHost
from harness.grammar.version import SpecStore, SpecVersion

INITIAL = """
types:
  Header:
    fields:
      - name: magic
        type: u16
      - name: version
        type: u8
"""
DATA = b"".join(struct.pack(">HBHB", 0x4D5A, 2, i % 7, i % 3) for i in range(60))
H = ("types", "Header")
FLAGS = InsertField(H, -1, {"name": "flags", "type": "u16"})
COUNT = InsertField(H, -1, {"name": "count", "type": "u8"})
PATCHES = (
    Patch((FLAGS,), "flags"),
    Patch((FLAGS, COUNT), "flags and count"),
    Patch((UpdateField((*H, "fields", 9), {"type": "u8"}),)),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data.bin"
    path.write_bytes(DATA)
    return path


def take(version: SpecVersion, file: Path, name: str) -> RunArtifact:
    grammar = ToolHost.lint_grammar(LintGrammarInput(yaml_text=version.spec_text)).grammar
    result = ToolHost.parse_binary(ParseBinaryInput(grammar=grammar, file_path=file, max_records=100))
    return create_run_artifact(name, version.id, result, file, file.stat().st_size)


def test_iterating_by_hand(file: Path) -> None:
    store = SpecStore()
    root = store.create_initial(INITIAL, run_lint=True)
    baseline = take(root, file, "baseline")
    results = [store.apply_patch(root.id, patch, run_lint=True) for patch in PATCHES]
    assert [result.success for result in results] == [True, True, False]
    candidates = [
        take(store.version(result.new_spec_id or ""), file, f"candidate_{i}")
        for i, result in enumerate(results, 1)
        if result.success
    ]
    best, score = find_best_scoring_run(candidates, baseline)
    by_diff, diff = find_best_run(baseline, candidates)
    assert best is by_diff is candidates[1]
    assert score is not None
    assert score.total_score > score_run(baseline).total_score
    assert diff is not None
    assert diff.is_improvement()
    assert not diff_runs(baseline, candidates[0]).is_improvement()
    assert best is not None
    assert best.stats.coverage_percentage == 100.0


def test_lineage_of_a_chain_of_patches(file: Path) -> None:
    store = SpecStore()
    version = store.create_initial(INITIAL)
    chain = [version.id]
    for op in (FLAGS, COUNT, SetEndian(endian="big")):
        version = store.version(store.apply_patch(version.id, Patch((op,))).new_spec_id or "")
        chain.append(version.id)
    assert store.get_lineage(version.id) == chain
    assert store.diff_specs(chain[0], chain[-1]) == [
        "Type Header: field count 2 → 4",
        "Type Header: added field flags (u16)",
        "Type Header: added field count (u8)",
        "Endian set to big",
    ]
    assert [v.patch_applied.ops[0].op_type if v.patch_applied else None for v in store] == [
        None, "insert_field", "insert_field", "set_endian",
    ]  # fmt: skip


def test_a_score_says_what_it_is_made_of(file: Path) -> None:
    score = score_run(take(SpecStore().create_initial(INITIAL), file, "run"))
    assert set(score.hard_gates) == {"parse_advanced", "no_safety_violations"}
    assert set(score.soft_metrics) == {"explained", "economy", "coverage"}
    assert score.explanation is not None
    assert {credit.name for credit in score.explanation.credits} == {"magic", "version"}
    assert all(credit.why for credit in score.explanation.credits)


def proposals(situation: Situation) -> list[Patch]:
    return [patch for patch in PATCHES if patch.digest not in situation.refused]


def test_the_loop_keeps_what_explains_more_and_ends() -> None:
    held = {"b": DATA[6 * 30 :] + DATA[: 6 * 12]}
    found = improve_spec(INITIAL, {"a": DATA}, proposals, holdout=held, max_iterations=9)
    assert found.best_score > found.initial_score
    assert found.holdout_after is not None
    assert found.holdout_before is not None
    assert found.holdout_after > found.holdout_before
    assert found.best.patch_applied is PATCHES[1]
    assert [step.description for step in found.steps] == ["flags and count", ""]
    assert found.steps[0].rejected == 1
    assert found.store.get_lineage(found.best.id) == [found.initial.id, found.best.id]


def test_the_holdout_is_never_shown_to_a_proposer() -> None:
    seen: list[Situation] = []

    def spy(situation: Situation) -> list[Patch]:
        seen.append(situation)
        return []

    improve_spec(INITIAL, {"a": DATA}, spy, holdout={"secret": b"\1" * 30})
    assert "secret" not in json.dumps([situation.to_wire() for situation in seen])


def test_a_program_can_propose(tmp_path: Path) -> None:
    script = tmp_path / "propose.py"
    script.write_text(
        "import json, sys\n"
        "situation = json.load(sys.stdin)\n"
        "assert situation['grammar'] and situation['measured']['bytes'] == 360\n"
        "f = lambda name, kind: {'op': 'insert_field', 'path': 'types.Header', 'index': -1,"
        " 'field_def': {'name': name, 'type': kind}}\n"
        "both = {'description': 'both', 'ops': [f('flags', 'u16'), f('count', 'u8')]}\n"
        "json.dump([both, {'nonsense': 1}], sys.stdout)\n"
    )
    found = improve_spec(INITIAL, {"a": DATA}, from_command([sys.executable, str(script)]))
    assert found.steps[0].description == "both"
    with pytest.raises(InfraError, match="ended with status 3"):
        improve_spec(INITIAL, {"a": DATA}, from_command([sys.executable, "-c", "raise SystemExit(3)"]))


def test_a_language_model_can_propose() -> None:
    asked: list[str] = []

    def model(prompt: str) -> str:
        asked.append(prompt)
        return (
            "I think there is more.\n```yaml\n- {op: insert_field, path: [types, Header], index: -1, "
            "field_def: {name: flags, type: u16}}\n- {op: insert_field, path: types.Header, index: -1, "
            "field_def: {name: count, type: u8}}\n```\nand\n```yaml\nnot: [a patch\n```\n"
        )

    found = improve_spec(INITIAL, {"a": DATA}, from_completion(model), max_iterations=1)
    assert found.best_score > found.initial_score
    assert "name: magic" in asked[0]


def test_what_cannot_be_improved_is_said() -> None:
    nothing: Any = lambda situation: []  # noqa: E731
    with pytest.raises(ValueError, match="does not pass lint"):
        improve_spec("types: {T: {fields: [{name: a, type: Nope}]}}", {"a": b"x"}, nothing)
    with pytest.raises(ValueError, match="no files"):
        improve_spec(INITIAL, {}, nothing)
