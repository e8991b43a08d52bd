"""Trusted code that ends or hangs on a candidate's answer only is that candidate's fault; the next one is checked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.core.errors import SpecError
from harness.core.status import Status
from harness.lanes.toolgen import checked_answer
from harness.lanes.toolgen.checked_answer import check_answer
from harness.lanes.toolgen.oracle import Oracle
from harness.sandbox.codec import encode
from harness.sandbox.fault import BoxFault
from harness.sandbox.loop import drive

ORACLE = """
import os
def reference(text):
    return text
def accept(kwargs, answer):
    if answer == "hang":
        while True: pass
    if answer == "exit":
        os._exit(3)
    if answer == "hoard":
        bytearray(1 << 40)
    return answer == kwargs["text"]
"""


@pytest.fixture(scope="module")
def oracle(tmp_path_factory) -> Iterator[Oracle]:
    folder = tmp_path_factory.mktemp("oracle")
    (folder / "oracle.py").write_text(ORACLE)
    made = Oracle(folder / "oracle.py", folder)
    yield made
    made.close()


def check(oracle: Oracle, asked: str, answer: str) -> bool:
    key = encode({"text": asked})

    def accepts(value: str, seconds: float = 60.0):
        return oracle.accepts(key, encode(value), seconds=seconds)

    return drive(check_answer(oracle, lambda seconds: accepts(answer, seconds), lambda: accepts(asked), asked=key))


def test_an_answer_that_ends_the_check_is_blamed_and_the_next_one_is_checked(oracle, monkeypatch):
    monkeypatch.setattr(checked_answer, "ANSWER_SECONDS", 1.0)
    assert check(oracle, "a", "a")
    for answer, status in (("exit", Status.OUTPUT), ("hang", Status.TIMEOUT)):
        with pytest.raises(BoxFault) as caught:
            check(oracle, "a", answer)
        assert caught.value.status is status
        assert "the reference's can" in caught.value.why
        assert not check(oracle, "a", "b")


def test_memory_for_a_check_is_bounded(oracle):
    with pytest.raises(SpecError, match="MemoryError"):
        check(oracle, "a", "hoard")


def test_an_oracle_that_fails_on_the_reference_too_is_at_fault(oracle):
    with pytest.raises(SpecError, match="exit status 3"):
        check(oracle, "exit", "exit")
