"""A box answers questions, and whatever its subject does becomes a status."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.core.status import Status
from harness.sandbox.answer import describe
from harness.sandbox.codec import decode, encode
from harness.sandbox.fault import BoxFault
from harness.sandbox.limits import MIB, Limits, SyscallPolicy
from harness.sandbox.pool import BoxPool

ECHO = b"def run(value):\n    return value\n"
QUICK = Limits(call_seconds=0.5, load_seconds=1.0, memory_bytes=64 * MIB, output_bytes=1 * MIB)


def fault_of(pool: BoxPool, source: str, **arguments: object) -> BoxFault:
    with pytest.raises(BoxFault) as caught, pool.open(source.encode(), entry="run", limits=QUICK) as box:
        box.call(arguments)
    return caught.value


def test_a_value_comes_back_with_its_exact_type_and_its_cost(pool: BoxPool) -> None:
    value = {"a": [1, 1.0, True, None, "ü", b"\x00", (1,), 2**2000]}
    with pool.open(ECHO, entry="run") as box:
        answer = box.call({"value": value})
    assert answer.kind == "value"
    assert decode(answer.payload) == value
    assert answer.payload == encode(value)
    assert answer.seconds > 0
    assert answer.cpu_seconds is None or 0 <= answer.cpu_seconds < 1
    assert box.usage.load_ms > 0


def test_large_questions_and_answers_pass_both_ways_at_once(pool: BoxPool) -> None:
    text = "x" * 3_000_000
    with pool.open(ECHO, entry="run") as box:
        assert decode(box.call({"value": text}).payload) == text
        assert decode(box.call({"value": text[::-1]}).payload) == text


def test_an_exception_is_an_answer_with_type_and_message(pool: BoxPool) -> None:
    with pool.open(b"def run():\n    raise ValueError('no\\x1b[31m')\n", entry="run") as box:
        answer = box.call({})
    assert answer.kind == "raised"
    assert describe(answer.payload) == "ValueError: no\\x1b[31m"


def test_a_class_that_is_named_like_a_builtin_error_is_another_one(pool):
    """Also where the subject replaces the builtin itself."""
    own = b"class ValueError(Exception): pass\n"
    other = b"import builtins\nbuiltins.ValueError = type('ValueError', (Exception,), {})\n"
    for head, name in ((b"", b"ValueError"), (own, b"candidate.ValueError"), (other, b"candidate.ValueError")):
        with pool.open(head + b"def run():\n raise ValueError('x')\n", entry="run") as box:
            answer = box.call({})
        assert (answer.kind, answer.payload) == ("raised", b'{"type": "%s", "message": "x"}' % name)


def test_a_package_that_is_not_in_a_box_is_named_with_the_reason(pool: BoxPool) -> None:
    fault = fault_of(pool, "import numpy\n\ndef run():\n    return 1\n")
    assert (fault.status, fault.why) == (
        Status.CRASH,
        "loading raised ModuleNotFoundError: No module named 'numpy'; a box has only Python's own packages",
    )


def test_the_module_has_a_file_name_without_a_path(pool: BoxPool) -> None:
    source = b"""
import os
HERE = os.path.dirname(os.path.abspath(__file__))
def run():
    return [__file__, __name__, HERE == os.getcwd()]
"""
    with pool.open(source, entry="run") as box:
        assert decode(box.call({}).payload) == ["candidate.py", "candidate", True]


def test_a_type_that_cannot_cross_is_named(pool: BoxPool) -> None:
    with pool.open(b"def run():\n    return 1j\n", entry="run") as box:
        answer = box.call({})
    assert (answer.kind, answer.payload) == (
        "unsupported",
        b'{"type": "complex", "message": "a value of type complex cannot cross the box"}',
    )


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("def run(:\n", Status.CRASH),
        ("", Status.CRASH),
        ("run = 3\n", Status.CRASH),
        ("1/0\ndef run(): pass\n", Status.CRASH),
        ("import os; os._exit(0)\n", Status.CRASH),
        ("raise SystemExit(0)\n", Status.CRASH),
        ("while True: pass\n", Status.TIMEOUT),
        ("x = bytearray(1 << 30)\n", Status.MEMORY),
        ("import os\nos.write(4, b'L' + bytes([8, 0, 0, 0]) + bytes(8))\ndef run(): pass\n", Status.PROTOCOL),
        ("\x00", Status.CRASH),
    ],
)
def test_what_goes_wrong_while_loading(pool: BoxPool, source: str, status: Status) -> None:
    assert fault_of(pool, source).status is status


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("import os; os._exit(0)", Status.CRASH),
        ("raise SystemExit(0)", Status.CRASH),
        ("raise KeyboardInterrupt", Status.CRASH),
        ("import ctypes; ctypes.string_at(0)", Status.CRASH),
        ("while True: pass", Status.TIMEOUT),
        ("import time; time.sleep(60)", Status.TIMEOUT),
        ("return 'x' * (2 << 20)", Status.OUTPUT),
        ("import os; os.write(4, b'R' + b'\\xff' * 4)", Status.OUTPUT),
        ("import os; os.write(4, b'Z' * 20)", Status.PROTOCOL),
        ("import os; os.close(4)", Status.CRASH),
        ("import os; os.closerange(0, 64); import time; time.sleep(60)", Status.CRASH),
    ],
)
def test_what_goes_wrong_in_a_call(pool: BoxPool, body: str, status: Status) -> None:
    fault = fault_of(pool, f"def run():\n    {body}\n")
    assert fault.status is status, fault.why


def test_memory_above_the_budget_ends_the_box_and_below_does_not(pool: BoxPool) -> None:
    source = b"def run(mb):\n    return len(bytes(b'x' * (mb << 20)))\n"
    with pool.open(source, entry="run", limits=QUICK) as box:
        assert decode(box.call({"mb": 16}).payload) == 16 * MIB
    if not box.usage.peak_is_lower_bound:
        assert 16 <= box.usage.peak_mb < 60
    with pytest.raises(BoxFault) as caught, pool.open(source, entry="run", limits=QUICK) as box:
        box.call({"mb": 200})
    assert caught.value.status is Status.MEMORY


def test_the_whole_life_is_bounded_even_if_every_call_is_quick(pool: BoxPool) -> None:
    limits = Limits(call_seconds=1.0, total_seconds=0.3)
    with (
        pytest.raises(BoxFault, match="all calls together"),
        pool.open(b"import time\ndef run():\n    time.sleep(0.05)\n", entry="run", limits=limits) as box,
    ):
        for _ in range(100):
            box.call({})


def test_an_answer_that_nobody_asked_for_is_found_even_after_the_last_question(pool: BoxPool) -> None:
    source = b"import os\ndef run():\n    os.write(4, b'R' + bytes([8, 0, 0, 0]) + bytes(8))\n    return 1\n"
    with pytest.raises(BoxFault) as caught, pool.open(source, entry="run", limits=QUICK) as box:
        box.call({})
    assert caught.value.status is Status.PROTOCOL
    late = b"""
import os, threading, time
def later():
    time.sleep(0.05)
    os.write(4, b'R' + bytes([8, 0, 0, 0]) + bytes(8))
def run():
    threading.Thread(target=later, daemon=True).start()
    return 1
"""
    with pytest.raises(BoxFault, match="after the last answer"), pool.open(late, entry="run", limits=QUICK) as box:
        box.call({})
        time.sleep(0.3)


def test_cpu_burnt_between_questions_is_seen(pool: BoxPool) -> None:
    source = b"""
import threading
def spin():
    while True: pass
def run():
    threading.Thread(target=spin, daemon=True).start()
    return 1
"""
    with pool.open(source, entry="run") as box:
        for _ in range(100):  # on a busy machine the thread has a core late
            box.call({})
            if box.idle_cpu > 0.02:
                break
            time.sleep(0.05)
    assert box.usage.idle_cpu_ms > 20


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=40), max_size=4))
def test_no_bytes_on_the_channel_make_an_answer_or_break_the_parent(pool: BoxPool, junk: list[bytes]) -> None:
    writes = "".join(f"    os.write(4, {data!r})\n" for data in junk)
    source = f"import os\ndef run():\n{writes}    os._exit(0)\n"
    with pytest.raises(BoxFault) as caught, pool.open(source.encode(), entry="run", limits=QUICK) as box:
        box.call({})
    assert caught.value.status in (Status.PROTOCOL, Status.CRASH, Status.OUTPUT)


def test_a_box_sees_no_file_of_ours_and_an_empty_environment(pool: BoxPool) -> None:
    source = b"""
import os
def run(paths):
    seen = [p for p in paths if os.path.exists(p)]
    return {"seen": seen, "environ": dict(os.environ), "pid": os.getpid(), "cwd": os.listdir(".")}
"""
    home = [str(Path.home()), "/etc/passwd", "/proc/self/status", __file__, "/usr/bin", "/usr/src", "/home"]
    with pool.open(source, entry="run") as box:
        report = decode(box.call({"paths": home}).payload)
    assert report["environ"] == {}
    if pool.layers["namespaces"] == "":
        assert report["pid"] == 1
        assert report["cwd"] == []
        assert [path for path in report["seen"] if path != str(Path.home())] == []


def test_two_boxes_of_one_zygote_do_not_share_random_state(pool: BoxPool) -> None:
    source = b"import random\ndef run():\n    return random.random()\n"
    seen = set()
    for _ in range(3):
        with pool.open(source, entry="run") as box:
            seen.add(box.call({}).payload)
    assert len(seen) == 3


def test_numpy_style_subjects_may_use_more_of_the_kernel_but_make_no_process(pool: BoxPool) -> None:
    source = b"""
import os
def run():
    os.sched_getscheduler(0)
    try:
        os.fork()
    except OSError as error:
        return type(error).__name__
"""
    limits = Limits(policy=SyscallPolicy.COMPUTE)
    with pool.open(source, entry="run", limits=limits) as box:
        assert decode(box.call({}).payload) in ("BlockingIOError", "PermissionError")


def test_nothing_is_left_behind() -> None:
    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    before, seen, children = descriptors(), set(), set()
    with BoxPool() as own:
        for _ in range(4):
            for body in ("return 1", "import os; os._exit(3)", "while True: pass"):
                try:
                    with own.open(f"def run():\n    {body}\n".encode(), entry="run", limits=QUICK) as box:
                        box.call({})
                except BoxFault:
                    pass
            seen.add(descriptors())
            children.add(
                len(
                    Path(f"/proc/{box._process.zygote.pid}/task/{box._process.zygote.pid}/children").read_text().split()
                )
            )
    assert max(children) <= 1, "beside its boxes a zygote has the one that waits for a source"
    assert len(seen) <= 2, f"the number of descriptors grows: {sorted(seen)}"
    assert descriptors() == before


def test_data_before_leaving_is_found_too(pool: BoxPool) -> None:
    source = b"""
import os, threading, time
def later():
    time.sleep(0.05)
    os.write(4, b"junk")
    os._exit(0)
def run():
    threading.Thread(target=later, daemon=True).start()
    return 1
"""
    with pytest.raises(BoxFault, match="after the last answer"), pool.open(source, entry="run", limits=QUICK) as box:
        box.call({})
        time.sleep(0.3)


def test_small_output_limits_bind(pool: BoxPool) -> None:
    limits = Limits(output_bytes=100)
    for size in (200, 40_000, 100_000):
        with pytest.raises(BoxFault) as caught, pool.open(ECHO, entry="run", limits=limits) as box:
            box.call({"value": "x" * size})
        assert caught.value.status is Status.OUTPUT


def test_memory_given_back_to_nobody_ends_the_box_not_its_zygote(pool: BoxPool) -> None:
    """Unmapped from itself a box's shared memory is charged but not resident: the kernel must not pick the zygote."""
    if pool.layers["cgroup"]:
        pytest.skip(f"no cgroup here: {pool.layers['cgroup']}")
    source = """
import mmap
kept = []
def run():
    while True:
        block = mmap.mmap(-1, 1 << 20)
        block.write(b"x" * (1 << 20))
        block.madvise(mmap.MADV_DONTNEED)
        kept.append(block)
"""
    limits = Limits(call_seconds=10.0, memory_bytes=64 * MIB)
    for _ in range(2):
        with pytest.raises(BoxFault) as caught, pool.open(source.encode(), entry="run", limits=limits) as box:
            box.call({})
        assert caught.value.status is Status.MEMORY
    assert box._process.zygote.is_usable


def test_an_interrupt_while_a_box_starts_leaves_nothing(pool: BoxPool, monkeypatch: pytest.MonkeyPatch) -> None:
    descriptors = len(os.listdir("/proc/self/fd"))
    made = os.pipe

    def interrupted() -> tuple[int, int]:
        monkeypatch.setattr(os, "pipe", made)
        monkeypatch.setattr(os, "set_blocking", interrupt)
        return made()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with BoxPool() as own:
        zygote = own._zygote()
        opened = len(os.listdir("/proc/self/fd"))
        monkeypatch.setattr(os, "pipe", interrupted)
        with pytest.raises(KeyboardInterrupt):
            own.open(ECHO, entry="run")
        monkeypatch.undo()
        assert len(os.listdir("/proc/self/fd")) == opened
        assert Path(f"/proc/{zygote.pid}/task/{zygote.pid}/children").read_text() == ""
        with own.open(ECHO, entry="run") as box:
            assert decode(box.call({"value": 1}).payload) == 1
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_without_a_root_of_its_own_a_box_cannot_touch_modes_or_times(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("x")
    victim.chmod(0o666)
    tmp_path.chmod(0o777)
    source = b"""
import os
def run(path):
    done = []
    for name, deed in (("chmod", lambda: os.chmod(path, 0o777)), ("utime", lambda: os.utime(path, (1, 1))),
                       ("truncate", lambda: os.truncate(path, 0))):
        try:
            deed()
            done.append(name)
        except OSError:
            pass
    return done
"""
    with BoxPool(without=frozenset({"namespaces", "uid"})) as pool, pool.open(source, entry="run") as box:
        assert decode(box.call({"path": str(victim)}).payload) == []
    assert victim.stat().st_mode & 0o777 == 0o666
    assert victim.read_text() == "x"
