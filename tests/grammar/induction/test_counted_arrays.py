"""Counts in a header determine arrays: they are found, and random bytes or constants are not taken for them."""

from __future__ import annotations

import itertools
import random
import struct

import pytest

from harness.grammar.improvement.iteration import improve_spec
from harness.grammar.induction.counted_arrays import counted_drafts, find_layout
from harness.grammar.induction.draft import Names
from harness.grammar.induction.inducer import propose

STUB = "endian: big\ntypes: {File: {fields: [{name: data, type: bytes, length: rest}]}}\n"


def block(rng: random.Random, order: str, form: str) -> bytes:
    """Counts of points and of kinds; points with the number of their kind, kinds of 6 bytes, and their names."""
    points, kinds = rng.randrange(30, 90), rng.randrange(2, 9)
    names = b"".join(rng.choice([b"ALPHA", b"BETA", b"GAMMA"]) + b"\0" for _ in range(kinds))
    made = b"ARRS" + struct.pack(f"{order}3{form}", len(names), points, kinds)
    made += b"".join(struct.pack(f"{order}I", 7_000_000 + rng.randrange(999)) for _ in range(points))
    made += bytes(rng.randrange(kinds) for _ in range(points))
    made += b"".join(struct.pack(f"{order}IBB", 3600 * rng.randrange(9), rng.randrange(2), 5) for _ in range(kinds))
    return made + names


@pytest.mark.parametrize(("order", "form"), [(">", "I"), ("<", "I"), (">", "H"), ("<", "H")])
@pytest.mark.parametrize("tail", ["", "again", "text"])
def test_counts_lead_to_the_ends_of_their_arrays(order: str, form: str, tail: str) -> None:
    rng = random.Random(5)
    blobs = [block(rng, order, form) for _ in range(6)]
    ends = tuple(map(len, blobs))
    if tail == "again":
        blobs = [blob + block(rng, order, form) for blob in blobs]
    if tail == "text":
        blobs = [blob + b"\nrule %s\n" % (b"x" * i) for i, blob in enumerate(blobs)]
    found = find_layout(blobs)
    assert found is not None
    width = struct.calcsize(form)
    assert (found.head, found.ends) == (4 + 3 * width, ends)
    assert dict(zip(found.counts, found.units, strict=True)) == {(4,): 1, (4 + width,): 5, (4 + 2 * width,): 6}
    [draft] = counted_drafts(blobs, Names(set()))
    fields = [f for f in draft.types["File"]["fields"] if f["type"] in draft.types and f["name"] != "next"]
    assert [f.get("repeat") or f["length"] for f in fields] == [f"count_{4 + k * width}" for k in (1, 1, 2, 0)]


def test_the_arrays_explain_files_that_decided_nothing() -> None:
    rng = random.Random(3)
    files = {str(i): block(rng, ">", "I") for i in range(8)}
    found = improve_spec(STUB, files, propose, holdout={"held": block(rng, ">", "I")}, max_iterations=1)
    assert "arrays of" in found.steps[0].description
    assert found.holdout_after is not None
    assert found.holdout_after > 0.9 * found.best_score > 40
    assert not found.holdout_errors


def test_which_of_two_equal_counts_an_array_has_is_left_to_another_file() -> None:
    blobs = [
        struct.pack(">4sII", b"SAME", n, n) + bytes(range(100, 100 + n)) + b"\0\1" * n for n in (9, 20, 33, 47, 58)
    ]
    found = find_layout(blobs)
    assert found is not None
    assert (found.counts, found.units) == (((4, 8),), (3,))
    first, second = (draft.types["File"]["fields"] for draft in counted_drafts(blobs, Names(set())))
    assert [field.get("repeat") for field in first] != [field.get("repeat") for field in second]


@pytest.mark.parametrize("seed", range(4))
def test_random_bytes_have_no_counts(seed: int) -> None:
    rng = random.Random(seed)
    assert find_layout([rng.randbytes(rng.randrange(60, 400)) for _ in range(6)]) is None
    small = [bytes(rng.randrange(9) for _ in range(rng.randrange(60, 400))) for _ in range(6)]
    assert find_layout(small) is None


def test_a_header_that_counts_nothing_gains_nothing() -> None:
    """Negative control: the arrays of one file after the header of another one."""
    rng = random.Random(8)
    blobs = [block(rng, ">", "I") for _ in range(6)]
    assert find_layout([head[:16] + body[16:] for head, body in itertools.pairwise(blobs)]) is None
    assert find_layout([blobs[0]] * 6) is None
