"""The built-in proposer improves stubs of unknown formats, and the result holds on other files."""

from __future__ import annotations

import functools
import io
import math
import random
import struct
import wave
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.grammar.improvement.iteration import LIMITS, Improvement, improve_spec
from harness.grammar.improvement.proposer import Situation
from harness.grammar.improvement.validation import leave_one_out_score
from harness.grammar.induction.inducer import propose
from harness.grammar.language.lint import lint_text
from harness.grammar.measurement import Samples, measure
from harness.grammar.patch import Patch, UpdateField

ROOT = Path(__file__).parents[3]
STUBS = {
    "a number": "types:\n  Header:\n    fields:\n      - name: magic\n        type: u32\n",
    "a blob": "framing: {repeat: once}\ntypes:\n  File:\n    fields:\n"
    "      - {name: data, type: bytes, length: rest}\n",
    "a byte": "types:\n  Byte:\n    fields:\n      - {name: value, type: u8}\n",
    "magic and rest": "framing: {repeat: once}\ntypes:\n  File:\n    fields:\n"
    "      - {name: magic, type: bytes, length: 4}\n      - {name: rest, type: bytes, length: rest}\n",
}


def tone(seed: int) -> bytes:
    rng, file = random.Random(seed), io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1 + seed % 2)
        out.setsampwidth(2)
        out.setframerate(8000)
        frames = (int(9000 * math.sin(i * 0.05 + seed) + rng.gauss(0, 99)) for i in range(100 + 30 * seed))
        out.writeframes(b"".join(struct.pack("<h", f) for f in frames) + (b"\0\0" if seed % 2 else b""))
    return file.getvalue()


def picture(seed: int) -> bytes:
    rng = random.Random(seed)
    width, height = rng.randrange(8, 30), rng.randrange(8, 30)
    raw = b"".join(b"\0" + rng.randbytes(3 * width) for _ in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packed = zlib.compress(raw)
    parts = [chunk(b"IDAT", packed[i : i + 200]) for i in range(0, len(packed), 200)]
    text = chunk(b"tEXt", b"Title\0picture number %d" % seed)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + text + b"".join(parts) + chunk(b"IEND", b"")


def log(seed: int, *, order: str = "<") -> bytes:
    rng, made, time = random.Random(seed), b"", 1_700_000_000
    for i in range(50):
        time += rng.randrange(99)
        if rng.random() < 0.5:
            kind, body = 1, struct.pack(f"{order}IHH", time, rng.randrange(100), rng.randrange(4))
        else:
            kind, body = 2, f"user {rng.choice(['ann', 'bob'])} did {i}".encode()
        made += struct.pack(f"{order}BH", kind, len(body)) + body
    return b"RLOG" + struct.pack(f"{order}I", 50) + made


def table(seed: int) -> bytes:
    rng, made, time = random.Random(seed), b"", 1_600_000_000
    count = 40 + 10 * seed
    for i in range(count):
        time += rng.randrange(60)
        body = struct.pack(">IHHBB", time, i, rng.choice([10, 20, 30]), rng.randrange(3), rng.randrange(200))
        made += body + struct.pack(">H", sum(body) & 0xFFFF)
    return b"TABL" + struct.pack(">I", count) + made


def guarded(seed: int) -> bytes:
    rng, made = random.Random(seed), b""
    for i in range(25):
        text = f"event {i} {rng.choice(['start', 'stop'])}".encode()
        head = struct.pack("<HHI", 0xA55A, len(text), 1_500_000_000 + 7 * i) + text
        made += head + struct.pack("<I", zlib.crc32(head))
    return made


FORMATS: dict[str, Callable[[int], bytes]] = {
    "wav": tone,
    "png": picture,
    "log": log,
    "big-endian log": lambda seed: log(seed, order=">"),
    "table": table,
    "guarded": guarded,
}


def riff(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def written(seed: int, *writers: bytes) -> bytes:
    """A tone as different programs write it: chunks of theirs before its data."""
    whole, odd = tone(seed), b"v" * (seed + 2)
    chunks = {
        b"LIST": riff(
            b"LIST", b"INFO" + riff(b"ISFT", b"Writer 58.29.%d\0" % (100 + seed)) + riff(b"INAM", b"A tone\0")
        ),
        b"odd ": riff(b"LIST", b"INFO" + riff(b"ISFT", odd)),
        b"fact": riff(b"fact", struct.pack("<I", len(whole) - 44)),
        b"bext": riff(b"bext", (b"take %d" % seed).ljust(256, b"\0") + b"studio".ljust(346, b"\0")),
    }
    body = b"WAVE" + whole[12:36] + b"".join(chunks[writer] for writer in writers) + whole[36:]
    if b"bext" in writers:  # it comes before what it describes
        body = b"WAVE" + chunks[b"bext"] + whole[12:]
    return riff(b"RIFF", body)


WRITERS: dict[str, tuple[bytes, ...]] = {
    "plain": (), "list": (b"LIST",), "odd": (b"odd ",), "fact": (b"fact", b"LIST"), "bext": (b"bext",)
}  # fmt: skip


@functools.cache
def improve(form: str, stub: str) -> Improvement:
    make = FORMATS[form]
    return improve_spec(
        STUBS[stub], {str(i): make(i) for i in (1, 2)}, propose, holdout={"held": make(3)}, max_iterations=3
    )


@pytest.mark.parametrize(
    ("form", "stub"),
    [
        ("wav", "a number"),
        ("png", "magic and rest"),
        ("log", "magic and rest"),
        ("big-endian log", "a number"),
        ("table", "magic and rest"),
        ("guarded", "a number"),
    ],
)
def test_stubs_become_grammars(form: str, stub: str) -> None:
    found = improve(form, stub)
    assert found.best_score > 2 * found.initial_score
    assert found.holdout_before is not None
    assert found.holdout_after is not None
    assert found.holdout_after > 2 * found.holdout_before


def test_no_step_explains_a_file_worse_by_what_the_others_teach() -> None:
    found, scores = improve("guarded", "a number"), []
    samples = Samples.of({str(i): guarded(i) for i in (1, 2)})
    for version in dict.fromkeys((found.initial.id, *(step.version_id for step in found.steps))):
        made = found.store.get(version)
        grammar = lint_text(made.spec_text).grammar if made else None
        assert grammar is not None
        scores.append(leave_one_out_score(measure(grammar, samples, limits=LIMITS), samples))
    assert len(scores) > 1
    assert scores == sorted(scores)


def test_what_was_found_is_what_is_there() -> None:
    text = improve("guarded", "a number").best.spec_text
    assert "algorithm: crc32" in text
    assert "type: string" in text
    text = improve("table", "magic and rest").best.spec_text
    assert "repeat: count" in text
    assert "algorithm: sum16" in text
    text = improve("big-endian log", "a number").best.spec_text
    assert "switch:" in text


def test_a_first_page_of_png_is_worked_out_further() -> None:
    files = {p.name: p.read_bytes() for p in sorted((ROOT / "specs/samples/png").glob("*.png"))}
    text = (
        (ROOT / "specs/grammars/png.yaml").read_text().replace(", checksum: {algorithm: crc32, over: [kind, body]}", "")
    )
    found = improve_spec(text, files, propose, max_iterations=2)
    assert "checksum" in found.best.spec_text
    assert "# PNG as its first page tells it" in found.best.spec_text
    assert found.best_score > found.initial_score + 5


def test_it_is_deterministic() -> None:
    first = improve("guarded", "a number")
    improve.cache_clear()
    second = improve("guarded", "a number")
    assert first.best.id == second.best.id


@pytest.mark.parametrize("data", [b"", b"\0", b"abc", bytes(64), random.Random(1).randbytes(700), b"x" * 333])
def test_files_without_structure_are_no_trouble(data: bytes) -> None:
    found = improve_spec(STUBS["a number"], {"a": data, "b": data[:9]}, propose, max_iterations=2)
    assert found.best_score >= found.initial_score
    assert data != random.Random(1).randbytes(700) or found.best_score < 10


@pytest.mark.parametrize(
    ("writer", "stub", "count"),
    [
        ("list", "a blob", 2),
        ("list", "a number", 3),
        ("bext", "a blob", 2),
        ("plain", "a byte", 2),
        ("odd", "a number", 2),
    ],
)
def test_what_the_files_of_one_writer_teach_holds_for_those_of_others(writer: str, stub: str, count: int) -> None:
    files = {str(i): written(i, *WRITERS[writer]) for i in range(1, count + 1)}
    unseen = {name: written(i, *chunks) for i, (name, chunks) in enumerate(WRITERS.items(), 6)}
    found = improve_spec(STUBS[stub], files, propose, holdout=unseen, max_iterations=3)
    assert found.holdout_before is not None
    assert found.holdout_after is not None
    assert found.holdout_after > 2 * found.holdout_before
    assert "repeat: rest" in found.best.spec_text  # chunks, not a head that one writer's files have in common


def chunks(seed: int, *, language: str = "abcdefghij klmno", order: str = ">") -> bytes:
    rng, made = random.Random(seed), b""
    for _ in range(36):
        text = "".join(rng.choice(language) for _ in range(rng.randrange(5, 40))).encode()
        made += struct.pack(f"{order}HB", len(text), rng.randrange(1, 4)) + text
    return made


def on_files(made: list[bytes], held: bytes, stub: str = "a blob") -> Improvement:
    files = {str(i): data for i, data in enumerate(made)}
    return improve_spec(STUBS[stub], files, propose, holdout={"held": held}, max_iterations=4)


@functools.cache
def score_of_whole_files() -> float | None:
    return on_files([chunks(i) for i in range(3)], chunks(9)).holdout_after


@pytest.mark.parametrize("missing", [1, 9])
def test_a_cut_off_tail_costs_its_share(missing: int) -> None:
    cut = on_files([chunks(i)[:-missing] for i in range(3)], chunks(9)[:-missing])
    assert cut.holdout_after is not None
    assert cut.holdout_after == pytest.approx(score_of_whole_files(), abs=3.0)
    assert cut.holdout_after > 80
    assert len(cut.holdout_errors) <= 1
    assert not cut.warnings


@pytest.mark.parametrize(
    ("language", "encoding"),
    [("éàèùçêô etaoin", "utf-8"), ("れるのはをにがと、。", "utf-8"), ("etaoin shrdlu", "ascii")],
)
def test_text_stays_text_across_languages(language: str, encoding: str) -> None:
    found = on_files([chunks(i, language=language) for i in range(3)], chunks(9, language=language))
    assert f"type: string, length: rest, encoding: {encoding}" in found.best.spec_text
    assert found.holdout_after is not None
    assert found.holdout_after > 80


def test_a_case_is_learned_from_several_records() -> None:
    def rare(seed: int) -> bytes:
        """Eight kinds of records, seven of which occur once in all files."""
        rng, made = random.Random(seed), b""
        for i in range(24):
            kind, body = (2 + seed, rng.randbytes(20)) if i == 18 else (1, struct.pack(">II", 7 * i, rng.randrange(9)))
            made += struct.pack(">HB", len(body), kind) + body
        return made

    text = on_files([rare(i) for i in range(4)], rare(6)).best.spec_text
    assert not any(f'"{kind}":' in text or f"Body{kind}" in text for kind in range(2, 6)), text


def test_a_patch_that_fits_only_what_its_proposer_saw_is_refused() -> None:
    files = {str(i): chunks(i) for i in range(3)}
    seen: list[set[str]] = []

    def heart(situation: Situation) -> list[Patch]:
        seen.append(set(situation.files))
        learnt = {"one_of": [list(data) for data in situation.files.values()]}
        return [Patch((UpdateField(("types", "File", "fields", 0), {"validate": learnt}),), "by heart")]

    found = improve_spec(STUBS["a blob"], files, heart, max_iterations=9)
    assert found.best is found.initial
    assert seen == [set(files) - {name} for name in files]


def test_memorised_constants_are_named() -> None:
    files = {str(i): b"".join(struct.pack(">HI", 0xCAFE, 7_000_000 + i * 9) for i in range(50)) for i in range(2)}
    text = (
        "endian: big\ntypes: {R: {fields: [{name: magic, type: u16, validate: {equals: 0xCAFE}}, "
        "{name: id, type: u32, validate: {range: [7000000, 7000450]}}]}}"
    )
    other = b"".join(struct.pack(">HI", 0xBEEF, 99_000_000 + i * 977) for i in range(50))
    found = improve_spec(text, files, lambda _: [], holdout={"other": other}, max_iterations=1)
    assert any("R.id" in warning for warning in found.warnings)
    assert found.holdout_errors
