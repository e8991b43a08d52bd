"""Versions are immutable and content-addressed and have a lineage; a rejected patch changes nothing."""

from __future__ import annotations

import copy
import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.core.errors import SpecError, UsageError
from harness.grammar.patch import AddType, DeleteField, InsertField, Patch, UpdateField
from harness.grammar.version import SpecStore
from harness.lanes.spec import archive
from harness.ledger.store import Ledger

TEXT = """\
# What every file begins with.
endian: big
types:
  Header:
    fields:
      - name: magic   # two letters
        type: u16
        validate: {equals: 0x4D5A}
      - {name: version, type: u8}
"""
H = ("types", "Header")
FLAGS = Patch((InsertField(H, -1, {"name": "flags", "type": "u16"}),), "Add flags")


@pytest.fixture
def store() -> SpecStore:
    return SpecStore()


def names(version: Any) -> list[str]:
    return [field["name"] for field in version.spec_dict["types"]["Header"]["fields"]]


def test_a_root(store: SpecStore) -> None:
    version = store.create_initial(TEXT, run_lint=True)
    assert (version.parent_id, version.patch_applied, version.lint_valid) == (None, None, True)
    assert store.get(version.id) is version


def test_ids_are_made_of_content_and_history(store: SpecStore) -> None:
    other = SpecStore()
    assert store.create_initial(TEXT).id == other.create_initial(TEXT).id
    assert store.create_initial(TEXT).id != store.create_initial(TEXT + "\n").id
    root = store.create_initial(TEXT)
    made = [s.apply_patch(root.id, FLAGS).new_spec_id for s in (store, other, store)]
    assert made[0] == made[1] == made[2]
    assert len(store) == 3
    back = Patch((DeleteField((*H, "fields", -1)),))
    again = store.version(store.apply_patch(str(made[0]), back).new_spec_id or "")
    assert again.spec_text == TEXT
    assert again.id != root.id  # the same text with another history


def test_a_patch_makes_a_child_and_the_rest_of_the_text_stays(store: SpecStore) -> None:
    root = store.create_initial(TEXT)
    result = store.apply_patch(root.id, FLAGS)
    assert (result.success, result.errors, result.rejected_ops) == (True, (), ())
    made = store.version(result.new_spec_id or "")
    assert names(made) == ["magic", "version", "flags"]
    assert (made.parent_id, made.patch_applied) == (root.id, FLAGS)
    assert made.spec_text.startswith(TEXT.rstrip("\n"))
    assert "0x4D5A" in made.spec_text
    assert "# two letters" in made.spec_text


@pytest.mark.parametrize(
    ("patch", "error", "rejected"),
    [
        (Patch((InsertField(H, 0, {"name": "ok", "type": "u8"}), UpdateField((*H, "fields", 999), {"type": "u8"}))),
         "Failed to apply op 1 (update_field) at types.Header.fields[999]: Field index 999 out of range", (1,)),
        (Patch((InsertField(H, -1, {"name": "bad", "type": "NonExistentType"}),)),
         "Lint failed: Unknown type 'NonExistentType'", ()),
        (Patch((InsertField(H, -1, {"name": "magic", "type": "u8"}),)), "Lint failed: ", ()),
        (Patch((UpdateField((*H, "fields", 0), {"length": "nowhere", "type": "bytes"}),)), "Lint failed: ", ()),
        (Patch((UpdateField((*H, "fields", 0), {"typo": 1}),)), "Lint failed: ", ()),
        (Patch(()), "Patch has no operations", ()),
    ],
)  # fmt: skip
def test_a_patch_that_does_not_fit_changes_nothing(
    store: SpecStore, patch: Patch, error: str, rejected: tuple[int, ...]
) -> None:
    root = store.create_initial(TEXT)
    result = store.apply_patch(root.id, patch)
    assert not result.success
    assert result.errors[0].startswith(error)
    assert result.rejected_ops == rejected
    assert (len(store), names(store.get(root.id))) == (1, ["magic", "version"])


def test_lint_can_be_left_out_and_says_so(store: SpecStore) -> None:
    root = store.create_initial(TEXT)
    patch = Patch((InsertField(H, -1, {"name": "bad", "type": "Nope"}),))
    made = store.version(store.apply_patch(root.id, patch, run_lint=False).new_spec_id or "")
    assert made.lint_valid is None


def test_a_wrong_root_is_kept_and_says_so(store: SpecStore) -> None:
    version = store.create_initial("types: {T: {fields: [{name: a, type: Nope}]}}")
    assert version.lint_valid is False
    assert "Unknown type 'Nope'" in version.lint_errors
    for run_lint in (True, False):
        broken = store.create_initial("a: [", run_lint=run_lint)
        assert broken.lint_valid is False
        assert any("YAML" in error for error in broken.lint_errors)
        refused = store.apply_patch(broken.id, FLAGS)
        assert not refused.success
        assert refused.errors


def test_lineage_branches_and_lookups(store: SpecStore) -> None:
    one = store.create_initial(TEXT)
    two = store.version(store.apply_patch(one.id, FLAGS, branch="main").new_spec_id or "")
    more = Patch((InsertField(H, -1, {"name": "count", "type": "u8"}),))
    three = store.version(store.apply_patch(two.id, more, branch="main").new_spec_id or "")
    assert store.get_lineage(three.id) == [one.id, two.id, three.id]
    with pytest.raises(UsageError, match="unknown version 'unknown'"):
        store.get_lineage("unknown")
    assert store.version("main") is three
    assert store.version(three.id[:9]) is three
    assert store.children(one.id) == [two]
    assert store.get("unknown") is None
    assert store.apply_patch("unknown", FLAGS).errors == ("Parent version unknown not found",)
    with pytest.raises(UsageError, match="unknown version"):
        store.version("unknown")


def test_differences_between_versions(store: SpecStore) -> None:
    one = store.create_initial(TEXT)
    two = store.apply_patch(one.id, FLAGS).new_spec_id or ""
    assert store.diff_specs(one.id, two) == ["Type Header: field count 2 → 3", "Type Header: added field flags (u16)"]
    assert store.diff_specs(one.id, "x") == ["Version x not found"]


def test_nothing_about_a_version_can_be_changed(store: SpecStore) -> None:
    definition = {"name": "flags", "type": "u16", "validate": {"one_of": [1]}}
    root = store.create_initial(TEXT)
    made = store.version(store.apply_patch(root.id, Patch((InsertField(H, -1, definition),))).new_spec_id or "")
    definition["validate"]["one_of"].append(2)  # type: ignore[index]
    assert made.spec_dict["types"]["Header"]["fields"][2]["validate"]["one_of"] == [1]
    with pytest.raises(TypeError):
        made.spec_dict["types"]["Header"]["fields"][0]["name"] = "x"
    with pytest.raises(TypeError):
        made.spec_dict["types"]["Header"]["fields"].append({})
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.spec_text = "x"  # type: ignore[misc]
    mine = copy.deepcopy(made.spec_dict)
    mine["types"].clear()
    assert made.spec_dict["types"]


def test_a_store_travels_as_json_and_cannot_be_forged(store: SpecStore) -> None:
    root = store.create_initial(TEXT)
    store.apply_patch(root.id, FLAGS, branch="main")
    exported = store.export()
    other = SpecStore()
    other.restore(exported)
    assert other.export() == exported
    assert list(other) == list(store)
    exported["versions"][1]["text"] += "# forged\n"
    with pytest.raises(SpecError, match="does not match its id"):
        SpecStore().restore(exported)


def test_a_ledger_keeps_versions(tmp_path: Path, store: SpecStore) -> None:
    root = store.create_initial(TEXT)
    store.apply_patch(root.id, FLAGS, branch="main")
    with Ledger.open(tmp_path / "l.db") as ledger:
        assert archive.rows(ledger) == []
        assert archive.save(ledger, store, scores={root.id: (12.5, None)}) == 2
        assert archive.save(ledger, store) == 0
    with Ledger.read(tmp_path / "l.db") as ledger:
        found = archive.load(ledger)
        assert [row["score"] for row in archive.rows(ledger)] == [12.5, None]
    assert found.export() == store.export()


def test_ids_do_not_depend_on_the_process() -> None:
    code = (
        "from harness.grammar.version import SpecStore\n"
        "from harness.grammar.patch import *\n"
        f"s = SpecStore(); r = s.create_initial({TEXT!r})\n"
        "p = Patch((AddType(('types', 'B'), {'fields': [{'name': 'a', 'type': 'u8'}]}),))\n"
        "print(s.apply_patch(r.id, p).new_spec_id)"
    )
    root = Path(__file__).parents[2]
    made = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
        ).stdout
        for seed in ("1", "2")
    }
    store = SpecStore()
    patch = Patch((AddType(("types", "B"), {"fields": [{"name": "a", "type": "u8"}]}),))
    here = store.apply_patch(store.create_initial(TEXT).id, patch).new_spec_id
    assert made == {f"{here}\n".encode()}
