"""Every construct of Kaitai Struct: rejected if its compiler rejects it, otherwise with the values of its runtime.

`checked.yaml` and `language.json` hold cases of our own; their verdicts and values come from version 0.11 of Kaitai's
compiler and Python runtime, which are not needed to run this.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.core.errors import SuiteError
from harness.grammar.engine.node import Record, Window
from harness.grammar.engine.parser import parse
from harness.kaitai.checker import check
from harness.kaitai.importer import import_ksy
from harness.kaitai.loader import load

HERE = Path(__file__).parent
CHECKED = yaml.safe_load((HERE / "checked.yaml").read_text("utf-8"))
CASES = json.loads((HERE / "language.json").read_text("utf-8"))


def whole(group: str, piece: str) -> str:
    """Return the complete file of a piece."""
    before, rest = CHECKED["head"] + CHECKED["fields"], CHECKED["rest"]
    if group == "field":
        return f"{before}  - {piece}\n{rest}"
    if group == "expression":
        piece = "{value: '" + piece.replace("'", "''") + "'}"
    return piece if group == "file" else f"{before}{rest}instances:\n  v: {piece}\n"


def errors(path: Path, text: str) -> list[str]:
    path.write_text(text, "utf-8")
    try:
        library = load(path)
        check(library)
    except SuiteError as error:
        return [str(error)]
    return [str(found) for found in library.findings if found.severity == "error"]


@pytest.mark.parametrize("group", sorted(CHECKED["groups"]))
def test_what_the_compiler_refuses_is_refused(group, tmp_path):
    pieces = CHECKED["groups"][group]["refused"]
    assert len(pieces) > 10
    assert not [each for each in pieces if not errors(tmp_path / "t.ksy", whole(group, each))]


@pytest.mark.parametrize("group", sorted(CHECKED["groups"]))
def test_what_the_compiler_accepts_is_accepted(group, tmp_path):
    pieces = CHECKED["groups"][group]["accepted"]
    assert len(pieces) > 10
    found = {each: errors(tmp_path / "t.ksy", whole(group, each)) for each in pieces}
    assert not {piece: wrong for piece, wrong in found.items() if wrong}


def plain(value: Any, below: int = 0) -> Any:
    if isinstance(value, Record):
        names = [*value.arguments, *(field.name for field in (*value.type.fields, *value.type.instances))]
        values = {name: value.get(name, value.arguments.get(name)) for name in names}
        return {
            name.rstrip("_"): plain(inner, below + 1)
            for name, inner in values.items()
            if inner is not None and not name.startswith("unnamed_")
        }
    if isinstance(value, list | tuple):
        return [plain(each, below + 1) for each in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return "b:" + bytes(value).hex()
    return "stream" if isinstance(value, Window) else value


def present(values: Any) -> Any:
    """Remove absent values from Kaitai's values, because the engine omits absent fields."""
    if isinstance(values, dict):
        return {name.rstrip("_"): present(inner) for name, inner in values.items() if inner is not None}
    return list(map(present, values)) if isinstance(values, list) else values


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_values_are_those_of_the_peer(case, tmp_path):
    for name, text in case.get("files", {}).items():
        (tmp_path / name).write_text(text, "utf-8")
    path = tmp_path / "t.ksy"
    path.write_text(case["ksy"], "utf-8")
    imported = import_ksy(path)
    assert imported.grammar is not None, imported.errors
    found = parse(imported.grammar, bytes.fromhex(case["data"]))
    if "fails" in case:
        assert found.errors
        return
    assert not found.errors
    assert plain(found.records[0]) == approximately(present(case["values"]))


def approximately(values: Any) -> Any:
    if isinstance(values, dict):
        return {name: approximately(inner) for name, inner in values.items()}
    if isinstance(values, list):
        return list(map(approximately, values))
    return pytest.approx(values, rel=1e-6, nan_ok=True) if isinstance(values, float) else values
