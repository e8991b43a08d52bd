"""Sources by digest: kept once, bounded, readable whatever their bytes are."""

from __future__ import annotations

import zlib

import pytest

from harness.core.digest import digest_bytes
from harness.ledger import sources
from harness.ledger.merge import merge
from harness.ledger.packing import KEY
from harness.ledger.prune import prune
from harness.ledger.store import Ledger
from tests.ledger.factory import fill, make_evaluation


@pytest.fixture
def ledger(tmp_path):
    with Ledger.open(tmp_path / "l.db") as opened:
        yield opened


def keep(ledger, digest, text):
    with ledger.writing() as connection:
        sources.keep(connection, digest, text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def f():\n    return 'ü\u202e'\n", None),
        (b"", ""),
        (b"\x00\xff\xfe binary", "\x00\\xff\\xfe binary"),
        ("lone \ud800 surrogate", "lone \\ud800 surrogate"),
        ("x" * sources.MAX_BYTES, None),
    ],
    ids=["text", "empty", "binary", "surrogate", "one long line"],
)
def test_what_is_kept_is_read_back(ledger, text, said):
    keep(ledger, "d", text)
    assert sources.read(ledger, "d") == (text if said is None else said)


def test_of_a_large_source_only_the_size_is_kept(ledger):
    keep(ledger, "d", b"x" * (sources.MAX_BYTES + 1))
    assert sources.read(ledger, "d") is None
    assert sources.size(ledger, "d") == sources.MAX_BYTES + 1


def test_what_is_kept_never_changes(ledger):
    for text in ("first", "second"):
        keep(ledger, "d", text)
    assert sources.read(ledger, "d") == "first"
    assert sources.read(ledger, "unknown") is None


def test_a_foreign_ledger_cannot_inflate_beyond_the_limit(ledger):
    with ledger.writing() as connection:
        bomb = bytes(KEY) + zlib.compress(b"x" * (50 << 20))[2:]
        connection.executemany("INSERT INTO sources VALUES (?, 1, ?)", [("bomb", bomb), ("junk", b"junk")])
    assert len(sources.read(ledger, "bomb")) == sources.MAX_BYTES
    assert sources.read(ledger, "junk") is None


def test_sources_are_merged_and_pruned_with_the_runs_that_need_them(tmp_path):
    part = make_evaluation("part", parents=(digest_bytes(b"whole"),))
    fill(tmp_path / "l.db", [make_evaluation("old")], [make_evaluation("new"), part])
    with Ledger.open(tmp_path / "l.db") as ledger:
        for name in ("old", "new", "whole"):
            keep(ledger, digest_bytes(name.encode()), name)
    with Ledger.open(tmp_path / "all.db") as joined:
        for _ in range(2):
            merge(joined, tmp_path / "l.db")
        prune(joined, keep=1)
        kept = [sources.read(joined, digest_bytes(name.encode())) for name in ("old", "new", "whole")]
        assert kept == [None, "new", "whole"]
