"""The picture of a grammar has all its types and fields, and a line for each type that a field may have."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from harness.cli import main
from harness.grammar.host.grammar_svg import MAX_FIELDS, draw
from harness.grammar.language.lint import lint_text, lint_value

GRAMMARS = Path(__file__).parents[3] / "specs" / "grammars"
SVG = "{http://www.w3.org/2000/svg}"


def drawn(picture: str) -> tuple[list[str], int]:
    root = ET.fromstring(picture)
    return [text.text or "" for text in root.iter(f"{SVG}text")], len(list(root.iter(f"{SVG}line")))


@pytest.mark.parametrize("path", sorted(GRAMMARS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_type_and_field_of_the_shipped_grammars_is_drawn(path: Path) -> None:
    grammar = lint_text(path.read_text()).grammar
    assert grammar is not None
    words, _ = drawn(draw(grammar, path.stem))
    for definition in grammar.types.values():
        assert any(word.partition("(")[0] == definition.name for word in words), definition.name
        for field in (*definition.fields, *definition.instances)[: MAX_FIELDS - 1]:
            assert any(word.startswith(f"{field.name}: "[:20]) for word in words), field.name


def test_lines_lead_to_each_type_of_a_field_and_strings_are_escaped() -> None:
    types = {
        "Top": {"fields": [
            {"name": "kind", "type": "u8", "enum": "Kind"},
            {"name": "text", "type": "string", "length": 3, "validate": {"equals": "<&\""}},
            {"name": "body", "switch": {"by": "kind", "cases": {1: "One", 2: "Two"}}},
            {"name": "again", "type": "One", "repeat": "kind", "if": "kind > 3"},
        ]},
        "One": {"fields": [{"name": "inner", "type": "Top", "if": "false"}]},
        "Two": {"fields": [{"name": f"f{i}", "type": "u8"} for i in range(MAX_FIELDS + 5)]},
        "Unused": {"fields": [{"name": "a", "type": "u8"}]},
    }  # fmt: skip
    document = {"title": "a <title>", "root": "Top", "types": types, "enums": {"Kind": {1: "one", 2: "two"}}}
    found = lint_value(document)
    assert found.grammar is not None, found.errors
    words, lines = drawn(draw(found.grammar, "name"))
    assert lines == 4  # body to One and Two, again to One, inner to Top
    assert {"Top", "One", "Two", "Unused", "enum Kind", "1 = one", "kind: u8 Kind", "… and 6 more"} <= set(words)
    assert "again: One repeat kind if kind > 3" in words
    assert any("<&" in word for word in words)


def test_the_verb_writes_a_picture_or_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "png.svg"
    assert main(["spec", "graph", str(GRAMMARS / "png.yaml"), "--out", str(out)]) == 0
    assert drawn(out.read_text())[1] >= 1
    capsys.readouterr()
    bad = tmp_path / "bad.yaml"
    bad.write_text("types: {T: {fields: [{name: a, type: u9}]}}")
    assert main(["spec", "graph", str(bad)]) == 1
    assert "bad.yaml:1" in capsys.readouterr().err
