"""Frames and how many bytes of them there may be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.status import Status
from harness.sandbox.fault import BoxFault
from harness.sandbox.frame_reader import FREE_BYTES, GROWTH, FrameReader
from harness.sandbox.limits import Limits
from harness.sandbox.pool import BoxPool
from harness.sandbox.wire import HEADER, NONCE

LIMITS = Limits(output_bytes=100_000, total_output_bytes=200_000)
LONG = b"def run(size):\n    return 'x' * size\n"


def frame(body: bytes, tag: bytes = b"R") -> bytes:
    return HEADER.pack(tag, NONCE + len(body)) + b"n" * NONCE + body


@given(st.lists(st.binary(max_size=40), max_size=6), st.integers(1, 17))
def test_frames_come_out_as_they_went_in_however_they_were_cut(bodies: list[bytes], step: int) -> None:
    frames = FrameReader(Limits())
    stream = b"".join(frame(body) for body in bodies)
    found = []
    for start in range(0, len(stream), step):
        frames.buffer += stream[start : start + step]
        while (one := frames.take("here")) is not None:
            found.append(one)
    assert found == [(b"R", b"n" * NONCE, body) for body in bodies]
    assert not frames.buffer


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=30), st.integers(0, 20_000), st.booleans())
def test_what_may_come_is_what_was_allowed_and_the_total(sizes: list[int], total: int, whole: bool) -> None:
    frames = FrameReader(Limits(output_bytes=3000, total_output_bytes=total))
    left = max(total, 3000)
    for size in sizes:
        left += GROWTH * 10
        frames.allow(10)
        data = frame(b"x" * size)
        if whole and frames.take_single(data) is not None:
            left -= NONCE + size
            assert left >= 0
            continue
        frames.buffer += data
        if NONCE + size > left:
            with pytest.raises(BoxFault, match=r"bytes over \d+ answers") as caught:
                frames.take("here")
            assert caught.value.status is Status.OUTPUT
            return
        assert frames.take("here") is not None
        left -= NONCE + size


def test_the_length_is_judged_before_the_bytes_come() -> None:
    frames = FrameReader(LIMITS)
    frames.buffer += frame(b"x" * 90_000) + frame(b"x" * 90_000)
    assert frames.take("here")
    assert frames.take("here")
    frames.buffer += frame(b"x" * 90_000)[:20]
    with pytest.raises(BoxFault, match="270024 bytes over 3 answers here: the allowance"):
        frames.take("here")


def test_long_answers_that_nothing_accounts_for_end_the_box(pool: BoxPool) -> None:
    answered = 0
    with (
        pytest.raises(BoxFault, match="the questions plus 200000 bytes") as caught,
        pool.open(LONG, entry="run", limits=LIMITS) as box,
    ):
        for _ in range(50):
            box.call({"size": 99_000})
            answered += 1
    assert caught.value.status is Status.OUTPUT
    assert 200_000 // 99_000 < answered < 50


def test_long_answers_are_fine_where_they_are_due_or_echo_the_question(pool: BoxPool) -> None:
    echo = b"def run(value):\n    return value\n"
    with pool.open(echo, entry="run", limits=LIMITS) as box:
        for _ in range(20):
            assert box.call({"value": "x" * 99_000}).kind == "value"
    with pool.open(LONG, entry="run", limits=LIMITS) as box:
        for _ in range(20):
            box.allow(99_002)
            assert box.call({"size": 99_000}).kind == "value"
        for _ in range(20):
            assert box.call({"size": FREE_BYTES - 100}).kind == "value"
