"""Scores: rules as property tests, and grammars that try to score without explaining the file."""

from __future__ import annotations

import gzip
import random
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.grammar.artifacts import RunArtifact, create_run_artifact
from harness.grammar.diff import diff_runs, find_best_run
from harness.grammar.engine.limits import Limits
from harness.grammar.host.file_reader import parse_bytes
from harness.grammar.host.messages import ParseBinaryInput
from harness.grammar.language.lint import lint_text
from harness.grammar.measurement import Samples, measure
from harness.grammar.scoring import compare_scores, find_best_scoring_run, rank_runs, score_run

GRAMMARS = Path(__file__).parents[2] / "specs" / "grammars"
ONE_BYTE = "types: {R: {fields: [{name: b, type: u8}]}}"
ONE_BLOB = "framing: {repeat: once}\ntypes: {R: {fields: [{name: b, type: bytes, length: rest}]}}"
LIMITS = Limits(seconds=20)

LOG = """
endian: little
framing: {repeat: once}
types:
  Log:
    fields:
      - {name: magic, type: string, length: 4, encoding: ascii, validate: {equals: LOG1}}
      - {name: records, type: Record, repeat: rest}
  Record:
    fields:
      - {name: kind, type: u8, validate: {one_of: [1, 2]}}
      - {name: level, type: u8}
      - {name: size, type: u16}
      - {name: body, type: bytes, length: size@BODY@}
@TYPES@
"""
TYPED = ", switch: {by: kind, cases: {1: Point, 2: Text}}"
TYPES = """
  Point: {fields: [{name: time, type: u32}, {name: value, type: u16}]}
  Text: {fields: [{name: text, type: string, length: rest, encoding: ascii}]}
"""


def log(body: str = TYPED, types: str = TYPES) -> str:
    return LOG.replace("@BODY@", body).replace("@TYPES@", types)


def records(seed: int, count: int = 60) -> list[bytes]:
    rng, made, time = random.Random(seed), [], 1_700_000_000
    for i in range(count):
        time += rng.randrange(60)
        if rng.random() < 0.5:
            body, kind = struct.pack("<IH", time, rng.randrange(900)), 1
        else:
            body, kind = f"request {i} by {rng.choice(['ann', 'bob'])}".encode(), 2
        made.append(struct.pack("<BBH", kind, rng.randrange(4), len(body)) + body)
    return made


def sample(seed: int = 1, count: int = 60) -> bytes:
    return b"LOG1" + b"".join(records(seed, count))


def run(text: str, data: bytes, *, name: str = "run", **options: Any) -> RunArtifact:
    found = lint_text(text)
    assert found.grammar is not None, found.errors
    result = parse_bytes(ParseBinaryInput(found.grammar, "data.bin", **options), data)
    return create_run_artifact(name, "version", result, "data.bin", len(data))


def score(text: str, data: bytes) -> float:
    return score_run(run(text, data)).total_score


def scores(text: str, samples: Iterable[bytes], holdout: Iterable[bytes]) -> tuple[float, float]:
    grammar = lint_text(text).grammar
    assert grammar is not None
    taught = measure(grammar, Samples.of({str(i): d for i, d in enumerate(samples)}), limits=LIMITS)
    held = measure(grammar, Samples.of({str(i): d for i, d in enumerate(holdout)}), limits=LIMITS, fit=taught.fit)
    return taught.explanation.score, held.explanation.score


CHEATS = {
    "one byte": ONE_BYTE,
    "one blob": ONE_BLOB,
    "two bytes": "types: {R: {fields: [{name: b, type: u16}]}}",
    "rows": "framing: {repeat: once}\ntypes: {R: {fields: [{name: b, type: u8, repeat: rest}]}}",
    "letters": "types: {R: {fields: [{name: c, type: string, length: 1, encoding: latin-1}]}}",
    "many bytes": f"types: {{R: {{fields: [{', '.join(f'{{name: f{i}, type: u8}}' for i in range(32))}]}}}}",
    "chain": "types: {R: {fields: [{name: n, type: u8}, {name: d, type: bytes, length: n}]}}",
    "checks that always hold": "types: {R: {fields: [{name: a, type: u8, validate: {range: [0, 255]}}]}}",
    "steers nothing": "types: {R: {fields: [{name: a, type: u8}, {name: d, type: bytes, length: a * 0 + 3}]}}",
    "always there": "types: {R: {fields: [{name: a, type: u8}, {name: b, type: u8, if: a >= 0}]}}",
    "conditions that always hold": "types: {R: {fields: [{name: a, type: u8, validate: {expr: '_ >= 0'}}]}}",
    "bounds that always hold": "types: {R: {fields: [{name: a, type: u8, validate: {min: 0}}]}}",
    "equal to itself": "types: {R: {fields: [{name: a, type: u8}, "
    "{name: b, type: u8, at: _io.pos - 1, validate: {equals_field: a}}]}}",
    "its own checksum": "types: {R: {fields: [{name: a, type: u8}, "
    "{name: b, type: u8, at: _io.pos - 1, checksum: {algorithm: sum8, over: [a]}}]}}",
    "equal to what it peeked": "types: {R: {fields: [{name: a, type: u8, validate: {equals: read_u8(_io.pos - 1)}}]}}",
    "chosen by a peek": "types: {R: {fields: [{name: a, type: u8, switch: {by: read_u8(_io.pos), cases: {"
    + ", ".join(f"{i}: T{i}" for i in range(256))
    + "}}}]}, "
    + ", ".join(f"T{i}: {{fields: [{{name: v, type: u8, validate: {{equals: {i}}}}}]}}" for i in range(256))
    + "}",
    "there if it fits": "types: {R: {fields: [{name: a, type: u8, if: read_u8(_io.pos) == 65, "
    "validate: {equals: 65}}, {name: b, type: u8, if: not exists(a)}]}}",
    "read again and again": "framing: {repeat: once}\ntypes: {R: {fields: [{name: m, type: u32}, "
    "{name: rest, type: bytes, length: rest}], instances: ["
    + ", ".join(f"{{name: i{i}, type: u32, at: 0}}" for i in range(60))
    + "]}}",
}


@pytest.mark.parametrize("cheat", CHEATS)
def test_no_cheat_comes_near_an_honest_grammar(cheat: str) -> None:
    data = sample()
    assert score(CHEATS[cheat], data) < 0.35 * score(log(), data)
    assert score(CHEATS[cheat], data) < score(log("", ""), data)


@pytest.mark.parametrize("cheat", CHEATS)
def test_random_bytes_confirm_nothing(cheat: str) -> None:
    data = random.Random(3).randbytes(4000)
    assert score(CHEATS[cheat], data) <= 6.0


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_no_grammar_explains_random_bytes(data: st.DataObject) -> None:
    kinds = st.sampled_from(["u8", "i8", "u16", "u16le", "u24", "u32", "i32le", "f32", "u64"])
    fields = data.draw(st.lists(kinds, min_size=1, max_size=12))
    listed = ", ".join(f"{{name: f{i}, type: {kind}}}" for i, kind in enumerate(fields))
    text = f"endian: big\ntypes: {{R: {{fields: [{listed}]}}}}"
    noise = random.Random(data.draw(st.integers(0, 10**6))).randbytes(data.draw(st.integers(200, 1500)))
    assert score(text, noise) <= 8.0


def test_a_grammar_that_learnt_a_file_by_heart_explains_no_other() -> None:
    data, other = sample(1, 12), sample(2, 12)
    learnt = (
        "framing: {repeat: once}\ntypes: {R: {fields: [{name: all, type: bytes, length: rest, "
        f"validate: {{equals: [{', '.join(map(str, data))}]}}}}]}}}}"
    )
    honest, heart = scores(log(), [data], [other]), scores(learnt, [data], [other])
    assert heart[0] < honest[0]  # as long as the bytes it describes, so it explains nothing
    assert heart[1] < 0.1 * honest[1]


def test_constants_that_only_fit_the_samples_cost_on_the_holdout() -> None:
    fitted = log().replace("{name: value, type: u16}", "{name: value, type: u16, validate: {range: [0, 899]}}")
    narrow = log().replace("{name: time, type: u32}", "{name: time, type: u32, validate: {max: 1700000900}}")
    late = b"LOG1" + b"".join(records(5, 200))[-2000:]
    assert scores(fitted, [sample(1)], [sample(2)])[1] >= scores(log(), [sample(1)], [sample(2)])[1] - 1e-9
    assert scores(narrow, [sample(1, 20)], [sample(2, 200)])[1] < scores(log(), [sample(1, 20)], [sample(2, 200)])[1]
    assert late


def test_what_the_holdout_holds_teaches_nothing() -> None:
    """A repeated hold-out scores no higher: nothing is learned from the hold-out."""
    odd = b"LOG1" + struct.pack("<BBHIH", 1, 7, 6, 0xDEADBEEF, 0xFFFF) * 50
    taught, alone = scores(log(), [sample()], [odd])[1], scores(log(), [odd], [odd])[0]
    assert taught < alone


FIELDS = st.lists(st.sampled_from(["B", "H", "I"]), min_size=2, max_size=5)
NAMES = {"B": "u8", "H": "u16", "I": "u32"}


@st.composite
def tables(draw: Any) -> tuple[list[str], list[list[int]]]:
    """Records whose fields have separate ranges and vary independently."""
    widths = draw(FIELDS)
    rng = random.Random(draw(st.integers(0, 10**6)))
    tops = [draw(st.sampled_from([3, 9, 40] if w == "B" else [5, 90, 700])) for w in widths]
    return widths, [[rng.randrange(top) for top in tops] for _ in range(120)]


def table(widths: list[str], rows: list[list[int]]) -> bytes:
    return b"".join(struct.pack(">" + "".join(widths), *row) for row in rows)


def table_grammar(kinds: list[str]) -> str:
    listed = ", ".join(f"{{name: f{i}, type: {kind}}}" for i, kind in enumerate(kinds))
    return (
        f"endian: big\ntypes: {{R: {{fields: [{{name: magic, type: u16, validate: {{equals: 0xCAFE}}}}, {listed}]}}}}"
    )


def with_magic(data: bytes, size: int) -> bytes:
    return b"".join(b"\xca\xfe" + data[i : i + size] for i in range(0, len(data), size))


@settings(max_examples=20, deadline=None)
@given(tables(), st.data())
def test_merging_two_honest_fields_lowers_the_score(made: Any, data: st.DataObject) -> None:
    widths, rows = made
    packed = with_magic(table(widths, rows), struct.calcsize(">" + "".join(widths)))
    at = data.draw(st.integers(0, len(widths) - 2))
    size = struct.calcsize(">" + widths[at] + widths[at + 1])
    kinds = [NAMES[w] for w in widths]
    for merged in ([f"u{8 * size}"], [f"bytes, length: {size}"]):
        joined = table_grammar([*kinds[:at], *merged, *kinds[at + 2 :]])
        assert score(joined, packed) < score(table_grammar(kinds), packed)


@settings(max_examples=12, deadline=None)
@given(tables(), st.data())
def test_typing_a_blob_rightly_raises_the_score(made: Any, data: st.DataObject) -> None:
    widths, rows = made
    packed = with_magic(table(widths, rows), struct.calcsize(">" + "".join(widths)))
    at = data.draw(st.integers(0, len(widths) - 1))
    kinds = [NAMES[w] for w in widths]
    blob = [*kinds[:at], f"bytes, length: {struct.calcsize(widths[at])}", *kinds[at + 1 :]]
    assert score(table_grammar(kinds), packed) > score(table_grammar(blob), packed)


@settings(max_examples=12, deadline=None)
@given(tables())
def test_more_of_the_same_changes_nothing(made: Any) -> None:
    widths, rows = made
    size = struct.calcsize(">" + "".join(widths))
    once, thrice = (with_magic(table(widths, rows * n), size) for n in (2, 6))
    text = table_grammar([NAMES[w] for w in widths])
    # Points of 100: more records give more certainty, so the rule is exact only within a few points.
    assert score(text, thrice) == pytest.approx(score(text, once), abs=4.0)


def test_typing_what_is_in_records_raises_the_score_step_by_step() -> None:
    steps = [
        ONE_BLOB,
        log("", ""),
        log(", switch: {by: kind, cases: {1: Point}}", TYPES.partition("  Text")[0]),
        log(),
    ]
    found = [score(text, sample()) for text in steps]
    assert found == sorted(found)
    assert len(set(found)) == len(found)


def test_a_cut_off_tail_costs_its_share() -> None:
    whole, cut = run(log(), sample()), run(log(), sample()[:-3])
    assert cut.stats.error_count > 0
    assert score_run(cut).passed_hard_gates
    assert score_run(cut).total_score == pytest.approx(score_run(whole).total_score, abs=2.0)
    assert score_run(cut, policy="classic").total_score == 0.0  # under `classic` it fails the gate


def test_a_limit_on_records_does_not_change_what_large_records_are_worth() -> None:
    data = sample(1, 200)
    small, large = (
        run(ONE_BYTE, data, max_records=100),
        run("types: {R: {fields: [{name: b, type: bytes, length: 40}]}}", data, max_records=50),
    )
    assert small.stats.coverage_percentage == large.stats.coverage_percentage == 100.0
    assert max(score_run(small).total_score, score_run(large).total_score) < 20
    classic = [score_run(r, policy="classic").total_score for r in (small, large)]
    assert classic[1] > 10 * classic[0]  # under `classic` a larger blob "improves"


def test_the_right_type_wins_over_the_wrong_one() -> None:
    """A header and three numbers; a candidate with one type too wide fits the file only by accident."""
    data = b"".join(struct.pack(">HBHB", 0x4D5A, 2, i % 5, i % 3) for i in range(21))[:-3]
    base = "types:\n  Header:\n    fields: [{name: magic, type: u16}, {name: version, type: u8}@]\n"
    right = base.replace("@", ", {name: flags, type: u16}, {name: count, type: u8}")
    wrong = base.replace("@", ", {name: flags, type: u32}")
    stub = base.replace("@", "")
    found = {name: run(text, data, name=name) for name, text in (("right", right), ("wrong", wrong), ("stub", stub))}
    best, _ = find_best_scoring_run([found["wrong"], found["right"]], found["stub"])
    assert best is found["right"]
    # Under `classic` the complete header fails because its last record is truncated, and the stub gets the full score.
    classic = {name: score_run(r, policy="classic") for name, r in found.items()}
    assert not classic["right"].passed_hard_gates
    assert classic["stub"].total_score > 95


def test_classic_is_the_old_formula() -> None:
    assert score_run(run(ONE_BYTE, random.Random(1).randbytes(5000)), policy="classic").total_score == 100.0
    assert score_run(run(ONE_BYTE, b""), policy="classic").passed_hard_gates is False
    zero = run("types: {R: {fields: [{name: count, type: u8}]}}", b"\0\1\1\0")
    assert score_run(zero, policy="classic").total_score == 96.0  # two points for each count of zero
    with pytest.raises(ValueError, match="policy must be one of"):
        score_run(zero, policy="other")


def test_rankings_and_comparisons() -> None:
    data = sample()
    runs = [
        run(text, data, name=name) for name, text in (("blob", ONE_BLOB), ("typed", log()), ("framed", log("", "")))
    ]
    ranked = rank_runs(runs)
    assert [r.run_id for r, _ in ranked] == ["typed", "framed", "blob"]
    assert [s.total_score for _, s in ranked] == sorted((s.total_score for _, s in ranked), reverse=True)
    best, breakdown = find_best_scoring_run(runs, runs[0])
    assert (best, breakdown.total_score if breakdown else 0) == (ranked[0][0], ranked[0][1].total_score)
    assert breakdown is not None
    assert "vs baseline" in breakdown.summary
    assert find_best_scoring_run([run(log(), b"")]) == (None, None)
    text = compare_scores(ranked[0][1], ranked[1][1])
    assert "Run A" in text
    assert "Run B" in text
    assert "RESULT: Run A wins by" in text
    assert compare_scores(ranked[0][1], ranked[0][1]).endswith("RESULT: a tie")


def test_differences_between_runs() -> None:
    data = sample()
    framed, typed = run(log("", ""), data, name="old"), run(log(), data, name="new")
    better, worse, same = diff_runs(framed, typed), diff_runs(typed, framed), diff_runs(framed, framed)
    assert better.is_improvement()
    assert "more explained" in better.summary
    assert not worse.is_improvement()
    assert not same.is_improvement()  # nothing changed, nothing improved
    assert same.summary == "Coverage unchanged"
    assert find_best_run(framed, [framed, typed])[0] is typed
    assert find_best_run(typed, [framed, typed]) == (None, None)
    other = run(log(), data + data[4:], name="another file")
    assert not diff_runs(framed, other).comparable
    assert not diff_runs(framed, other).is_improvement()
    errors = run(log().replace("[1, 2]", "[1]"), data, name="wrong")
    assert diff_runs(typed, errors).error_delta > 0
    assert "Introduced" in diff_runs(typed, errors).summary
    assert not diff_runs(typed, errors).is_improvement()


def test_grammars_of_types_within_types_are_scored() -> None:
    """Recursive types, and trees that would be exponentially large without memoisation of positions."""
    loop = "endian: big\ntypes: {A: {fields: [{name: n, type: u8}, {name: a, type: A, repeat: n}]}}"
    assert 0.0 <= score(loop, b"\1\2\0\0\0") <= 100.0
    deep = ", ".join(
        f"T{i}: {{fields: [{{name: a, type: T{i + 1}, repeat: 0}}, {{name: b, type: T{i + 1}, repeat: 0}}]}}"
        for i in range(60)
    )
    leaf = "fields: [{name: v, type: u8}]"
    root = "fields: [{name: t, type: T0}, {name: v, type: u8}]"
    tree = f"endian: big\ntypes: {{R: {{{root}}}, {deep}, T60: {{{leaf}}}}}"
    assert 0.0 <= score(tree, bytes(range(40))) <= 100.0


TEXTS = """
endian: big
framing: {repeat: once}
types:
  F:
    fields:
      - {name: magic, type: bytes, length: 4, validate: {equals: TXT1}}
      - {name: items, type: Item, repeat: rest}
  Item:
    fields:
      - {name: size, type: u16}
      - {name: text, type: string, length: size, encoding: @}
"""
LANGUAGES = {
    "French": "Où êtes-vous allés\u00a0? Nous préférons rester à la maison, près du feu\u202f; l'été fut très chaud. ",
    "Japanese": "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。\u3000何でも薄暗い所で泣いていた。",
    "Persian": "همهٔ افراد بشر آزاد به دنیا می\u200cآیند و حیثیت و حقوقشان با هم برابر است. ",
    "Bengali": "সমস্ত মানুষ স্বাধীনভাবে সমান মর্যাদা এবং অধিকার নিয়ে জন্মগ্রহণ করে। ক্ষ\u200dমতা। ",
    "Hebrew": "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם.\u200f כולם חוננו בתבונה ובמצפון. ",
    "emoji": "well done \U0001f44d\U0001f3fd, see you \u2764\ufe0f \U0001f468\u200d\U0001f469\u200d\U0001f467! ",
    "contexts": "menu\x04Open a file\x04and close it ",
    "records": "author\x1ftitle\x1eyear\x1fplace\x1d next\f page ",
}


def texts(language: str, encoding: str = "utf-8", count: int = 40) -> bytes:
    rng, words, out = random.Random(language), LANGUAGES[language].split(" "), b"TXT1"
    for _ in range(count):
        data = " ".join(rng.choice(words) for _ in range(rng.randrange(6, 11))).encode(encoding)
        out += struct.pack(">H", len(data)) + data
    return out


@pytest.mark.parametrize("language", LANGUAGES)
def test_text_is_text_in_every_language(language: str) -> None:
    data = texts(language)
    found = run(TEXTS.replace("@", "utf-8"), data)
    assert score_run(found).total_score > 88
    assert not [a for a in found.anomalies if "control" in a.message]


@pytest.mark.parametrize(
    ("language", "encoding"),
    [
        *(("French", name) for name in ("cp1252", "utf-16le")),
        *(("Japanese", name) for name in ("shift_jis", "euc-jp", "utf-16be")),
        *(("Hebrew", name) for name in ("cp1255", "utf-16le")),
        *(("Persian", name) for name in ("utf-16le", "gb18030")),
    ],
)
def test_text_in_an_encoding_that_accepts_anything_earns_by_its_distribution(language: str, encoding: str) -> None:
    honest = texts(language).decode("utf-8", "ignore")
    LANGUAGES["plain"] = "".join(c for c in LANGUAGES[language] if c.encode(encoding, "ignore") and c not in "\u202f")
    data = texts("plain", encoding, 60)
    sizes = random.Random(1)
    noise = b"TXT1" + b"".join(struct.pack(">H", n) + sizes.randbytes(n) for n in (60,) * 60)
    text = TEXTS.replace("@", encoding)
    assert honest
    assert score(text, data) > 60
    assert (
        score(text, noise)
        <= score(TEXTS.replace("type: string", "type: bytes").replace(", encoding: @", ""), noise) + 1
    )


@pytest.mark.parametrize("odd", ["\u00a0", "\u3000", "\u200c", "\x04"])
def test_one_character_costs_little(odd: str) -> None:
    words = [f"item {i} of the list with an ordinary name" for i in range(40)]
    plain, spotted = (
        b"TXT1" + b"".join(struct.pack(">H", len(t)) + t for t in ((w + end).encode() for w in words))
        for end in (" ", odd)
    )
    text = TEXTS.replace("@", "utf-8")
    assert score(text, spotted) == pytest.approx(score(text, plain), abs=2.0)


def test_binary_bytes_among_text_cost_their_share() -> None:
    rng = random.Random(2)
    found = []
    for share in (0.0, 0.1, 0.3, 0.6):
        items = [
            "".join("\x01" if rng.random() < share else rng.choice("etaoin shrdlu") for _ in range(50))
            for _ in range(40)
        ]
        found.append(
            score(TEXTS.replace("@", "utf-8"), b"TXT1" + b"".join(struct.pack(">H", 50) + i.encode() for i in items))
        )
    assert found[0] > 85
    assert found[0] - 10 > found[1] > found[2] + 10
    assert max(found[2:]) < 25


def test_a_length_of_4_gib_is_a_safety_violation() -> None:
    chain = "endian: big\ntypes: {R: {fields: [{name: length, type: u32}, {name: body, type: bytes, length: length}]}}"
    data = struct.pack(">I", 3) + b"abc"
    assert score_run(run(chain, data * 4)).passed_hard_gates
    absurd = score_run(run(chain, data + struct.pack(">I", 0xFFFFFFFF) + b"zz"))
    assert absurd.hard_gates == {"parse_advanced": True, "no_safety_violations": False}


@pytest.mark.parametrize("missing", [1, 2, 3, 4])
def test_the_right_grammar_is_found_on_a_file_with_a_cut_off_tail(missing: int) -> None:
    data = b"".join(struct.pack(">HBHB", 0x4D5A, 2, i % 5, i % 3) for i in range(60))[:-missing]
    base = "types:\n  Header:\n    fields: [{name: magic, type: u16}, {name: version, type: u8}@]\n"
    right = run(base.replace("@", ", {name: flags, type: u16}, {name: count, type: u8}"), data, name="right")
    long = run(base.replace("@", ", {name: body, type: bytes, length: magic}"), data, name="too long")
    stub = run(base.replace("@", ""), data, name="stub")
    best, difference = find_best_run(stub, [long, right])
    assert best is right
    assert difference is not None
    assert difference.is_improvement()


@pytest.mark.parametrize("name", ["gzip", "gzip_members"])
def test_one_member_that_inflates_and_matches_its_checksum_is_evidence_enough(name: str) -> None:
    rng = random.Random(3)
    text = " ".join(rng.choice("the cat sat on a mat and saw the rat run off".split()) for _ in range(2000)).encode()
    grammar = (GRAMMARS / f"{name}.yaml").read_text()
    stored = gzip.compress(rng.randbytes(2000), mtime=0)
    assert score(grammar, gzip.compress(text, mtime=0)) > 85
    assert score(grammar, stored) < 20  # a stream that only stores bytes is opaque
