"""What a patch shows: each byte in exactly one span, before and after, and what the fields explain."""

from __future__ import annotations

from pathlib import Path

from harness.core.exhibit import inflate, unpack
from harness.grammar.language.lint import lint_text
from harness.lanes.spec.exhibits import FIRST, MAX_PARSED, patch_exhibits

BEFORE = "endian: little\nroot: R\nframing: {repeat: once}\ntypes:\n  R:\n    fields:\n      - {name: a, type: u16}\n"
AFTER = BEFORE + "      - {name: rest, type: bytes, length: 4}\n"
MEASURED = {
    "before": {"explained": 0.25, "fields": [["R.a", 2.0, 0.5, ""]]},
    "after": {"explained": 0.5, "fields": [["R.a", 2.0, 0.5, ""], ["R.rest", 4.0, 1.25, ""]]},
}


def shown(data):
    grammars = [lint_text(text).grammar for text in (BEFORE, AFTER)]
    packed = patch_exhibits(*grammars, {"one.bin": data} if data is not None else {}, {"samples": MEASURED})
    return {one.name: unpack(one.kind, inflate(one.stored)) for one in packed}


def covered(spans):
    return [at for start, end in zip(spans.start, spans.end, strict=True) for at in range(start, end)]


def test_every_byte_is_in_one_span_before_and_after():
    found = shown(bytes(range(10)))["bytes"]
    [window] = found.windows
    assert window.data == bytes(range(10)).hex()
    assert covered(window.before) == covered(window.after) == list(range(10))
    assert (window.before.kinds, window.after.kinds) == (("int", "gap"), ("int", "bytes", "gap"))
    assert "the patch changes how 4 of 10 bytes are read" in found.sentence


def test_of_a_large_sample_the_first_bytes_are_shown_and_the_rest_is_counted():
    found = shown(bytes(MAX_PARSED + 1))["bytes"]
    assert found.windows[0].start == 0
    assert len(found.windows[0].data) == 2 * FIRST
    assert found.cut == f"{FIRST:,} of {MAX_PARSED + 1:,} bytes are shown"


def test_what_each_field_explains():
    found = shown(b"")["explained"]
    assert found.labels == ("R.a", "R.rest")
    assert found.values == (50.0, 100.0)
    assert found.before == (50.0, None)
    assert "bytes" not in shown(None)


def test_the_suites_of_the_repository_show_bytes(tmp_path):
    grammar = (Path(__file__).parents[3] / "specs/grammars/png.yaml").read_text()
    data = next((Path(__file__).parents[3] / "specs/samples/png").glob("*.png")).read_bytes()
    found = lint_text(grammar).grammar
    packed = patch_exhibits(found, found, {"one.png": data}, {"samples": MEASURED})
    value = unpack(packed[0].kind, inflate(packed[0].stored))
    assert "changes how 0 of" in value.sentence
    assert covered(value.windows[0].after) == list(range(value.windows[0].start, len(data)))
