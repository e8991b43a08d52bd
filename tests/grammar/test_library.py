"""The public face of `harness.grammar`: lazy names with real types, functions that raise, and an example that runs."""

from __future__ import annotations

import pickle
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import harness
import harness.grammar
from harness.grammar import GrammarError, Limits, load_grammar, parse_binary

ROOT = Path(harness.__file__).parents[1]
GRAMMAR = "endian: big\ntypes:\n  Point:\n    fields:\n      - {name: x, type: u8}\n      - {name: y, type: u16}\n"


@pytest.mark.parametrize("uses", ["", "[getattr(harness.grammar, name) for name in harness.grammar.__all__]"])
def test_the_library_works_without_the_plugin(uses: str) -> None:
    code = f"import sys, harness.grammar\n{uses}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    foreign = {"pytest", "harness.lanes", "harness.ledger", "harness.session", "harness.judge", "harness.lane", "numpy"}
    assert not foreign & loaded
    if not uses:
        assert {name for name in loaded if name.split(".")[0] == "harness"} == {"harness", "harness.grammar"}


def test_the_example_prints_what_the_page_shows(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(ROOT / "examples" / "grammar_library.py"), run_name="__main__")
    page = (ROOT / "docs" / "grammar-library.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out in page


def test_the_page_lists_each_public_name() -> None:
    page = (ROOT / "docs" / "grammar-library.md").read_text(encoding="utf-8")
    reference = page.split("## Reference")[1].split("## Why")[0]
    words = set(re.findall(r"\w+", reference))
    assert [name for name in harness.grammar.__all__ if name not in words] == []


def test_a_grammar_is_loaded_from_a_string_or_a_file(tmp_path: Path) -> None:
    path = tmp_path / "point.yaml"
    path.write_text(GRAMMAR, encoding="utf-8")
    assert load_grammar(GRAMMAR).root == load_grammar(path).root == "Point"
    with pytest.raises(FileNotFoundError):
        load_grammar(tmp_path / "absent.yaml")


def test_an_invalid_grammar_is_an_error_with_every_finding(tmp_path: Path) -> None:
    path = tmp_path / "point.yaml"
    path.write_text(GRAMMAR.replace("u8", "u7x").replace("u16", "u99"), encoding="utf-8")
    with pytest.raises(GrammarError) as caught:
        load_grammar(path)
    assert len(caught.value.errors) == 2
    assert str(caught.value).startswith(f"{path}:5:")
    assert "(and 1 more error)" in str(caught.value)
    copied = pickle.loads(pickle.dumps(caught.value))  # as between processes
    assert (str(copied), copied.errors) == (str(caught.value), caught.value.errors)
    with pytest.raises(ValueError, match="YAML parse error"):
        load_grammar("a: [")


def test_a_file_and_its_bytes_are_read_alike(tmp_path: Path) -> None:
    data = bytes(range(1, 8))
    path = tmp_path / "points.bin"
    path.write_bytes(data)
    grammar = load_grammar(GRAMMAR)
    result = parse_binary(grammar, data)
    assert [record["y"] for record in result.records if record.complete] == [0x0203, 0x0506]
    assert [fault.offset for fault in result.faults] == [7]
    assert parse_binary(grammar, path).errors == parse_binary(grammar, str(path)).errors == result.errors
    assert parse_binary(grammar, data, offset=3, max_records=1).records[0]["x"] == 4
    assert parse_binary(grammar, data, limit=3).record_count == 1
    assert parse_binary(grammar, data, limits=Limits(items=3)).faults[-1].limit == "items"
    with pytest.raises(FileNotFoundError):
        parse_binary(grammar, tmp_path / "absent.bin")
