from __future__ import annotations

import os
import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import SpecError
from harness.lanes.toolgen import oracle as oracle_module
from harness.lanes.toolgen.oracle import Oracle
from harness.lanes.toolgen.reply import MAX_KEPT_BYTES, Reply
from harness.sandbox.codec import encode
from harness.sandbox.loop import drive


class Loaded:
    """An oracle whose process runs, asked without a loop."""

    def __init__(self, folder, text: str) -> None:
        path = folder / "oracle.py"
        path.write_text(text)
        self.process = Oracle(path, folder / "scratch")
        drive(self.process.start())

    def reply(self, key: bytes, **options: bool) -> Reply:
        return drive(self.process.reply(key, **options)).reply


@pytest.fixture
def load(tmp_path):
    made: list[Loaded] = []

    def start(text: str) -> Loaded:
        made.append(Loaded(tmp_path, text))
        return made[-1]

    yield start
    for one in made:
        pid = one.process.pid
        one.process.close()
        with pytest.raises(ProcessLookupError):
            os.kill(pid or 2**22, 0)


def test_a_reference_answers_and_may_change_its_input(load):
    oracle = load("def reference(a):\n    a.append(1)\n    return a\n")
    key = encode({"a": [0]})
    assert oracle.reply(key) == oracle.reply(key) == Reply("value", b"[0,1]")


def test_a_process_that_was_killed_is_asked_again_once(load):
    oracle = load("def reference(a):\n    return a\n")
    os.kill(oracle.process.pid, signal.SIGKILL)
    assert oracle.reply(encode({"a": 1})) == Reply("value", b"1")
    kills = load("import os, signal\n\n\ndef reference(a):\n    os.kill(os.getpid(), signal.SIGKILL)\n")
    with pytest.raises(SpecError, match=r"reference was killed \(SIGKILL: out of memory\?\) on"):
        kills.reply(encode({"a": 1}))


def test_a_process_that_is_killed_while_it_starts_is_started_again(tmp_path):
    (tmp_path / "oracle.py").write_text(
        "import os, signal\nfrom pathlib import Path\n\nmark = Path(__file__).with_name('mark')\n"
        "if not mark.exists():\n    mark.touch()\n    os.kill(os.getpid(), signal.SIGKILL)\n\n\n"
        "def reference(a):\n    return a\n"
    )
    oracle = Oracle(tmp_path / "oracle.py", tmp_path / "scratch")
    try:
        assert drive(oracle.reply(encode({"a": 1}))).reply == Reply("value", b"1")
    finally:
        oracle.close()


def test_an_endless_answer_ends_the_process_and_says_where(load, monkeypatch):
    oracle = load("def reference(a):\n    import itertools\n    return sum(itertools.count())\n")
    monkeypatch.setattr(oracle_module, "TRUSTED_SECONDS", 0.3)
    pid = oracle.process.pid
    with pytest.raises(SpecError, match=r"the oracle's reference did not return within 0\.3 s") as caught:
        oracle.reply(encode({"a": 1}))
    assert caught.value.where.endswith("oracle.py:3")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_an_answer_of_a_hundred_megabytes_is_refused(load):
    oracle = load("def reference(a):\n    return 'x' * 10**8\n")
    with pytest.raises(SpecError, match="an answer of more than 64 MiB"):
        oracle.reply(encode({"a": 1}))


@pytest.mark.parametrize("catches", ["except Exception", "except BaseException"])
def test_a_property_is_repeated_with_the_replies_so_far(load, catches):
    law = (
        "def reference(a):\n    return a\n\n"
        "def law(call, kwargs, rng):\n"
        "    first = call(a=rng.randrange(9))\n"
        f"    try:\n        second = call(a=1)\n    {catches}:\n        second = 'caught'\n"
        "    return f'{first} {second}'\n\nPROPERTIES = (law,)\n"
    )
    check = load(law).process.check
    first = drive(check(0, b"{}", 7, []))["asks"]
    replies = [[first, "value", '"one"', ""]]
    assert drive(check(0, b"{}", 7, replies)) == {"asks": '{"a":1}'}
    assert drive(check(0, b"{}", 7, [*replies, ['{"a":1}', "value", '"two"', ""]])) == {"problem": "one two"}
    caught = drive(check(0, b"{}", 7, [*replies, ['{"a":1}', "raised", "", "it raised"]]))
    assert caught == {"problem": "one caught"}


def test_a_property_with_random_numbers_of_its_own_is_the_oracles_fault(load):
    law = "def reference(a):\n    return a\n\ndef law(call, kwargs, rng):\n    call(a=__import__('random').random())\n"
    check = load(law + "    call(a=1)\n\nPROPERTIES = (law,)\n").process.check
    with pytest.raises(SpecError, match="use only `rng` for random choices"):
        drive(check(0, b"{}", 7, [['{"a":1}', "value", "1", ""]]))


def test_a_process_that_a_reference_leaves_is_not_waited_for(load, tmp_path):
    ended, forgotten = tmp_path / "ended", tmp_path / "forgotten"
    left = f"""
import os, time

def reference(a):
    if os.fork() == 0:
        for _ in range(300):
            if os.path.exists({str(ended)!r}):
                os._exit(0)
            time.sleep(0.1)
        open({str(forgotten)!r}, "w").close()
        os._exit(0)
    return a
"""
    found = drive(load(left).process.derived((encode({"a": 1}), encode({"a": 2}))))
    ended.touch()
    assert not forgotten.exists()
    assert [reply.payload for reply in found] == [b"1", b"2"]


@pytest.mark.parametrize("error", ["ValueError", "KeyError", "TypeError", "ZeroDivisionError"])
def test_an_exception_of_the_domain_is_an_answer(load, error):
    oracle = load(f"def reference(a):\n    raise {error}('no')\n")
    reply = oracle.reply(encode({"a": 1}))
    assert (reply.kind, reply.exception) == ("raised", error)


@pytest.mark.parametrize("error", ["RuntimeError", "NameError", "AssertionError", "AttributeError"])
def test_any_other_exception_is_the_oracles_fault(load, error):
    oracle = load(f"def reference(a):\n    raise {error}('no')\n")
    with pytest.raises(SpecError, match=error) as caught:
        oracle.reply(encode({"a": 1}))
    assert caught.value.where.endswith("oracle.py:2")
    assert oracle.reply(encode({"a": 1}), any_error=True).kind == "raised"


def test_an_answer_that_cannot_cross_is_the_oracles_fault(load):
    oracle = load("def reference(a):\n    return {a, 1j}\n")
    with pytest.raises(SpecError, match="complex"):
        oracle.reply(encode({"a": 1}))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("1 / 0\n", "importing the oracle raised ZeroDivisionError"),
        ("reference = 3\n", "not callable"),
        ("from os import *\n", "no reference"),
        ("def reference(): ...\nPROPERTIES = [3]\n", "PROPERTIES"),
        ("def reference(): ...\ninputs = 3\n", "inputs is not callable"),
    ],
)
def test_what_is_wrong_with_an_oracle(load, text, what):
    with pytest.raises(SpecError, match=what):
        load(text)


def test_exceptions_are_compared_by_type_alone():
    assert raised_reply(ValueError("a")).comparison_key == raised_reply(ValueError("b")).comparison_key
    assert raised_reply(ValueError("a")).comparison_key != raised_reply(TypeError("a")).comparison_key
    assert (
        Reply("value", b'{"message":"a","type":"ValueError"}').comparison_key
        != raised_reply(ValueError("a")).comparison_key
    )


def test_a_made_up_exception_cannot_break_us():
    assert Reply("raised", b"[[[").exception == "?"
    assert Reply("raised", b"3").exception == "?"


def raised_reply(error: Exception) -> Reply:
    return Reply("raised", encode({"type": type(error).__name__, "message": str(error)}))


values = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists)


@given(values, values, st.integers(0, 3))
def test_replies_are_the_same_exactly_when_they_are_when_trimmed(one, two, kilobytes):
    first, second = (Reply("value", encode(["x" * 2048 * kilobytes, value])) for value in (one, two))
    assert (first == second) == (first.trimmed() == second.trimmed())
    assert len(first.trimmed().payload) <= MAX_KEPT_BYTES + 100


@given(st.sampled_from(["raised", "unsupported"]), values | st.just(1 << 90_000) | st.just([[[]] * 9] * 9))
def test_whatever_a_candidate_calls_an_exception_it_has_a_name(kind, name):
    found = Reply(kind, encode({"type": name}))
    assert found.exception == (name if isinstance(name, str) else "?")
    assert found.comparison_key[0] == kind
