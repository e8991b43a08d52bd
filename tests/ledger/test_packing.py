"""Packed texts are read back with what the reader knows, and equal ones cost little."""

from __future__ import annotations

import random
import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.ledger.packed_rows import PACKED
from harness.ledger.packing import KEY, MAX_DICTIONARIES, Packer, reader


@pytest.fixture(scope="module")
def connection():
    opened = sqlite3.connect(":memory:", isolation_level=None)
    opened.execute("CREATE TABLE evaluations (run_id)")
    for statement in PACKED.split(";\n")[:3]:
        opened.execute(statement)
    yield opened
    opened.close()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.binary(), st.text(max_size=3), st.text(alphabet="ab\u20ac", max_size=9)), max_size=5))
def test_every_text_is_read_back(connection, given):
    unpacked = reader(connection)
    for text, kind, context in given:
        packed = Packer(connection).pack(text, kind, context)
        assert unpacked(packed, context) == text.decode("utf-8", "backslashreplace")


def test_what_an_earlier_one_or_the_context_has_costs_little(connection):
    noise = random.Random(1).randbytes(4000).hex()
    packer = Packer(connection)
    assert len(packer.pack(noise.encode(), "noise")) > 4000
    assert len(packer.pack(noise.encode(), "noise")) < 100
    assert len(packer.pack(b"of another kind", "other", noise)) < 100
    assert len(packer.pack(noise[:900].encode(), "context", noise[:900])) < 60


def test_texts_that_have_nothing_in_common_become_few_dictionaries(connection):
    packer, noise = Packer(connection), random.Random(2)
    for _ in range(3 * MAX_DICTIONARIES):
        packer.pack(noise.randbytes(500), "random")
    counted = connection.execute("SELECT count(*) FROM dictionaries WHERE kind = 'random'").fetchone()
    assert counted == (MAX_DICTIONARIES,)


@pytest.mark.parametrize("blob", [b"", b"short", bytes(KEY) + b"\xff\xff\xff", b"unknown" * 9])
def test_what_is_damaged_is_nothing(connection, blob):
    assert not reader(connection)(blob, "context")


def test_what_is_not_packed_is_returned_as_it_is(connection):
    assert reader(connection)("text") == "text"
    assert reader(connection)(None) is None
