"""The tests that the iteration guide lists, and its three examples."""

from __future__ import annotations

import dataclasses
import runpy
import struct
from pathlib import Path
from typing import Any

import pytest

from harness.grammar.anomaly import AnomalyKind
from harness.grammar.artifacts import RunArtifact, create_run_artifact
from harness.grammar.diff import diff_runs, find_best_run
from harness.grammar.patch import DeleteField, InsertField, Patch, UpdateField, path_to_string, validate_path
from harness.grammar.scoring import compare_scores, find_best_scoring_run, rank_runs, score_run
from harness.grammar.tool_host import LintGrammarInput, ParseBinaryInput, ToolHost
from harness.grammar.version import SpecStore, SpecVersion

INITIAL = (
    "endian: big\ntypes:\n  Header:\n    fields:\n      - {name: magic, type: u16}\n      - {name: version, type: u8}\n"
)
HEADER = ("types", "Header")
DATA = b"".join(struct.pack(">HBHB", 0x4D5A, 2, i % 7, i % 5 + 1) for i in range(60))
EXAMPLES = Path(__file__).parents[2] / "examples" / "spec_iteration.py"


def field(name: str, kind: str) -> InsertField:
    return InsertField(HEADER, -1, {"name": name, "type": kind})


def versions(*patches: Patch) -> list[SpecVersion]:
    store = SpecStore()
    made = [store.create_initial(INITIAL, run_lint=True)]
    for patch in patches:
        made.append(store.version(store.apply_patch(made[-1].id, patch, run_lint=True).new_spec_id or ""))
    return made


@pytest.fixture
def taken(tmp_path: Path) -> dict[str, RunArtifact]:
    """Make runs of a stub, a complete header, and a grammar that reads past the end."""
    path = tmp_path / "headers.bin"
    path.write_bytes(DATA)
    patches = {
        "stub": Patch((UpdateField((*HEADER, "fields", 0), {"doc": "the same"}),)),
        "complete": Patch((field("flags", "u16"), field("count", "u8"))),
        "broken": Patch((InsertField(HEADER, -1, {"name": "body", "type": "bytes", "length": "magic"}),)),
    }
    found = {}
    for name, patch in patches.items():
        version = versions(patch)[1]
        grammar = ToolHost.lint_grammar(LintGrammarInput(yaml_text=version.spec_text)).grammar
        result = ToolHost.parse_binary(ParseBinaryInput(grammar=grammar, file_path=path, max_records=100))
        found[name] = create_run_artifact(name, version.id, result, path, len(DATA))
    return found


def test_path_validation() -> None:
    good: list[Any] = [
        HEADER,
        (*HEADER, "fields", 0),
        (*HEADER, "fields", 0, "name"),
        ("registry", "0x01"),
        ("endian",),
    ]
    bad: list[Any] = [(), ("nope",), (3,), (*HEADER, "fields", True), "types", None]
    assert all(validate_path(path) for path in good)
    assert not any(validate_path(path) for path in bad)


def test_path_to_string() -> None:
    assert path_to_string((*HEADER, "fields", 0)) == "types.Header.fields[0]"
    assert path_to_string(("registry", "0x4E54")) == "registry.0x4E54"


@pytest.mark.parametrize(
    ("operation", "valid"),
    [
        (field("flags", "u16"), True),
        (InsertField(HEADER, -1, {"type": "u8"}), False),
        (InsertField(HEADER, -1, {}), False),
        (InsertField(("types",), -1, {"name": "a", "type": "u8"}), False),
        (UpdateField((*HEADER, "fields", 0), {"type": "u32"}), True),
        (UpdateField((*HEADER, "fields", 0), {}), False),
        (UpdateField(HEADER, {"type": "u32"}), False),
    ],
)
def test_operations_are_validated(operation: Any, valid: bool) -> None:
    assert operation.validate()[0] is valid
    assert Patch((operation,)).validate()[0] is valid


def test_a_patch_is_validated() -> None:
    assert Patch((field("a", "u8"), field("b", "u8"))).validate() == (True, [])
    ok, errors = Patch(()).validate()
    assert not ok
    assert errors == ["Patch has no operations"]


def test_create_initial() -> None:
    root = versions()[0]
    assert root.parent_id is None
    assert root.lint_valid
    assert root.spec_text == INITIAL


def test_atomic_application_and_rejection() -> None:
    store = SpecStore()
    root = store.create_initial(INITIAL)
    done = store.apply_patch(root.id, Patch((field("flags", "u16"),)))
    assert done.success
    child = store.version(done.new_spec_id or "")
    assert len(child.spec_dict["types"]["Header"]["fields"]) == 3
    assert child.parent_id == root.id
    ops = (
        field("ok", "u8"),
        UpdateField((*HEADER, "fields", 999), {"type": "u8"}),
        DeleteField((*HEADER, "fields", 0)),
    )
    failed = store.apply_patch(root.id, Patch(ops))
    assert (failed.success, failed.rejected_ops) == (False, (1,))
    assert store.version(root.id).spec_text == INITIAL


def test_lint_rejects_a_patch() -> None:
    store = SpecStore()
    root = store.create_initial(INITIAL)
    result = store.apply_patch(root.id, Patch((field("bad", "NonExistentType"),)), run_lint=True)
    assert not result.success
    assert result.errors == ("Lint failed: Unknown type 'NonExistentType'",)


def test_a_chain_of_versions() -> None:
    store = SpecStore()
    chain = [store.create_initial(INITIAL).id]
    for name in ("a", "b"):
        chain.append(store.apply_patch(chain[-1], Patch((field(name, "u8"),))).new_spec_id or "")
    assert store.get_lineage(chain[2]) == chain


def test_several_operations_in_order() -> None:
    ops = (field("a", "u8"), field("b", "u8"), UpdateField((*HEADER, "fields", 0), {"color": "red"}))
    fields = versions(Patch(ops))[1].spec_dict["types"]["Header"]["fields"]
    assert [f["name"] for f in fields] == ["magic", "version", "a", "b"]
    assert fields[0]["color"] == "red"


def test_artifacts_and_anomalies(taken: dict[str, RunArtifact]) -> None:
    run, broken = taken["complete"], taken["broken"]
    assert (run.stats.record_count, run.stats.coverage_percentage, run.stats.error_count) == (60, 100.0, 0)
    assert not run.anomalies
    errors = [anomaly for anomaly in broken.anomalies if anomaly.type is AnomalyKind.PARSE_ERROR]
    assert len(errors) == broken.stats.error_count > 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        run.stats.coverage_percentage = 99.0  # type: ignore[misc]


def test_differences_and_improvement(taken: dict[str, RunArtifact]) -> None:
    better, worse = diff_runs(taken["stub"], taken["complete"]), diff_runs(taken["complete"], taken["broken"])
    assert better.is_improvement()
    assert not worse.is_improvement()
    assert worse.error_delta > 0
    assert not diff_runs(taken["stub"], taken["stub"]).is_improvement()  # the seed guide counts that as an improvement
    best, diff = find_best_run(taken["stub"], [taken["broken"], taken["complete"]])
    assert best is taken["complete"]
    assert diff is not None
    assert find_best_run(taken["complete"], [taken["broken"]]) == (None, None)


def test_scores_gates_ranks_and_comparison(taken: dict[str, RunArtifact]) -> None:
    runs = list(taken.values())
    ranked = rank_runs(runs)
    assert ranked[0][0] is taken["complete"]
    counted = [score.total_score for _, score in ranked if score.passed_hard_gates]
    assert counted == sorted(counted, reverse=True)
    best, score = find_best_scoring_run(runs, taken["stub"])
    assert score is not None
    assert best is taken["complete"]
    assert score.total_score == max(counted)
    assert score.hard_gates == {"parse_advanced": True, "no_safety_violations": True}
    assert not score_run(taken["broken"], policy="classic").passed_hard_gates
    text = compare_scores(score, score_run(taken["stub"]))
    assert all(part in text for part in ("Run A", "Run B", "RESULT"))


def test_the_three_examples(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES), run_name="__main__")
    said = capsys.readouterr().out
    assert [line for line in said.splitlines() if line.startswith("==")] == ["== Iteration", "== Lineage", "== Score"]
    assert "best: complete" in said
    assert "no such type: refused: Lint failed: Unknown type 'NonExistentType'" in said
    assert "# What the first look tells." in said
    assert "classic, complete: 0.0" in said  # under `classic` a truncated tail fails the gate
