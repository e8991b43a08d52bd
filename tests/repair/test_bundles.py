"""Hand-offs in the tournament's JSON, and bundles that vanished, changed or are links."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from harness.core.digest import digest_bytes
from harness.ledger.handoffs import Handoff
from harness.repair.bundles import (
    KEYS,
    InvalidHandoffError,
    candidate_of,
    challenger_path,
    find_equal,
    handoff_for,
    read_handoffs,
    spec_of,
    write_challenger,
    write_handoffs,
)
from tests.repair.conftest import with_fault

BROKEN = with_fault("float_trunc")


@pytest.fixture
def bundle(tmp_path) -> Path:
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "tool.py").write_bytes(BROKEN)
    return folder


@pytest.fixture
def handoff(bundle, tool) -> Handoff:
    return handoff_for(tool, bundle / "tool.py", source="toolgen", epoch=3)


def written(path: Path, **values) -> Path:
    path.write_text(json.dumps(values))
    return path


def test_a_handoff_is_exported_with_its_bundle_and_imported_again(handoff, tmp_path):
    (path,) = write_handoffs([handoff], tmp_path / "out")
    value = json.loads(path.read_text())
    assert tuple(value) == KEYS
    assert (value["epoch"], value["source"], value["reason"]) == (3, "toolgen", "toolgen_incorrect")
    (tmp_path / "bundle" / "tool.py").unlink()
    found, problems = read_handoffs([tmp_path / "out"])
    assert problems == []
    assert [one.handoff_id for one in found] == [handoff.handoff_id]
    assert candidate_of(found[0])[1] == BROKEN


def test_the_tournaments_own_file_is_read(bundle, tool, tmp_path):
    (bundle / "tool").mkdir()
    (bundle / "tool.py").rename(bundle / "tool/tool.py")
    path = written(
        tmp_path / "handoff_1761602235.json", ts=1761602235.134448, source="toolgen", spec_path=str(tool),
        bundle_dir=str(bundle), epoch=0, impl_style="set", reason="toolgen_incorrect",
        metrics={"correctness": 0.0, "fitness": 0.6},
    )  # fmt: skip
    (one,), problems = read_handoffs([path])
    assert problems == []
    assert one.digest == digest_bytes(BROKEN)
    assert one.payload["metrics"] == {"correctness": 0.0, "fitness": 0.6}
    assert one.payload["candidate"] == str(bundle / "tool/tool.py")
    assert one.tool == "sum_list"


WRONG = {
    "not an object": "[1]",
    "not JSON": "{",
    "NaN": '{"spec_path": "/", "bundle_dir": "/", "metrics": {"fitness": NaN}}',
    "deep": "[" * 100_000,
    "empty": "",
    "no spec": '{"bundle_dir": "/"}',
    "a number": '{"spec_path": 3, "bundle_dir": "/"}',
    "text for a number": '{"spec_path": "/", "bundle_dir": "/", "metrics": {"fitness": "high"}}',
    "gone": '{"spec_path": "/no/such/spec.json", "bundle_dir": "/"}',
}


@pytest.mark.parametrize("name", WRONG)
def test_a_file_that_is_no_handoff_is_named_and_the_others_are_read(name, handoff, tmp_path):
    write_handoffs([handoff], tmp_path / "out")
    bad = tmp_path / "out" / "bad.json"
    bad.write_text(WRONG[name])
    found, (problem,) = read_handoffs([tmp_path / "out"])
    assert len(found) == 1
    assert problem.startswith(f"{bad}: ")
    if name == "gone":
        assert "Spec file not found: /no/such/spec.json" in problem


@pytest.mark.parametrize("epoch", [-3, 10**9 + 1, 1.5, "0", True, None])
def test_an_epoch_is_a_count(handoff, tool, bundle, tmp_path, epoch):
    path = written(tmp_path / "a.json", spec_path=str(tool), bundle_dir=str(bundle), epoch=epoch)
    found, (problem,) = read_handoffs([path])
    assert found == []
    assert "is not an integer from 0 to" in problem
    changed = Handoff("toolgen", "t", "d", handoff.digest, "r", {**handoff.payload, "epoch": epoch})
    with pytest.raises(InvalidHandoffError, match="is not an integer"):
        spec_of(changed)


def test_a_bundle_that_vanished(handoff, bundle):
    (bundle / "tool.py").unlink()
    with pytest.raises(InvalidHandoffError, match=r"tool\.py: it cannot be read"):
        candidate_of(handoff)


def test_a_bundle_that_changed(handoff, bundle):
    (bundle / "tool.py").write_bytes(BROKEN + b"\n")
    with pytest.raises(InvalidHandoffError, match="changed since it was handed off"):
        candidate_of(handoff)


def test_a_candidate_that_is_a_link(handoff, bundle, tool, tmp_path):
    (bundle / "tool.py").rename(tmp_path / "other.py")
    (bundle / "tool.py").symlink_to(tmp_path / "other.py")
    with pytest.raises(InvalidHandoffError, match="symbolic link"):
        candidate_of(handoff)
    path = written(tmp_path / "a.json", spec_path=str(tool), bundle_dir=str(bundle))
    assert "symbolic link" in read_handoffs([path])[1][0]


def test_a_bundle_that_is_a_link(handoff, bundle, tool, tmp_path):
    bundle.rename(tmp_path / "elsewhere")
    bundle.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidHandoffError, match="symbolic link"):
        candidate_of(handoff)
    path = written(tmp_path / "a.json", spec_path=str(tool), bundle_dir=str(bundle))
    assert "symbolic link" in read_handoffs([path])[1][0]


@pytest.mark.parametrize("linked", ["tool", "."])
def test_a_folder_of_a_bundle_that_is_a_link(tool, bundle, tmp_path, linked):
    nested = tmp_path / "outer" / "tool"
    nested.parent.mkdir()
    bundle.rename(nested)
    (moved := nested if linked == "tool" else nested.parent).rename(tmp_path / "elsewhere")
    moved.symlink_to(tmp_path / "elsewhere")
    path = written(tmp_path / "a.json", spec_path=str(tool), bundle_dir=str(nested.parent))
    assert "the bundle is a symbolic link" in read_handoffs([path])[1][0]
    with pytest.raises(InvalidHandoffError, match="the bundle is a symbolic link"):
        candidate_of(Handoff("toolgen", "t", "", "", "", payload={"candidate": str(nested / "tool.py")}))


def test_a_candidate_that_is_a_pipe_is_not_waited_for(handoff, bundle):
    (bundle / "tool.py").unlink()
    os.mkfifo(bundle / "tool.py")
    with pytest.raises(InvalidHandoffError, match="plain file"):
        candidate_of(handoff)


@pytest.mark.parametrize("payload", [{}, {"candidate": 3, "spec_path": None}, {"candidate": "\0", "spec_path": "\0"}])
def test_a_payload_without_paths(payload):
    one = Handoff("toolgen", "t", "d", "a", "r", payload)
    for read in (candidate_of, spec_of):
        with pytest.raises(InvalidHandoffError, match="no path"):
            read(one)


def test_a_suite_that_is_gone_leaves_the_tool(handoff, tool, tmp_path):
    one = Handoff("toolgen", "t", "d", "a", "r", {**handoff.payload, "suite": str(tmp_path / "gone.suite.yaml")})
    assert spec_of(one) == (tool, 3)


def test_a_challenger_has_a_name_of_its_own_unless_its_bytes_are_there(bundle):
    parent = bundle / "tool.py"
    first = challenger_path(parent, b"x = 1\n")
    assert first.parent == bundle
    assert first.name.startswith("tool_fixed_")
    assert challenger_path(first, b"x = 1\n") == first
    assert challenger_path(first, b"x = 2\n").name.count("_fixed_") == 1
    assert find_equal(parent, b"x = 1\n") is None
    (bundle / "good.py").write_bytes(b"x = 1\n")
    assert find_equal(parent, b"x = 1\n") == bundle / "good.py"


def test_a_repair_is_written_through_no_link(bundle, tmp_path) -> None:
    """A bundle is untrusted: its author can compute the name of the repair, and plant links for it."""
    precious = tmp_path / "precious"
    precious.write_text("mine")
    path = challenger_path(bundle / "tool.py", b"repaired")
    for name in (path.name, f".{path.name}.part", f"{path.name}.part", f".{path.name}.new"):
        (bundle / name).symlink_to(precious)
    write_challenger(path, b"repaired")
    assert precious.read_text() == "mine"
    assert not path.is_symlink()
    assert path.read_bytes() == b"repaired"
