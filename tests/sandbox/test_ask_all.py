"""Questions asked at once are answered as one by one, and a fault is charged to the question that causes it."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from harness.core.status import Status
from harness.sandbox.answer import Answer
from harness.sandbox.awaited_box import ask, ask_all, opened
from harness.sandbox.codec import encode
from harness.sandbox.fault import BoxFault
from harness.sandbox.limits import MIB, Limits
from harness.sandbox.loop import Loop, drive
from harness.sandbox.polled_box import PolledBox
from harness.sandbox.pool import BoxPool
from harness.sandbox.usage import Usage

LIMITS = Limits(call_seconds=2.0, load_seconds=2.0, memory_bytes=64 * MIB, output_bytes=1 * MIB)
QUESTIONS = [encode({"x": number}) for number in range(6)]
FORGE = """
import os, struct
def forge(tag, nonce, body):
    os.write(4, tag + struct.pack("<I", len(nonce + body)) + nonce + body)
def pending():
    import fcntl
    return struct.unpack("i", fcntl.ioctl(3, 0x541B, bytes(4)))[0]
"""
SUBJECTS = {
    "right": "def run(x): return x",
    "state": "seen = []\ndef run(x):\n    seen.append(x)\n    return len(seen)",
    "raises": "def run(x): return 1 // (x - 3)",
    "no answer can be sent": "def run(x): return {x} if x == 3 else x",
    "ends": "import os\ndef run(x):\n    if x == 3: os._exit(5)\n    return x",
    "exits": "def run(x):\n    if x == 3: raise SystemExit\n    return x",
    "loops": "def run(x):\n    while x == 3: pass\n    return x",
    "segfault": "import ctypes\ndef run(x):\n    if x == 3: ctypes.string_at(0)\n    return x",
    "memory": "def run(x):\n    return len(bytes(b'x' * (x << 26)))",
    "long": "def run(x):\n    return 'x' * (x << 19)",
    "unrequested": "import os\ndef run(x):\n    if x == 3: os.write(4, b'Z' * 20)\n    return x",
    "twice": FORGE + "def run(x):\n    if x == 3: forge(b'R', bytes(8), b'3')\n    return x",
    "closes": "import os\ndef run(x):\n    if x == 3: os.close(3)\n    return x",
    "does not load": "1/0",
    "ends while loading": "import os; os._exit(0)",
}


@dataclass(frozen=True)
class Batch:
    """Answers up to the fault; `usage` is None if the source could not be loaded."""

    answers: list[Answer]
    fault: BoxFault | None = None
    usage: Usage | None = None


def one_by_one(pool: BoxPool, source: bytes, questions: Sequence[bytes] = tuple(QUESTIONS)) -> Batch:
    answers, box = [], None
    try:
        with pool.open(source, entry="run", limits=LIMITS) as box:
            for question in questions:
                answers.append(box.ask(question))
    except BoxFault as fault:
        return Batch(answers, fault, box.usage if box else None)
    return Batch(answers, None, box.usage)


def at_once(pool: BoxPool, source: bytes) -> Batch:
    """Ask as the toolgen lane does: all at once, and one by one in another box after a fault."""
    box = None
    try:
        with pool.open(source, entry="run", limits=LIMITS) as box:
            answers = box.ask_all(QUESTIONS)
        return Batch(answers, None, box.usage)
    except BoxFault as fault:
        return Batch([], fault) if box is None else one_by_one(pool, source)


def essence(batch: Batch) -> tuple[object, ...]:
    answers = [(answer.kind, answer.payload) for answer in batch.answers]
    return answers, batch.fault and batch.fault.status, batch.usage is None


@pytest.mark.parametrize("name", SUBJECTS)
def test_no_result_depends_on_whether_questions_come_at_once(pool: BoxPool, name: str) -> None:
    source = SUBJECTS[name].encode()
    assert essence(at_once(pool, source)) == essence(one_by_one(pool, source))


def test_answers_come_in_order_each_with_its_arrival(pool: BoxPool) -> None:
    source = b"import time\ndef run(x):\n    time.sleep(0.05)\n    return x\n"
    with pool.open(source, entry="run") as box:
        assert box.ask_all([]) == []
        answers = box.ask_all(QUESTIONS)
        assert [answer.payload for answer in answers] == [b"%d" % number for number in range(6)]
        assert sum(answer.seconds for answer in answers) >= 0.29  # it may arrive late, but never early
        *before, last = [answer.cpu_seconds for answer in answers]
        assert before == [None] * 5
        assert last is not None  # of all six together
        assert last > 0
        assert box.ask(QUESTIONS[2]).cpu_seconds is not None


def test_a_coroutine_gets_all_answers(pool: BoxPool) -> None:
    async def answers() -> list[bytes]:
        box = await opened(pool, b"def run(x): return x", entry="run", limits=LIMITS, hash_seed=0)
        with box:
            assert await ask_all(pool, box, []) == []
            return [answer.payload for answer in await ask_all(pool, box, QUESTIONS)]

    assert drive(answers()) == [b"%d" % number for number in range(6)]


def test_the_limit_of_a_call_holds_for_each_answer_and_not_for_all(pool: BoxPool) -> None:
    source = b"import time\ndef run(x):\n    time.sleep(0.3 if x < 5 else 60)\n    return x\n"
    with pool.open(source, entry="run", limits=Limits(call_seconds=1.0)) as box:
        box.send_all(QUESTIONS)
        answers = []
        with pytest.raises(BoxFault) as caught:
            while True:
                answer = box.receive_ready()
                if answer is not None:
                    answers.append(answer)
    assert caught.value.status is Status.TIMEOUT
    assert len(answers) == 5


def test_questions_and_answers_longer_than_a_pipe_pass(pool: BoxPool) -> None:
    texts = [letter * 300_000 for letter in "abcdef"]
    with pool.open(b"def run(x): return x", entry="run") as box:
        assert [answer.payload for answer in box.ask_all([encode({"x": text}) for text in texts])] == [
            encode(text) for text in texts
        ]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("forge(b'R', bytes(8), b'0'); return x", "nonce"),
        ("rest = os.read(3, 64); forge(b'R', rest[5:13], b'1'); return x", "nonce"),
        ("forge(b'L', bytes(8), b''); return x", "nonce"),
        ("rest = os.read(3, 64); forge(b'R', rest[5:13], bytes([255])); return x", "nonce"),
    ],
)
def test_answers_out_of_order_or_forged_end_the_box(pool: BoxPool, body: str, why: str) -> None:
    source = FORGE + f"def run(x):\n    {body}\n"
    with pytest.raises(BoxFault, match=why), pool.open(source.encode(), entry="run", limits=LIMITS) as box:
        box.ask_all(QUESTIONS)


def test_a_subject_can_see_later_questions_and_gains_no_answer_by_it(pool: BoxPool) -> None:
    """What is given up, shown: later questions are visible. Their answers are compared as any others."""
    source = FORGE + "def run(x):\n    return pending() > 0\n"
    with pool.open(source.encode(), entry="run", limits=LIMITS) as box:
        assert [answer.payload for answer in box.ask_all(QUESTIONS)] == [b"true"] * 5 + [b"false"]
        assert [box.ask(question).payload for question in QUESTIONS] == [b"false"] * 6


def test_unrequested_data_after_the_last_answer_is_found(pool: BoxPool) -> None:
    source = FORGE + "def run(x):\n    if x == 5: forge(b'R', bytes(8), b'9')\n    return x\n"
    batch = at_once(pool, source.encode())
    assert batch.fault is not None
    assert batch.fault.status is Status.PROTOCOL
    assert len(batch.answers) == 5


def test_a_right_answer_of_any_length_is_not_charged(pool: BoxPool) -> None:
    limits = Limits(output_bytes=1 * MIB, total_output_bytes=1 * MIB)
    questions = [encode({"x": 1}) for _ in range(8)]
    source = b"def run(x): return 'x' * (500 << 10)"
    length = len(encode("x" * (500 << 10)))
    with pool.open(source, entry="run", limits=limits) as box:
        box.allow(length * 8)
        assert len(box.ask_all(questions)) == 8
    with pytest.raises(BoxFault) as caught, pool.open(source, entry="run", limits=limits) as box:
        box.ask_all(questions)
    assert caught.value.status is Status.OUTPUT


def test_an_endless_box_keeps_no_other_waiting_where_nothing_is_timed(pool):
    """The endless call has a minute; the other answer comes while it computes."""
    loop, ended, limits = Loop(), [], Limits(call_seconds=60.0)
    source = b"def run(n):\n    while n: pass\n    return n\n"

    async def asked(n: int) -> int:
        how = {"entry": "run", "limits": limits, "hash_seed": 0, "is_alone": False}
        with await opened(pool, source, **how) as box:
            boxes.append(box)
            try:
                await ask(pool, box, b'{"n":%d}' % n, is_timed=False)
            except BoxFault:
                return -1
            return n

    boxes: list[PolledBox] = []
    loop.spawn(asked(1), ended.append)
    while not boxes:
        loop.turn(math.inf)
    loop.spawn(asked(0), ended.append)
    while not ended:
        loop.turn(math.inf)
    assert ended == [0]
    os.kill(boxes[0].pid, signal.SIGKILL)
    while loop.live:
        loop.turn(math.inf)
    assert ended == [0, -1]
