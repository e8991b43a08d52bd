"""What judges is part of a verdict's identity."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import harness
from harness.lane import fingerprint
from harness.lanes.toolgen.lane import Toolgen


class Other(Toolgen):
    def engine(self):
        return {"torch": "2"}


def test_each_lane_of_the_run_is_named():
    lanes = {"toolgen": Toolgen(), "other": Other()}
    found = fingerprint.engine_of(lanes, ["other", "toolgen", "toolgen", "unknown"])
    assert list(found) == ["engine:other", "engine:toolgen"]
    assert found["engine:other"] != found["engine:toolgen"]
    assert found == fingerprint.engine_of(lanes, ["toolgen", "other"])


def test_the_whole_package_is_our_own_code():
    assert Path(harness.__file__).parent == fingerprint.PACKAGE


def test_our_own_code_counts(monkeypatch, tmp_path):
    lanes = {"toolgen": Toolgen()}
    before = fingerprint.engine_of(lanes, lanes)
    (tmp_path / "one.py").write_text("x = 1\n")
    fingerprint._ours.cache_clear()
    with monkeypatch.context() as patched:
        patched.setattr(fingerprint, "PACKAGE", tmp_path)
        first = fingerprint.engine_of(lanes, lanes)
        fingerprint._ours.cache_clear()
        (tmp_path / "one.py").write_text("x = 2\n")
        second = fingerprint.engine_of(lanes, lanes)
    fingerprint._ours.cache_clear()
    assert len({*before.values(), *first.values(), *second.values()}) == 3
    assert fingerprint.engine_of(lanes, lanes) == before


def test_the_file_of_a_third_partys_lane_counts(tmp_path):
    def load(text):
        file = tmp_path / "lane.py"
        file.write_text(text)
        spec = importlib.util.spec_from_file_location("their_lane", file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.Lane()

    text = "class Lane:\n    name = 'x'\n\n    def evaluate(self, case, context):\n        pass\n"
    first = fingerprint.engine_of({"x": load(text)}, ["x"])
    assert fingerprint.engine_of({"x": load(text)}, ["x"]) == first
    assert fingerprint.engine_of({"x": load(text + "\n# edited\n")}, ["x"]) != first


def test_byte_code_that_is_written_meanwhile_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(fingerprint, "PACKAGE", tmp_path)
    (tmp_path / "module.py").write_text("A = 1")
    (tmp_path / "grammar.lark").write_text("a: b")
    (tmp_path / "__pycache__").mkdir()
    before = fingerprint._ours.__wrapped__()
    (tmp_path / "__pycache__/module.cpython-311.pyc.140234").write_bytes(b"half of it")
    assert fingerprint._ours.__wrapped__() == before
    (tmp_path / "grammar.lark").write_text("a: c")
    assert fingerprint._ours.__wrapped__() != before
