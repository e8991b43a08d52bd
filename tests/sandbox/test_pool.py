"""Zygotes: one for each hash seed, replaced when they die, gone when the pool is closed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from harness.core.tier import Tier
from harness.sandbox.codec import decode
from harness.sandbox.limits import Limits
from harness.sandbox.pool import BoxPool, tier_of
from harness.sandbox.zygote_process import LAYERS, ZygoteProcess

HASH = b"def run():\n    return hash('order')\n"


def ask(pool: BoxPool, source: bytes = HASH, **options: int) -> object:
    with pool.open(source, entry="run", **options) as box:  # type: ignore[arg-type]
        return decode(box.call({}).payload)


def test_the_hash_seed_decides_and_nothing_else(pool: BoxPool) -> None:
    assert ask(pool, hash_seed=1) == ask(pool, hash_seed=1)
    assert len({ask(pool, hash_seed=seed) for seed in range(1, 6)}) == 5


def test_a_killed_zygote_is_replaced_without_anybody_noticing(pool: BoxPool) -> None:
    before = ask(pool, hash_seed=3)
    zygote = pool._zygote(3)
    kill(zygote.pid)
    assert ask(pool, hash_seed=3) == before
    zygote = pool._zygote(3)
    kill(zygote._parent.pid)
    assert ask(pool, hash_seed=3) == before
    kill(zygote.pid)
    assert ask(pool, hash_seed=3) == before


def test_a_kill_of_all_zygotes_that_stand_ready_costs_no_box(pool: BoxPool, monkeypatch: pytest.MonkeyPatch) -> None:
    before = ask(pool, hash_seed=5)
    family = pool._family(5)
    with pool.open(HASH, entry="run", hash_seed=5), pool.open(HASH, entry="run", hash_seed=5):
        pass
    take = family.take

    def take_and_kill(limits: Limits, *, guarded: bool) -> ZygoteProcess:
        monkeypatch.undo()
        taken = take(limits, guarded=guarded)
        for zygote in [one for zygotes in family._zygotes.values() for one in zygotes]:
            kill(zygote.pid)
        kill(family._root.pid)
        return taken

    monkeypatch.setattr(family, "take", take_and_kill)
    assert ask(pool, hash_seed=5) == before


def test_a_zygote_that_dies_before_its_box_is_closed_spoils_no_answer(pool: BoxPool) -> None:
    before = ask(pool, hash_seed=9)
    with pool.open(HASH, entry="run", hash_seed=9) as box:
        assert decode(box.call({}).payload) == before
        kill(box._process.zygote.pid)
    assert ask(pool, hash_seed=9) == before


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    while alive(pid):
        time.sleep(0.001)


@pytest.mark.parametrize("warm", [1, 2, 4, 6])
def test_only_so_many_stay_warm_and_all_end_with_the_pool(warm: int) -> None:
    with BoxPool(warm=warm) as pool:
        zygotes = []
        for seed in range(5):
            ask(pool, hash_seed=seed)
            zygotes.append(pool._zygote(seed))
        assert [alive(zygote.pid) for zygote in zygotes] == [seed >= 5 - warm for seed in range(5)]
    assert not any(alive(zygote.pid) for zygote in zygotes)


def test_a_hash_seed_with_an_open_box_is_never_given_up() -> None:
    with BoxPool(warm=1) as small:
        boxes = [small.open(b"def run(): return 7\n", entry="run", hash_seed=seed) for seed in range(3)]
        assert [box.call({}).payload for box in boxes] == [b"7"] * 3
        for box in boxes:
            box.close()
        ask(small, hash_seed=9)
        assert list(small._families) == [9]


def test_when_its_owner_is_killed_the_zygote_and_its_boxes_die() -> None:
    program = textwrap.dedent(
        """
        import sys, time
        from harness.sandbox.pool import BoxPool
        pool = BoxPool()
        box = pool.open(b"def run():\\n    return 1\\n", entry="run")
        print(box._process.zygote.pid, box.pid, flush=True)
        time.sleep(60)
        """
    )
    owner = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=Path.cwd())
    zygote, box = map(int, owner.stdout.readline().split())  # type: ignore[union-attr]
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and any(alive(pid) for pid in (zygote, box)):
        time.sleep(0.02)
    assert not alive(zygote)
    assert not alive(box)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def test_the_zygote_holds_nothing_of_its_parent() -> None:
    os.environ["CRUCIBLE_TEST_SECRET"] = "must-not-cross"
    try:
        with BoxPool() as pool:
            pid = pool._zygote(0).pid
            assert b"must-not-cross" not in Path(f"/proc/{pid}/environ").read_bytes()
            opened = {os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()}
    finally:
        del os.environ["CRUCIBLE_TEST_SECRET"]
    assert {name for name in opened if name.startswith("/") and name != "/dev/null"} == set()


@pytest.mark.parametrize(
    ("missing", "tier"),
    [
        ((), Tier.A),
        (("cgroup",), Tier.B),
        (("landlock",), Tier.B),
        (("namespaces", "pivot_root", "uid", "cgroup"), Tier.C),
        (("namespaces", "landlock"), Tier.D),
        (("seccomp",), Tier.D),
        (("rlimits",), Tier.E),
        (LAYERS, Tier.E),
    ],
)
def test_the_tier_follows_from_the_layers(missing: tuple[str, ...], tier: Tier) -> None:
    assert tier_of({name: "off" if name in missing else "" for name in LAYERS}) is tier


def test_an_interrupted_request_does_not_put_later_boxes_out_of_step(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    receive = socket.recv_fds

    def interrupted(*arguments: object) -> object:
        raise KeyboardInterrupt

    with BoxPool() as pool:
        first = pool._zygote(7)
        monkeypatch.setattr(socket, "recv_fds", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ask(pool, hash_seed=7)
        monkeypatch.setattr(socket, "recv_fds", receive)
        assert not first.is_usable
        assert ask(pool, hash_seed=7) is not None
        assert pool._zygote(7) is not first
    assert not alive(first.pid)


def test_what_one_box_leaves_charged_does_not_widen_the_next_ones_limit() -> None:
    from harness.sandbox.fault import BoxFault
    from harness.sandbox.limits import MIB, Limits

    litter = b"""
import os, sys
def run():
    for directory in sys.path:
        for n in range(60000):
            try:
                os.stat(directory + "/missing" + str(n))
            except OSError:
                pass
"""
    hoard = b"def run(mb):\n    return len(bytes(b'x' * (mb << 20)))\n"
    limits = Limits(memory_bytes=48 * MIB, call_seconds=20.0)
    with BoxPool() as pool:
        if pool.layers["cgroup"]:
            pytest.skip(f"no cgroup here: {pool.layers['cgroup']}")
        for _ in range(2):
            with pool.open(litter, entry="run", limits=limits) as box:
                box.call({})
        with pool.open(hoard, entry="run", limits=limits) as box, pytest.raises(BoxFault, match="memory"):
            box.call({"mb": 100})
        with pool.open(hoard, entry="run", limits=limits) as box:
            box.call({"mb": 30})
        assert 28 < box.usage.peak_mb < 50


def test_a_pool_may_be_started_in_a_thread_that_ends(pool: BoxPool) -> None:
    import threading

    with BoxPool() as other:
        thread = threading.Thread(target=lambda: other.layers)
        thread.start()
        thread.join()
        time.sleep(0.1)
        assert ask(other) is not None
        assert other._zygote(0).is_usable
