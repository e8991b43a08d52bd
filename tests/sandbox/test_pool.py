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
from harness.sandbox.nursery import LAYERS
from harness.sandbox.pool import BoxPool, tier_of

HASH = b"def run():\n    return hash('order')\n"


def ask(pool: BoxPool, source: bytes = HASH, **options: int) -> object:
    with pool.open(source, entry="run", **options) as box:  # type: ignore[arg-type]
        return decode(box.call({}).payload)


def test_the_hash_seed_decides_and_nothing_else(pool: BoxPool) -> None:
    assert ask(pool, hash_seed=1) == ask(pool, hash_seed=1)
    assert len({ask(pool, hash_seed=seed) for seed in range(1, 6)}) == 5


def test_a_killed_zygote_is_replaced_without_anybody_noticing(pool: BoxPool) -> None:
    before = ask(pool, hash_seed=3)
    process = pool._nursery(3)._process
    process.kill()
    process.wait()
    assert ask(pool, hash_seed=3) == before


def test_only_so_many_stay_warm_and_all_end_with_the_pool() -> None:
    with BoxPool(warm=2) as pool:
        nurseries = []
        for seed in range(4):
            ask(pool, hash_seed=seed)
            nurseries.append(pool._nursery(seed))
        assert [nursery.alive for nursery in nurseries] == [False, False, True, True]
    assert not any(nursery.alive for nursery in nurseries)


def test_when_its_owner_is_killed_the_zygote_and_its_boxes_die() -> None:
    program = textwrap.dedent(
        """
        import sys, time
        from harness.sandbox.pool import BoxPool
        pool = BoxPool()
        box = pool.open(b"def run():\\n    return 1\\n", entry="run")
        print(pool._nursery(0)._process.pid, box._newborn.pid, flush=True)
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
            pid = pool._nursery(0)._process.pid
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
