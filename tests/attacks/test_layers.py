"""Mutation of the sandbox: without a layer, an attack that this layer stops succeeds. Else the layer is untested.

Layers stand behind one another, so to see one at work those behind it are left out too.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from harness.core.budget import Schedule
from harness.core.policy import Policy, Timing
from harness.sandbox.codec import decode
from harness.sandbox.fault import BoxFault
from harness.sandbox.limits import MIB, Limits
from tests.attacks import corpus
from tests.shared_run import session_folder

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="layers need Linux"),
    pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root has every layer to take away"),
]

# layer, what is left out as well, the attack that then succeeds
CORPUS = [
    ("seccomp", (), "d09_net_loopback"),
    ("seccomp", (), "f10_inode_numbers"),
    ("namespaces", (), "d20_kill_all"),
    ("pivot_root", ("landlock",), "d16_read_secrets"),
    ("landlock", ("namespaces",), "d16_read_secrets"),
]


@pytest.fixture
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all contexts keep the questions: sampling them takes ten times as long as an attack."""
    folder = session_folder(tmp_path_factory) / "scratch"
    folder.mkdir(exist_ok=True)
    return folder


def verdict(name: str, *without: str, scratch: Path) -> str:
    attack = next(a for a in corpus.table() if a.name == name)
    with corpus.context(*without, scratch=scratch) as made:
        return str(corpus.run(attack, made)["status"])


@pytest.mark.parametrize(("layer", "others", "name"), CORPUS)
def test_an_attack_of_the_corpus_succeeds_without_the_layer_and_fails_with_it(
    layer: str, others: tuple[str, ...], name: str, scratch: Path
) -> None:
    assert verdict(name, *others, scratch=scratch) == "ok", "the layers behind it alone should still hold"
    assert verdict(name, layer, *others, scratch=scratch) != "ok"


def deeds(source: bytes, *without: str, limits: Limits | None = None) -> object:
    with corpus.context(*without) as made:
        try:
            with made.boxes.open(source, entry="run", limits=limits or Limits()) as box:
                answer = box.call({})
            return decode(answer.payload)
        except BoxFault as fault:
            return fault.status.value


def test_without_the_group_shared_memory_is_not_seen() -> None:
    """Resident size misses what a killed mapping held: only the group reports an honest peak."""
    source = b"""
import mmap
def run():
    for _ in range(40):
        with mmap.mmap(-1, 1 << 20) as block:
            block.write(b"x" * (1 << 20))
    kept = [mmap.mmap(-1, 1 << 20) for _ in range(40)]
    for block in kept:
        block.write(b"x" * (1 << 20))
    return len(kept)
"""
    with corpus.context() as made:
        if made.boxes.layers["cgroup"]:
            pytest.skip(f"no cgroup here: {made.boxes.layers['cgroup']}")
        with made.boxes.open(source, entry="run") as box:
            box.call({})
        assert not box.usage.peak_is_lower_bound
        assert box.usage.peak_mb >= 40
    with corpus.context("cgroup") as made:
        with made.boxes.open(source, entry="run") as box:
            box.call({})
        assert box.usage.peak_is_lower_bound


def test_without_limits_and_group_memory_is_unbounded() -> None:
    source = b"def run():\n    return len(bytes(b'x' * (200 << 20)))\n"
    limits = Limits(memory_bytes=16 * MIB, call_seconds=10.0)
    assert deeds(source, limits=limits) == "memory"
    assert deeds(source, "cgroup", limits=limits) == "memory"
    assert deeds(source, "cgroup", "rlimits", limits=limits) == 200 * MIB


def test_without_limits_descriptors_are_unbounded() -> None:
    source = b"""
import os
def run():
    try:
        return len([os.open("/dev/null", os.O_RDONLY) for _ in range(500)])
    except OSError:
        return "refused"
"""
    assert deeds(source) == "refused"
    assert deeds(source, "rlimits") == 500


def test_without_another_user_a_box_is_root() -> None:
    source = b"import os\ndef run():\n    return os.getuid()\n"
    assert deeds(source) != 0
    assert deeds(source, "uid") == 0


def test_without_a_root_of_its_own_a_box_sees_the_machines_own_files() -> None:
    """And no byte of any file can be written there, with or without Landlock."""
    source = b"""
import os
def run():
    try:
        os.write(os.open("/dev/shm/crucible-canary-byte", os.O_RDWR | os.O_CREAT), b"x")
    except OSError as error:
        return [os.stat(os.__file__).st_dev, error.strerror]
"""
    device = os.stat(os.__file__).st_dev
    copied = deeds(source)
    assert isinstance(copied, list)
    assert copied[0] != device
    assert deeds(source, "pivot_root") == [device, "Permission denied"]
    assert deeds(source, "pivot_root", "landlock") == [device, "File too large"]
    Path("/dev/shm/crucible-canary-byte").unlink()


def test_the_verdict_does_not_come_from_the_box(scratch: Path) -> None:
    """The first layer is that there is nothing to steal: even a box without any layer judges rightly."""
    names = ("d01_always_eq", "d26_patch_pytest", "d28_fake_summary_rc0", "d05_early_answers", "e45_memory_hunter")
    layers = ("namespaces", "landlock", "seccomp", "cgroup", "rlimits", "uid")
    with corpus.context(*layers, scratch=scratch) as made:
        for attack in [attack for attack in corpus.table() if attack.name in names]:
            found = corpus.run(attack, made)
            assert found["status"] in attack.expect, found


def test_the_time_budget_binds() -> None:
    policy = Policy(timing=Timing.NONE, attempts=1, schedule=Schedule(time_ms=(300.0, 300.0)))
    assert policy.budget.time_ms == 300
    source = b"import time\ndef run():\n    time.sleep(1)\n"
    assert deeds(source, limits=Limits(call_seconds=policy.budget.time_ms / 1e3)) == "timeout"
    assert deeds(source, limits=Limits(call_seconds=5.0)) is None
