"""Run artifacts report anomalies at every level of nesting, each with its kind."""

from __future__ import annotations

import random
import struct
from typing import Any

import pytest

from harness.grammar.artifacts import RunArtifact, create_run_artifact
from harness.grammar.engine.limits import Limits
from harness.grammar.hex_view import compare, hex_view, render
from harness.grammar.host.file_reader import parse_bytes
from harness.grammar.host.messages import ParseBinaryInput
from harness.grammar.language.lint import lint_text

MIB = 1 << 20


def run(text: str, data: bytes, **options: Any) -> RunArtifact:
    found = lint_text(text)
    assert found.grammar is not None, found.errors
    result = parse_bytes(ParseBinaryInput(found.grammar, "x.bin", **options), data)
    return create_run_artifact("run", "version", result, "x.bin", len(data))


def kinds(artifact: RunArtifact) -> list[tuple[str, str]]:
    return [(anomaly.type.value, anomaly.severity.value) for anomaly in artifact.anomalies]


NESTED = """
framing: {repeat: once}
types:
  File: {fields: [{name: head, type: Head}, {name: data, type: bytes, length: rest}]}
  Head: {fields: [{name: payload_len, type: u32}, {name: num_items, type: u8}]}
"""

CONFINED = """
framing: {repeat: once}
types:
  File: {fields: [{name: n, type: u8}, {name: box, type: Box, length: n}, {name: rest, type: bytes, length: rest}]}
  Box: {fields: [{name: wide, type: u32}]}
"""
DIRECTORY = """
framing: {repeat: once}
types:
  File: {fields: [{name: n, type: u8}, {name: entries, type: Entries, length: n}, {name: rest, type: bytes, length: 4}]}
  Entries: {fields: [{name: entries, type: Entry, repeat: rest}]}
  Entry:
    fields: [{name: ofs, type: u8}, {name: size, type: u8}]
    instances: {data: {type: bytes, at: ofs, stream: _root._io, length: size}}
"""


def test_a_directory_in_a_box_points_out_of_it_without_an_overflow() -> None:
    found = run(DIRECTORY, b"\4\5\2\7\2abcd")
    assert found.stats.high_severity_anomalies == 0
    assert found.parse_result.parse is not None
    entries = found.parse_result.parse.records[0]["entries"]["entries"]
    assert [entry["data"] for entry in entries] == [b"ab", b"cd"]


@pytest.mark.parametrize("word", ["uncompressed_size", "memory_size"])
def test_sizes_of_what_is_not_in_the_file_may_be_larger_than_it(word: str) -> None:
    found = run(f"types: {{R: {{fields: [{{name: {word}, type: u32}}]}}}}", struct.pack(">I", 200 * MIB))
    assert found.stats.high_severity_anomalies == 0


@pytest.mark.parametrize(
    ("text", "data", "expected"),
    [
        (NESTED, struct.pack(">IB", 20 * MIB, 1), ("absurd_length", "high")),
        (NESTED, struct.pack(">IB", 2 * MIB, 1), ("large_length", "medium")),
        (NESTED, struct.pack(">IB", 1, 0), ("zero_count", "low")),
        ("types: {R: {fields: [{name: a, type: u32}]}}", b"\0\0\0\1\0", ("parse_error", "medium")),
        ("types: {R: {fields: [{name: a, type: u32}]}}", b"\0\0\0\1\0", ("record_error", "medium")),
        ("types: {R: {fields: [{name: a, type: u8, validate: {equals: 7}}]}}", b"\7\1", ("parse_error", "medium")),
        (
            "types: {R: {fields: [{name: a, type: u8}, {name: s, type: u8, checksum: {algorithm: sum8, over: [a]}}]}}",
            b"\1\2",
            ("bad_checksum", "medium"),
        ),
        (
            "framing: {repeat: once}\ntypes: {R: {fields: [{name: a, type: u32}, {name: b, type: u8, at: 2}]}}",
            b"\1\2\3\4",
            ("overlap", "low"),
        ),
        (CONFINED, b"\2abcd", ("field_overflow", "high")),
        ("types: {R: {fields: [{name: a, type: f32}]}}", b"\x7f\xc0\0\0", ("implausible_value", "low")),
        (
            "types: {R: {fields: [{name: a, type: bytes, length: 4, decode: ftm_packed_date}]}}",
            b"\0\0\0\0",
            ("implausible_value", "low"),
        ),
        (
            "types: {R: {fields: [{name: a, type: string, length: 3, encoding: latin-1}]}}",
            b"a\x01b",
            ("implausible_value", "low"),
        ),
        (
            "types: {R: {fields: [{name: k, type: u8}, {name: b, type: u8, switch: {by: k, cases: {1: A, 2: B}}}]}, "
            "A: {fields: [{name: x, type: u8}]}, B: {fields: [{name: x, type: u8}]}}",
            b"\1\0",
            ("unreachable_record", "low"),
        ),
        ("types: {R: {fields: [{name: a, type: u32}]}}", random.Random(1).randbytes(8000), ("high_entropy", "low")),
    ],
)
def test_each_anomaly_has_its_name(text: str, data: bytes, expected: tuple[str, str]) -> None:
    assert expected in kinds(run(text, data))


def test_a_limit_that_is_hit_is_named() -> None:
    artifact = run("types: {R: {fields: [{name: a, type: u8}]}}", b"\1" * 100, limits=Limits(records=10))
    [anomaly] = [a for a in artifact.anomalies if a.type == "limit_hit"]
    assert anomaly.severity == "high"
    assert "records" in anomaly.message


def test_one_anomaly_for_each_error_and_nothing_for_a_clean_file() -> None:
    text = "types: {R: {fields: [{name: a, type: u8, validate: {equals: 7}}]}}"
    artifact = run(text, b"\7\1\7\2")
    assert [a.offset for a in artifact.anomalies if a.type == "parse_error"] == [1, 3]
    assert artifact.stats.error_count == 2
    assert run(text, b"\7" * 9).anomalies == ()


def test_statistics_and_digest() -> None:
    text = "types: {R: {fields: [{name: a, type: u32}]}}"
    artifact = run(text, bytes(range(10)))
    stats = artifact.stats
    assert (stats.record_count, stats.file_size, stats.examined_bytes, stats.covered_bytes) == (3, 10, 10, 8)
    assert stats.coverage_percentage == pytest.approx(80.0)
    assert artifact.digest == run(text, bytes(range(10))).digest != run(text, bytes(range(1, 11))).digest
    limited = run(text, bytes(range(10)), max_records=1)
    assert (limited.stats.examined_bytes, limited.stats.coverage_percentage) == (4, 100.0)


def test_a_hex_view_has_each_byte_once() -> None:
    artifact = run(
        "types: {R: {fields: [{name: a, type: u16}, {name: b, type: u8, validate: {max: 9}}]}}", b"\0\1\2\0\3\x20\5"
    )
    view = hex_view(artifact.parse_result)
    assert [(s.start, s.end, s.kind, s.valid) for s in view.stretches] == [
        (0, 2, "int", None), (2, 3, "int", True), (3, 5, "int", None), (5, 6, "int", False), (6, 7, "gap", None),
    ]  # fmt: skip
    assert view.data == "00010200032005"
    assert {mark.offset for mark in view.marks} >= {5}
    lines = list(render(view, colour=False))
    assert lines[0].startswith("00000000  00 01 02 00 03 20!05!")
    assert "\x1b[31m20" in next(iter(render(view, colour=True)))
    part = hex_view(artifact.parse_result, start=1, length=3)
    assert [(s.start, s.end) for s in part.stretches] == [(1, 2), (2, 3), (3, 4)]
    assert hex_view(artifact.parse_result, start=99).data == ""


def test_a_comparison_shows_where_a_patch_changed_the_view() -> None:
    before = run("types: {R: {fields: [{name: a, type: u16}, {name: b, type: u16}]}}", bytes(8))
    after = run("types: {R: {fields: [{name: a, type: u16}, {name: b, type: u8}, {name: c, type: u8}]}}", bytes(8))
    found = compare(before.parse_result, after.parse_result)
    assert found.changed == ((2, 4), (6, 8))
