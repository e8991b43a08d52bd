"""Generated grammars that try to score without describing the format lose to the shipped grammar of each format."""

from __future__ import annotations

import functools
import random
import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, target
from hypothesis import strategies as st

from harness.grammar.engine.limits import Limits
from harness.grammar.induction.segmentation import matrix, segment
from harness.grammar.language.lint import lint_text, lint_value
from harness.grammar.measurement import Samples, measure
from tests.grammar.grammar_search import types_of

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
    computed = [{"name": f"c{i}", "compute": f"a + {i}"} for i in range(4)]
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


def grow(head: list[dict[str, Any]], record: list[dict[str, Any]] | None, body: dict[str, Any], types: Any) -> Any:
    """A grammar of a head and, if `record` is given, of counted records that begin with it; `body` is the payload."""
    known = {name: inner if isinstance(inner, dict) else {"fields": inner} for name, inner in types.items()}
    if record is None:
        made = {"F": {"fields": [*head, body]}}
    else:
        records = field("records", "Rec", repeat="n")
        made = {"F": {"fields": [*head, records]}, "Rec": {"fields": [*record, body]}}
    return {"endian": "little", "root": "F", "framing": {"repeat": "once"}, "types": {**made, **known}}


HEADS: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]] | None, Any]] = {
    "noise": ([], None, 400),
    "packets": (
        [field("magic", "bytes", length=4, validate={"equals": "PKT7"}), field("n", "u16")],
        [field("kind", "u8", validate={"range": [1, 5]}), field("len", "u16")],
        "len",
    ),
    "tail": (
        [
            field("magic", "bytes", length=4, validate={"equals": "HEAD"}),
            *(field("version", "u16"), field("flags", "u16"), field("width", "u32")),
            field("title", "string", terminator=0, encoding="ascii"),
        ],
        None,
        400,
    ),
}


def random_file(kind: str, seed: int, begin: bytes = b"") -> bytes:
    """A file whose payload is random, after some bytes that are the same in each payload."""
    rng = random.Random(seed)
    if kind == "noise":
        return begin + rng.randbytes(400 - len(begin))
    if kind == "tail":
        return b"HEAD" + struct.pack("<HHI", 7, seed % 5, 640) + b"A title\0" + begin + rng.randbytes(400 - len(begin))
    made = b""
    count = rng.randrange(6, 10)
    for _ in range(count):
        size = rng.randrange(40, 100)
        made += struct.pack("<BH", rng.randrange(1, 6), size) + (begin + rng.randbytes(size))[:size]
    return b"PKT7" + struct.pack("<H", count) + made


@functools.cache
def random_files(kind: str, begin: bytes = b"") -> tuple[Samples, Samples]:
    sets = [[random_file(kind, seed, begin) for seed in seeds] for seeds in (range(2), range(100, 101))]
    taught, held = (Samples.of({str(i): data for i, data in enumerate(files)}) for files in sets)
    return taught, held


def random_scores(document: Any, kind: str, begin: bytes = b"") -> tuple[float, float] | None:
    """The scores on samples and hold-out; None if the grammar does not pass lint."""
    found = lint_value(document)
    if found.grammar is None:
        return None
    taught, held = random_files(kind, begin)
    learned = measure(found.grammar, taught, limits=Limits(seconds=5, records=20_000))
    again = measure(found.grammar, held, limits=Limits(seconds=5, records=20_000), fit=learned.fit)
    return learned.explanation.score, again.explanation.score


def payload(kind: str, body: dict[str, Any], **types: Any) -> Any:
    head, record, _ = HEADS[kind]
    return grow(head, record, body, types)


def blob_scores(kind: str, begin: bytes = b"") -> tuple[float, float]:
    found = random_scores(payload(kind, field("body", "bytes", length=HEADS[kind][2])), kind, begin)
    assert found is not None
    return found


def boxed(inner: list[dict[str, Any]], **types: Any) -> dict[str, Any]:
    """The payload as a box of repeated records."""
    return {"Box": [field("items", "W", repeat="rest")], "W": inner, **types}


def chosen(shift: int) -> dict[str, Any]:
    """Types that check the high bits by which they are chosen."""
    width = 1 << shift
    return {
        f"T{i}": [field("v", "u8", validate={"range": [i * width, i * width + width - 1]})] for i in range(256 // width)
    }


def peeking(size: Any) -> Iterator[tuple[str, dict[str, Any], dict[str, Any], bytes]]:
    """Ways to read ahead and choose what fits: the name, the payload field, its types, and how each payload begins."""
    box = field("body", "Box", length=size)
    ahead = field("ahead", "u8", at="_io.pos")
    for shift in (4, 6, 7):
        cases = {i: f"T{i}" for i in range(256 >> shift)}
        by = {"by": f"read_u8(_io.pos) >> {shift}", "cases": cases}
        yield f"a switch of {256 >> shift}", box, boxed([{"name": "a", "switch": by}], **chosen(shift)), b""
        counted = {"name": "body", "repeat": size, "switch": by}
        yield f"a switch of {256 >> shift} in place", counted, chosen(shift), b""
        for source, extra in (("ahead", {"instances": [ahead]}), ("p", {"params": ["p"]})):
            way = {"fields": [{"name": "a", "switch": {"by": f"{source} >> {shift}", "cases": cases}}], **extra}
            outer = field("items", "W(read_u8(_io.pos))" if source == "p" else "W", repeat="rest")
            yield f"a switch of {256 >> shift} by {source}", box, {"Box": [outer], "W": way, **chosen(shift)}, b""
    halves = [field("low", "u8", validate={"max": 127}), field("high", "u8", validate={"min": 128})]
    for name, test in (("a call", "read_u8(_io.pos)"), ("an instance", "ahead"), ("a computed field", "told")):
        told = {"name": "told", "compute": "read_u8(_io.pos)"}
        made = {"fields": [{**halves[0], "if": f"{test} < 128"}, {**halves[1], "if": "not exists(low)"}]}
        made["instances"] = [i for i in (ahead, told) if i["name"] == test]
        yield f"if by {name}", box, {"Box": [field("items", "W", repeat="rest")], "W": made}, b""
    until = [{**halves[0], "until": "read_u8(_io.pos) > 127"}, {**halves[1], "until": "read_u8(_io.pos) < 128"}]
    yield "until", box, boxed(until), b""
    scan = [field("junk", "u8", until="read_u8(_io.pos) == 65"), field("hit", "u8", validate={"equals": 65})]
    yield "a scan", box, boxed(scan), b""
    equal = [field("a", "u8", validate={"equals": "read_u8(_io.pos - 1)"})]
    yield "valid", box, boxed(equal), b""
    key = field("a", "string", length=1, encoding="ascii", process="xor(read_u8(_io.pos) ^ 65)")
    yield "a key", box, boxed([key]), b""


def swallowing(size: Any) -> Iterator[tuple[str, dict[str, Any], dict[str, Any], bytes]]:
    """Ways to cover bytes that no value comes from, or that no value can refute."""
    for begin in (b"A\0", b"hello\0"):
        for encoding in ("ascii", "latin-1"):
            string = field("body", "string", length=size, terminator=0, encoding=encoding)
            yield f"{begin!r} hides the rest in {encoding}", string, {}, begin
    for name, begin in (
        ("zlib", zlib.compress(b"x" * 200)),
        ("deflate", b"\x4b\x04\x00"),
        ("deflate", zlib.compress(b"x" * 200, wbits=-15)),
        ("gzip", zlib.compress(b"x" * 20, wbits=31)),
    ):
        yield f"{name} of {len(begin)}", field("body", "bytes", length=size, process=name), {}, begin
        row = {"Z": [field("q", "u8", repeat="rest", validate={"equals": 120})]}
        yield f"{name} of {len(begin)} with a row", field("body", "Z", length=size, process=name), row, begin
    yield "a stored block", field("body", "bytes", length=size, process="deflate"), {}, b"\x01\x20\x00\xdf\xff"
    yield "a number with a length", field("body", "bytes", length=size, switch={"by": "1", "cases": {1: "u8"}}), {}, b""
    for encoding in ("cp437", "cp850", "cp1251", "latin-1", "utf-16le", "shift_jis", "gb18030", "big5", "koi8-r"):
        yield f"all is {encoding}", field("body", "string", length=size, encoding=encoding), {}, b""
        box = field("body", "Box", length=size)
        for width in (1, 2, 8):
            letter = field("c", "string", length=width, encoding=encoding)
            yield f"{width} bytes of {encoding}", box, boxed([letter]), b""
    flagged = [field("a", "u8"), field("b", "bytes", length="a & 1")]
    yield "small lengths", field("body", "Box", length=size), boxed(flagged), b""
    numbers = [field(f"f{i}", "u8") for i in range(20)]
    yield "twenty numbers", field("body", "W", length=size), {"W": numbers}, b""


def confirming_themselves(size: Any) -> Iterator[tuple[str, dict[str, Any], dict[str, Any], bytes]]:
    """Ways to get evidence that could not fail: values without bytes, ends by definition, lengths before anything."""
    box = field("body", "Box", length=size)
    counts = [part for i in range(4) for part in (field(f"n{i}", "b1"), field(f"d{i}", "b1", repeat=f"n{i}"))]
    for name, more in (
        ("a computed constant", {"name": "c", "compute": "1", "validate": {"equals": 1}}),
        ("a checksum of nothing", {"name": "c", "compute": "0", "checksum": {"algorithm": "crc32", "of": '""'}}),
        ("no bytes", field("c", "bytes", length=0, validate={"all_bytes": 0})),
        ("an empty string", field("c", "string", length=0, validate={"equals": ""})),
    ):
        yield name, box, boxed([*counts, more]), b""
    within = {"name": "c", "compute": "1", "validate": {"equals": 1}}
    yield "a computed instance", box, {**boxed([]), "W": {"fields": counts, "instances": [within]}}, b""
    lengths = [field(f"n{i}", "b1") for i in range(8)]
    for name, kind, size_of in (("a parameter", "K({})", "p"), ("a parent", "K(0)", "_parent.n0")):
        ends = [field(f"k{i}", kind.format(f"n{i}"), length=f"n{i}") for i in range(8)]
        inner = {"fields": [field("d", "bytes", length=size_of)], "params": ["p"]}
        yield f"ends that {name} gives", box, boxed([*lengths, *ends], K=inner), b""
    for nested in ("_io.size - _io.pos", "rest"):
        inner = {"K": [field("d", "bytes", length=nested)], "L": [field("k", "K")]}
        yield f"ends of {nested}", box, boxed([*lengths, field("l", "L", length="n0 + n1 + n2")], **inner), b""
    unrolled = [part for i in range(100) for part in (field(f"n{i}", "b1"), field(f"d{i}", "b1", repeat=f"n{i}"))]
    rest = field("rest", "bytes", length="rest")
    yield "counts before anything", field("body", "W", length=size), {"W": [*unrolled, rest]}, b""
    sizes = [field(f"d{i}", "bytes", length=f"n{i}") for i in range(8)]
    yield "lengths before anything", field("body", "W", length=size), {"W": [*lengths, *sizes, rest]}, b""


CLOSE = 0.02


@pytest.mark.parametrize("kind", HEADS)
@pytest.mark.parametrize("way", [peeking, swallowing, confirming_themselves])
def test_no_cheat_explains_a_random_payload(kind: str, way: Any) -> None:
    ahead = {}
    for name, body, types, begin in way(HEADS[kind][2]):
        found, blob = random_scores(payload(kind, body, **types), kind, begin), blob_scores(kind, begin)
        assert found is not None, (name, lint_value(payload(kind, body, **types)).errors[0])
        # What the payload begins with is not random: a grammar may explain so much more.
        most = len(begin) / 40 + CLOSE
        if found[0] > blob[0] + most or found[1] > blob[1] + most:
            ahead[name] = found
    assert not ahead, f"the blob has {blob_scores(kind)}"


def by_heart(files: list[bytes]) -> Iterator[tuple[str, list[bytes], Any]]:
    """Constants of random files in places other than checks: the name, the files that are memorised, the grammar."""
    size = len(files[0])
    enums = {f"E{i}": {value: f"v{value}" for value in sorted({data[i] for data in files})} for i in range(size)}
    labelled = [field(f"f{i}", "u8", enum=f"E{i}", validate={"in_enum": True}) for i in range(size)]
    yield "labels", files, grammar(*labelled, once=True) | {"enums": enums}
    key = [byte ^ 65 for byte in files[0]]
    pad = field("a", "string", length=size, encoding="ascii", process=f"xor({key})")
    yield "a key as long as the file", files[:1], grammar(pad, once=True)
    cuts = [list(files[0][at : at + 20]) for at in range(0, size, 20)]
    ends = [field(f"f{i}", "string", terminator=cut, encoding="latin-1") for i, cut in enumerate(cuts)]
    yield "terminators", files[:1], grammar(*ends, once=True)
    hidden = {"name": "k", "compute": str(key)}
    for part in ({"length": size, "process": "xor(k)"}, {"length": 1, "repeat": size, "process": "xor(k[_index])"}):
        letters = {"R": {"fields": [field("a", "string", encoding="ascii", **part)], "instances": [hidden]}}
        yield f"a computed key for {part}", files[:1], grammar(once=True) | {"types": letters}
    yield from (("a table " + name, files[:1], document) for name, document in tables_of_types(files[0]))


def tables_of_types(data: bytes) -> Iterator[Cheat]:
    """A table of constants tells which of the types fits each byte."""
    for shift in (4, 7):
        kinds, known = [byte >> shift for byte in data], chosen(shift)
        cases = {i: f"T{i}" for i in range(256 >> shift)}
        labels = {"E": {i: f"l{i}" for i in range(len(data))}}
        table = {"name": "table", "compute": str(kinds)}
        digits = f'"{bytes(kinds).hex()[1::2]}".substring(_index, _index + 1).to_i(16)'
        by_case = {i: f"T{kind}" for i, kind in enumerate(kinds)}
        odd = {"cases": {i: name for i, name in by_case.items() if name != "T1"}, "default": "T1"}
        for name, switch, extra in (
            ("of cases by index", {"by": "_index", "cases": by_case}, {}),
            ("of cases by position", {"by": "_io.pos", "cases": by_case}, {}),
            ("of cases with a default", {"by": "_index", **odd}, {}),
            ("of labels", {"by": "_index", "cases": {f"E::l{i}": kind for i, kind in by_case.items()}}, {}),
            ("in the expression", {"by": f"{kinds}[_index]", "cases": cases}, {}),
            ("in an instance", {"by": "table[_index]", "cases": cases}, {"instances": [table]}),
            ("in a string", {"by": digits, "cases": cases}, {}),
        ):
            here = {"name": "a", "repeat": len(data), "switch": switch}
            types = {"R": {"fields": [here], **extra}, **{key: {"fields": fields} for key, fields in known.items()}}
            yield f"{name}, {len(cases)} types", grammar(once=True) | {"types": types, "enums": labels}
            if "_index" in switch["by"]:
                by = switch["by"].replace("_index", "_start").replace("table", "_root.table")
                types["R"] = {"fields": [field("a", "W", repeat=len(data))], **extra}
                types["W"] = {"fields": [{"name": "x", "switch": {**switch, "by": by}}]}
                yield f"{name}, {len(cases)} types in a record", grammar(once=True) | {"types": types, "enums": labels}


def test_memorised_constants_explain_nothing_wherever_they_are() -> None:
    files = [random.Random(seed).randbytes(120) for seed in range(3)]
    for name, taught, document in by_heart(files):
        found = lint_value(document)
        assert found.grammar is not None, (name, found.errors[0])
        samples = Samples.of({str(i): data for i, data in enumerate(taught)})
        assert measure(found.grammar, samples, limits=LIMITS).explanation.score <= 0.15 + CLOSE, name


@pytest.mark.parametrize(
    "script", [(0x3040, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0x590, 0x5FF), (0x410, 0x44F)]
)
def test_random_characters_of_a_script_are_not_text(script: tuple[int, int]) -> None:
    rng = random.Random(script[0])
    record = struct.Struct("<31H")
    made = [b"".join(record.pack(60, *(rng.randrange(*script) for _ in range(30))) for _ in range(40)) for _ in "ab"]
    texts, rows = (
        grammar(field("len", "u16"), field("body", kind, **more), endian="little")
        for kind, more in (("string", {"length": "len", "encoding": "utf-16le"}), ("u16", {"repeat": "len / 2"}))
    )
    samples = Samples.of({str(i): data for i, data in enumerate(made)})
    found = []
    for document in (texts, rows):
        linted = lint_value(document)
        assert linted.grammar is not None
        found.append(measure(linted.grammar, samples, limits=LIMITS).explanation.score)
    assert found[0] <= max(found[1], 0.2) + CLOSE


@pytest.mark.parametrize("kind", HEADS)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.data())
def test_no_grammar_found_by_search_explains_random_bytes(kind: str, data: st.DataObject) -> None:
    """Hypothesis searches for the highest score over the constructs of the language."""
    types = data.draw(types_of())
    if kind == "noise":
        once = data.draw(st.booleans())
        framing = {"framing": {"repeat": "once"}} if once else {}
        document: dict[str, Any] = {"endian": "big", "root": "W", "types": types, **framing}
    else:
        body = field("body", "W")
        if data.draw(st.booleans()):
            types["Box"] = {"fields": [field("items", "W", repeat="rest")]}
            body = field("body", "Box", length=HEADS[kind][2])
        elif data.draw(st.booleans()):
            body = field("body", "W", length=HEADS[kind][2])
        document = payload(kind, body, **types)
    found = random_scores(document, kind)
    if found is None:
        return
    target(found[0], label="samples")
    target(min(found), label="samples and hold-out")
    blob = blob_scores(kind)
    assert found[0] <= blob[0] + CLOSE
    assert found[1] <= blob[1] + CLOSE
