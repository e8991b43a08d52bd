"""Generated grammars that try to score without describing the format lose to the shipped grammar of each format."""

from __future__ import annotations

import functools
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.grammar.engine.limits import Limits
from harness.grammar.induction.segmentation import matrix, segment
from harness.grammar.language.lint import lint_text, lint_value
from harness.grammar.measurement import Samples, measure

ROOT = Path(__file__).parents[2] / "specs"
FORMATS = ("png_complete", "wav", "bmp", "gif", "zip", "elf", "pcap", "gzip", "tar", "sqlite")
LIMITS = Limits(seconds=20)
Cheat = tuple[str, dict[str, Any]]


def field(name: str, type: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": type, **more}


def grammar(
    *fields: dict[str, Any], once: bool = False, endian: str = "big", types: dict[str, Any] | None = None
) -> dict[str, Any]:
    framing = {"framing": {"repeat": "once"}} if once else {}
    others = {name: {"fields": inner} for name, inner in (types or {}).items()}
    document: dict[str, Any] = {
        "endian": endian,
        "root": "R",
        **framing,
        "types": {"R": {"fields": list(fields)}, **others},
    }
    return document


def plain() -> Iterator[Cheat]:
    """Use one type for all bytes."""
    for kind in ("u8", "u16", "u32", "leb128"):
        yield f"{kind} again and again", grammar(field("a", kind))
        yield f"a row of {kind}", grammar(field("a", kind, repeat="rest"), once=True)
    yield "one blob", grammar(field("a", "bytes", length="rest"), once=True)
    for size in (4, 64):
        yield f"blobs of {size}", grammar(field("a", "bytes", length=size))
    for encoding in ("ascii",):
        yield f"all {encoding}", grammar(field("a", "string", length="rest", encoding=encoding), once=True)
        yield f"{encoding} letters", grammar(field("a", "string", length=1, encoding=encoding))
        ended = field("a", "string", terminator=0, require_terminator=False, encoding=encoding)
        yield f"{encoding} up to zeros", grammar(ended)


def lazy() -> Iterator[Cheat]:
    """Use lengths, checks and checksums that zeros satisfy."""
    for kind, checksum in (("u8", "xor8"), ("u32", "sum32")):
        yield f"{kind} lengths", grammar(field("n", kind), field("d", "bytes", length="n"))
        little = grammar(field("n", kind), field("d", "bytes", length="n"), endian="little")
        yield f"little-endian {kind} lengths", little
        yield f"zeros of {kind}", grammar(field("a", kind, validate={"equals": 0}))
        yield f"twins of {kind}", grammar(field("a", kind), field("b", kind, validate={"equals_field": "a"}))
        summed = field("b", kind, checksum={"algorithm": checksum, "over": ["a"]})
        yield f"{kind} that sum themselves", grammar(field("a", kind), summed)
    yield "zero blocks", grammar(field("a", "bytes", length=16, validate={"all_bytes": 0}))
    computed = [{"name": f"c{i}", "compute": f"a + {i}"} for i in range(20)]
    yield "computed from one byte", grammar(field("a", "u8"), *computed)
    labels = {"E": {i: f"v{i}" for i in range(256)}}
    yield "all is enum", grammar(field("a", "u8", enum="E", validate={"in_enum": True})) | {"enums": labels}
    yield "a count without meaning", grammar(field("a", "u8"), field("b", "bytes", length="a * 0 + 3"))


def learnt(files: list[bytes]) -> Iterator[Cheat]:
    """Validate the exact values of the samples."""
    shortest = min(map(len, files))
    whole = field("a", "bytes", length="rest", validate={"one_of": [list(data) for data in files]})
    yield "by heart", grammar(whole, once=True)
    cases = {len(data): f"T{i}" for i, data in enumerate(files)}
    pieces = {
        f"T{i}": [
            field(f"c{at}", "bytes", length=len(part), validate={"equals": list(part)})
            for at in range(0, len(data), 16)
            if (part := data[at : at + 16])
        ]
        for i, data in enumerate(files)
    }
    by_size = field("a", "bytes", length="rest", switch={"by": "_io.size", "cases": cases})
    yield "by heart, found by size", grammar(by_size, once=True, types=pieces)
    fixed = [
        field(f"f{at}", "u8", **({"validate": {"equals": files[0][at]}} if len({d[at] for d in files}) == 1 else {}))
        for at in range(min(200, shortest))
    ]
    yield "what the beginnings share", grammar(*fixed, field("rest", "bytes", length="rest"), once=True)
    yield "the same and a row", grammar(*fixed, field("rest", "u8", repeat="rest"), once=True)
    frequent = Counter(b"".join(files)).most_common(64)
    for kinds in (4, 64):
        vocabulary = field("a", "u8", validate={"one_of": [byte for byte, _ in frequent[:kinds]]})
        yield f"the {kinds} commonest bytes", grammar(vocabulary)


def tables(files: list[bytes]) -> Iterator[Cheat]:
    """Use rows of equal size with the most favourable width."""
    for stride in (4, 28, 64, 512):
        rows = b"".join(data[: len(data) // stride * stride] for data in files)
        if not rows:
            continue
        fields, _ = segment(matrix([rows], len(rows)).reshape(-1, stride))
        yield f"a table of {stride}", grammar(*fields)
        ranges = [
            field(f"f{k}", "u8", validate={"range": [min(column), max(column)]})
            for k in range(stride)
            if (column := rows[k::stride])
        ]
        yield f"a table of {stride} with ranges", grammar(*ranges)
        if stride % 4 == 0:
            yield f"a table of {stride} in words", grammar(*(field(f"f{k}", "u32") for k in range(stride // 4)))
        counted = field("rows", "Row", repeat=f"_io.size / {stride}")
        yield (
            f"a counted table of {stride}",
            grammar(counted, field("t", "bytes", length="rest"), once=True, types={"Row": fields}),
        )


def guesses() -> Iterator[Cheat]:
    rng = random.Random(5)
    for number in range(4):
        kinds = [rng.choice(("u8", "u16", "u32", "i8", "i32", "f32", "u24")) for _ in range(rng.randrange(1, 10))]
        fields = [field(f"f{i}", kind) for i, kind in enumerate(kinds)]
        yield f"guess {number}", grammar(*fields, endian=rng.choice(["big", "little"]))


@functools.cache
def files_of(form: str) -> tuple[Samples, Samples]:
    folder = form.partition("_")[0]
    paths = [sorted((ROOT / "samples" / name).iterdir()) for name in (folder, f"{folder}_holdout")]
    taught, held = ({path.name: path.read_bytes() for path in group} for group in paths)
    return Samples.of(taught), Samples.of(held)


def scores(found: Any, form: str) -> tuple[float, float]:
    assert found.grammar is not None, [str(error) for error in found.errors]
    taught, held = files_of(form)
    learned = measure(found.grammar, taught, limits=LIMITS)
    return learned.explanation.score, measure(found.grammar, held, limits=LIMITS, fit=learned.fit).explanation.score


@pytest.mark.parametrize("form", FORMATS)
def test_no_cheat_explains_unseen_files_as_well_as_the_honest_grammar(form: str) -> None:
    honest = scores(lint_text((ROOT / "grammars" / f"{form}.yaml").read_text()), form)
    files = list(files_of(form)[0].files.values())
    cheats = [*plain(), *lazy(), *learnt(files), *tables(files), *guesses()]
    found = {name: scores(lint_value(document), form) for name, document in cheats}
    assert len(found) > 40
    ahead = {name: score for name, score in found.items() if score[1] >= honest[1]}
    assert not ahead, f"the honest grammar has {honest}"
