"""The filters do what their lists say, checked by running the BPF program against every system call number."""

from __future__ import annotations

import errno
import struct
from collections.abc import Callable

import pytest

from harness.sandbox.seccomp import COMPUTE_DENIED, METADATA, STRICT, ZYGOTE_ONLY, build
from harness.sandbox.syscalls import ARCHITECTURE, MACHINE, NUMBERS

pytestmark = pytest.mark.skipif(not ARCHITECTURE, reason=f"no system call table for {MACHINE}")
ALLOW, KILL = 0x7FFF0000, 0x80000000


def refuse(code: int) -> int:
    return 0x00050000 | code


def run(program: bytes, number: int, *arguments: int, architecture: int = ARCHITECTURE) -> int:
    """What the kernel would do with one call: a BPF machine for the instructions seccomp filters use."""
    padded = (*arguments, *([0] * (6 - len(arguments))))
    data = struct.pack("<IIQ6Q", number, architecture, 0, *padded)
    accumulator, counter = 0, 0
    code = [struct.unpack_from("HBBI", program, at) for at in range(0, len(program), 8)]
    while True:
        op, when_true, when_false, value = code[counter]
        counter += 1
        if op == 0x06:
            return value
        if op == 0x20:
            accumulator = struct.unpack_from("<I", data, value)[0]
        else:
            taken = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}[op]
            counter += when_true if taken else when_false


GUARDED = {"clone", "clone3", "fcntl", "ioctl", "prlimit64", "mmap"}


@pytest.mark.parametrize("policy", ["strict", "sealed", "compute"])
def test_every_call_gets_the_verdict_of_its_list(policy: str) -> None:
    program = build(policy)
    names = {number: name for name, number in NUMBERS.items()}
    for number in range(500):
        name = names.get(number, "")
        if (
            name in GUARDED
            or (name == "futex" and policy in ("strict", "sealed"))
            or (name == "prctl" and policy == "compute")
        ):
            continue
        allowed = {
            "strict": name in STRICT,
            "sealed": name in STRICT - METADATA,
            "compute": name not in COMPUTE_DENIED,
        }[policy]
        refusal = refuse(errno.ENOSYS if number > max(names) else errno.EPERM)
        assert run(program, number) == (ALLOW if allowed and number <= max(names) else refusal), (number, name)


@pytest.mark.parametrize("policy", ["strict", "sealed", "zygote"])
def test_only_private_futexes_wake(policy: str) -> None:
    program = build(policy)
    for operation in (1, 3, 4, 5, 7, 10, 12):
        assert run(program, NUMBERS["futex"], 0, operation) == refuse(errno.EPERM)
        assert run(program, NUMBERS["futex"], 0, operation | 128) == ALLOW
    assert run(program, NUMBERS["futex"], 0, 0) == ALLOW  # a wait wakes nobody


@pytest.mark.parametrize("policy", ["strict", "sealed", "compute"])
def test_threads_are_allowed_and_processes_are_not(policy: str) -> None:
    program = build(policy)
    thread = 0x003D0F00  # what pthread_create passes, CLONE_THREAD among them
    assert run(program, NUMBERS["clone"], thread) == ALLOW
    assert run(program, NUMBERS["clone"], 17) == refuse(errno.EAGAIN)
    assert run(program, NUMBERS["clone"], thread | 0x10000000) == refuse(errno.EAGAIN)
    assert run(program, NUMBERS["clone3"], 0) == refuse(errno.ENOSYS)


@pytest.mark.parametrize("policy", ["strict", "sealed", "compute"])
def test_arguments_decide_where_a_call_has_two_faces(policy: str) -> None:
    program = build(policy)
    assert run(program, NUMBERS["fcntl"], 3, 1) == ALLOW
    assert run(program, NUMBERS["fcntl"], 3, 1031) == refuse(errno.EPERM)
    for command in (8, 10, 15, 1024, 1026, 1036, 1038):
        assert run(program, NUMBERS["fcntl"], 3, command) == refuse(errno.EPERM)
    assert run(program, NUMBERS["mmap"], 0, 4096, 3, 0x22) == ALLOW
    assert run(program, NUMBERS["mmap"], 0, 4096, 3, 0x40022) == refuse(errno.ENOMEM)
    if policy == "compute":
        assert run(program, NUMBERS["prctl"], 1, 0) == refuse(errno.EPERM)
        assert run(program, NUMBERS["prctl"], 15, 0) == ALLOW
    assert run(program, NUMBERS["ioctl"], 0, 0x5401) == ALLOW
    assert run(program, NUMBERS["ioctl"], 0, 0x5412) == refuse(errno.ENOTTY)  # TIOCSTI
    assert run(program, NUMBERS["ioctl"], 0, 0xC020462A) == refuse(errno.ENOTTY)
    assert run(program, NUMBERS["prlimit64"], 0, 7, 0, 1) == ALLOW
    assert run(program, NUMBERS["prlimit64"], 0, 7, 0x1000, 0) == refuse(errno.EPERM)
    assert run(program, NUMBERS["prlimit64"], 0, 7, 1 << 40, 0) == refuse(errno.EPERM)


def together(*programs: bytes) -> Callable[..., int]:
    """What several installed filters do with one call: the kernel takes the most severe verdict."""

    def verdict(number: int, *arguments: int, architecture: int = ARCHITECTURE) -> int:
        verdicts = [run(program, number, *arguments, architecture=architecture) for program in programs]
        return min(verdicts, key=lambda value: value - (1 << 32) if value >> 31 else value)

    return verdict


ARGUMENTS = (
    (),
    (0x003D0F00,),
    (17,),
    (0x003D0F00 | 0x10000000,),
    *((3, command) for command in (1, 8, 10, 15, 1024, 1026, 1031, 0x5401, 0x5412)),
    (0, 7, 0x1000, 0),
    (0, 7, 1 << 40, 0),
    (0, 7, 0, 1),
    (0, 4096, 3, 0x40022),
    (0, 4096, 3, 0x22),
)


def test_the_filter_of_a_zygote_and_the_seal_of_a_box_are_together_the_strict_one() -> None:
    both, strict = together(build("seal"), build("zygote")), build("strict")
    numbers = [*range(500), 0x40000000 | NUMBERS["read"], 0xFFFFFFFF]
    for number in numbers:
        for arguments in ARGUMENTS:
            assert both(number, *arguments) == run(strict, number, *arguments), (number, arguments)
    assert both(NUMBERS["read"], architecture=0x40000003) == KILL


def test_a_zygote_may_fork_and_reap_but_not_more() -> None:
    program = build("zygote")
    names = {number: name for name, number in NUMBERS.items()}
    more = {
        names.get(number)
        for number in range(500)
        for arguments in ARGUMENTS
        if run(program, number, *arguments) == ALLOW != run(build("strict"), number, *arguments)
    }
    assert more == {"clone", "prlimit64", *ZYGOTE_ONLY}
    assert not more & {"execve", "socket", "ptrace", "mount", "umount2", "unshare", "setns", "pidfd_open", "bpf"}


def test_foreign_architectures_and_x32_numbers_kill() -> None:
    program = build("strict")
    assert run(program, NUMBERS["read"], architecture=0x40000003) == KILL
    if MACHINE == "x86_64":
        assert run(program, 0x40000000 | NUMBERS["read"]) == KILL


def test_the_lists_name_only_calls_the_table_knows() -> None:
    from harness.sandbox.syscalls import _TABLE

    known = {entry.split()[0] for line in _TABLE.splitlines() for entry in line.split("|") if entry.strip()}
    assert known >= STRICT | COMPUTE_DENIED | ZYGOTE_ONLY
