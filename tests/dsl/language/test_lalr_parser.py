"""Kept tables are those of the grammar, or the parser is built: what is parsed and reported is the same."""

from __future__ import annotations

import sys
from pathlib import Path

import lark
import pytest

from harness.dsl.language import parser
from harness.dsl.language.lalr_parser import GRAMMAR, load_or_build

ROOT = Path(__file__).parents[3]
SOURCES = sorted((ROOT / "specs/programs").glob("*.spak")) + sorted((ROOT / "tests/specs/programs").glob("*.spak"))
SMALL, OTHER = b"module: NAME\n%declare NAME\n", b"module: NAME NAME\n%declare NAME\n"


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return tmp_path / "made" / "tables.lalr"


@pytest.fixture
def built(monkeypatch):
    """The grammars that were analysed, which loading tables does not do."""
    calls, init = [], lark.Lark.__init__

    def record(self, grammar, **options):
        calls.append(grammar.encode())
        init(self, grammar, **options)

    monkeypatch.setattr(lark.Lark, "__init__", record)
    return calls


def test_the_parser_of_kept_tables_is_the_one_that_was_built(kept, built, monkeypatch):
    told = []
    for _ in range(2):
        made = load_or_build(GRAMMAR.read_bytes(), kept)
        monkeypatch.setattr(parser, "lalr_parser", lambda made=made: made)
        texts = [path.read_text() for path in SOURCES]
        told.append([repr(parser.parse(text)) for text in [*texts, *(text[: len(text) // 2] for text in texts)]])
    assert built == [GRAMMAR.read_bytes()]
    assert told[0] == told[1]


@pytest.mark.parametrize("found", [b"", b"damaged", OTHER], ids=["empty", "damaged", "other grammar"])
def test_other_tables_are_replaced(kept, built, found):
    if found == OTHER:
        load_or_build(OTHER, kept)
    else:
        load_or_build(SMALL, kept)
        kept.write_bytes(kept.read_bytes()[: 32 if found else 0] + found)
    built.clear()
    load_or_build(SMALL, kept)
    assert load_or_build(SMALL, kept).source_path == "<deserialized>"
    assert built == [SMALL]


def test_tables_of_another_lark_are_replaced(kept, built, monkeypatch):
    load_or_build(SMALL, kept)
    monkeypatch.setattr(lark, "__version__", "1.2.0")
    load_or_build(SMALL, kept)
    assert built == [SMALL, SMALL]


def test_nothing_is_written_where_no_byte_code_is_kept_or_the_folder_cannot_be_made(kept, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    assert load_or_build(SMALL, tmp_path / "file" / "tables.lalr")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert load_or_build(SMALL, kept)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
