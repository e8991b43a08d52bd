"""The fast path finds the same values as the general path, and late leaves equal immediate ones."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.grammar.engine.limits import Limits
from harness.grammar.engine.node import Array, Buffer, Leaf, Record
from harness.grammar.engine.parse_result import Parse
from harness.grammar.engine.parser import Reading
from harness.grammar.engine.plan import Program
from harness.grammar.engine.tally import tally
from harness.grammar.language.grammar import Grammar
from harness.grammar.language.lint import lint_text
from tests.grammar.engine.test_agreement import files, framed, linted
from tests.grammar.engine.test_fuzz import LIMITS, documents, repaired


def read(grammar: Grammar, data: bytes, limits: Limits, *, long: bool) -> Parse:
    program = Program(grammar)
    for name in grammar.types if long else ():
        plan = program.plan(name)
        plan.steps, plan.flat = plan.fields, None
        for field in plan.fields:
            field.blob, field.sized = None, False
    return Reading(program, Buffer(data), limits).read(0, len(data), len(data))


def shown(node: Any) -> Any:
    if isinstance(node, Leaf):
        kind = node.primitive.name if node.primitive else None
        return (node.start, node.end, repr(node.value), kind, node.valid, node.bits, node.first_bit)
    if isinstance(node, Array):
        return (node.start, node.end, [shown(item) for item in node.items])
    frames = [shown(frame) for frame in node.frames]
    state = (node.type.name, node.start, node.end, node.big, node.complete, node.exact, node.chosen, node.index)
    return (state, frames, [(name, shown(inner)) for name, inner in node.nodes.items()])


def everything(found: Parse) -> Any:
    """The whole parse: first the values that need no unpacking, then each record with all its leaves."""
    before = [tally(found).to_wire(), found.covered, [path for path, _ in found.walk()]]
    after = [shown(record) for record in found.records]
    again = [tally(found).to_wire(), [str(error) for error in found.errors], found.stopped_at, found.skipped]
    assert before[0] == again[0]
    return before, after, again


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_short_and_long_ways_agree_on_records(data: st.DataObject) -> None:
    document = data.draw(framed())
    grammar, file = linted(document), data.draw(files(document))
    limits = Limits(items=data.draw(st.sampled_from([3, 20, 10_000])), records=data.draw(st.sampled_from([2, 1_000])))
    assert everything(read(grammar, file, limits, long=False)) == everything(read(grammar, file, limits, long=True))


@given(documents, st.binary(max_size=60))
@settings(max_examples=60, deadline=None)
def test_short_and_long_ways_agree_on_any_grammar(document: dict[str, Any], data: bytes) -> None:
    grammar = repaired(document)
    if grammar is None:
        return
    assert everything(read(grammar, data, LIMITS, long=False)) == everything(read(grammar, data, LIMITS, long=True))


PLAIN = """
endian: little
types:
  Pair: {fields: [{name: a, type: u8}, {name: b, type: u16}, {name: c, type: u16be}, {name: d, type: u8}]}
"""


def test_a_record_of_numbers_keeps_no_leaf_until_it_is_asked_for_one() -> None:
    grammar = lint_text(PLAIN).grammar
    assert grammar is not None
    found = read(grammar, bytes(range(12)), Limits(), long=False)
    first = found.records[0]
    assert [first[name] for name in "abcd"] == [0, 0x0201, 0x0304, 5]
    assert first.get("nothing", 7) == 7
    with pytest.raises(KeyError):
        first["nothing"]
    assert {span.path: span.start for span in found.leaves()}["Pair[1].c"] == 9
    assert first.packed is not None
    assert list(first.nodes) == list("abcd")
    assert first.packed is None
    assert first.nodes["c"] is first.nodes["c"]
    assert [first[name] for name in "abcd"] == [0, 0x0201, 0x0304, 5]


def test_packed_records_are_records() -> None:
    grammar = lint_text(PLAIN).grammar
    assert grammar is not None
    (record,) = read(grammar, bytes(6), Limits(), long=False).records
    assert isinstance(record, Record)
    assert list(record.records()) == []


def test_values_of_a_huge_file_are_views_and_texts_stay_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.grammar.engine.state.MAX_COPIED_IN_ALL", 10)
    grammar = lint_text(
        "endian: little\ntypes: {A: {fields: [{name: b, type: bytes, length: 4}, "
        "{name: s, type: string, length: 2, encoding: ascii}]}}"
    ).grammar
    assert grammar is not None
    found = read(grammar, b"abcdxy" * 4, Limits(), long=False)
    assert not found.errors
    assert [type(record["b"]) for record in found.records] == [bytes, bytes, memoryview, memoryview]
    assert [bytes(record["b"]) + record["s"].encode() for record in found.records] == [b"abcdxy"] * 4
    assert found.covered == ((0, 24),)
    assert tally(found).covered == 24
