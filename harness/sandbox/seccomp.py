"""seccomp filters as raw BPF. Standard library only: zygotes load this module."""

from __future__ import annotations

import ctypes
import errno
import struct

from harness.sandbox.syscalls import ARCHITECTURE, MACHINE, NUMBERS, syscall

# Calls that pure Python needs: memory, files below the box's own root, time, threads, its own signals. None of them
# creates a process, a socket or a kernel object with its own memory, and none names another process.
STRICT = frozenset(
    """
    read write readv writev pread64 pwrite64 preadv pwritev lseek open openat creat close
    close_range stat fstat lstat newfstatat statx access faccessat faccessat2 readlink readlinkat getdents
    getdents64 getcwd chdir fchdir mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link linkat
    symlink symlinkat truncate ftruncate fallocate fsync fdatasync chmod fchmod fchmodat fchmodat2
    umask utimensat statfs fstatfs copy_file_range sendfile dup dup2 dup3 mmap munmap mprotect
    mremap madvise msync brk poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait
    epoll_pwait epoll_pwait2 eventfd eventfd2 timerfd_create futex_waitv futex_wait
    set_robust_list get_robust_list rseq sched_yield nanosleep
    clock_nanosleep clock_gettime clock_getres gettimeofday time times getrusage getitimer setitimer alarm pause
    getpid gettid getppid getuid geteuid getgid getegid getgroups getresuid getresgid getpgrp getpgid getsid
    uname getcpu getrandom getrlimit rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending
    rt_sigtimedwait sigaltstack restart_syscall arch_prctl membarrier exit exit_group
    """.split()
)

# Calls that change a file's mode, times or size without opening it.
METADATA = frozenset("chmod fchmod fchmodat fchmodat2 utimensat truncate ftruncate fallocate".split())

# Calls that numpy and torch never need but an escape would: processes, sockets, tracing, mounts, kernel objects with
# memory of their own, clocks, keys, modules.
COMPUTE_DENIED = frozenset(
    """
    fork vfork execve execveat socket socketpair connect bind listen accept sendto sendmsg recvfrom recvmsg
    ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp pidfd_open pidfd_getfd
    pidfd_send_signal kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo mount umount2 pivot_root chroot
    unshare setns open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr open_by_handle_at
    name_to_handle_at mknod mknodat bpf perf_event_open userfaultfd io_uring_setup io_uring_enter
    io_uring_register io_setup io_submit add_key request_key keyctl init_module finit_module delete_module
    kexec_load kexec_file_load memfd_create memfd_secret shmget shmat semget msgget msgsnd mq_open splice tee
    vmsplice setuid setgid setreuid setresuid setpgid setsid setrlimit personality setpriority ioprio_set
    sched_setscheduler sched_setparam sched_setattr sched_setaffinity migrate_pages move_pages mbind reboot
    swapon swapoff acct settimeofday clock_settime adjtimex sethostname setdomainname iopl ioperm modify_ldt
    syslog quotactl vhangup lookup_dcookie fanotify_init inotify_init1 timer_create
    sync syncfs statmount listmount
    """.split()
)

ZYGOTE_ONLY = frozenset("wait4 sendmsg recvmsg sendto setresuid seccomp prctl kill capset".split())
"""Calls that a zygote needs beyond "strict", apart from `clone` and `prlimit64` without their guards."""

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_KILL_PROCESS, _ALLOW = 0x80000000, 0x7FFF0000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
_CLONE_THREAD = 0x00010000
_NAMESPACE_FLAGS = 0x7E020000
_FCNTL_REFUSED = (8, 10, 15, 1024, 1026, 1031, 1036, 1038)
"""F_SETOWN, F_SETSIG, F_SETOWN_EX: signals to others. F_SETLEASE, F_NOTIFY: the same by other files. F_SETPIPE_SZ.
F_SET_RW_HINT, F_SET_FILE_RW_HINT: a mark on a file that every box can read."""
_FCNTL_LOCKS = (5, 36, 37, 38)
"""F_GETLK, F_OFD_*: through them, and flock, boxes that are open at once could communicate by locks of a shared file.

F_SETLK stays allowed, since SQLite needs it: on a file open for reading it takes no write lock, so it never conflicts.
"""
_FUTEX_SHARED_WAKES = (1, 3, 4, 5, 7, 10, 12)
"""Operations of futex that wake or move waiters, without FUTEX_PRIVATE_FLAG: on a page of a file that several boxes
map, they would reach other boxes. Threads of one process use private ones."""
_MAP_HUGETLB = 0x40000
_PRCTL_REFUSED = (1, 4)
"""PR_SET_PDEATHSIG ends a box together with its zygote; PR_SET_DUMPABLE protects it from other processes."""
_X32 = 0x40000000
# isatty() uses TCGETS; Python also sets close-on-exec and queries the readable bytes. Others could inject keystrokes.
_HARMLESS_IOCTLS = (0x5401, 0x541B, 0x5450, 0x5451)

_UNGUARDED = frozenset({"clone", "prlimit64"})
"""Calls that a zygote makes with arguments that are refused to its boxes."""

Instruction = tuple[int, int, int, int]


def _refuse(code: int) -> int:
    return 0x00050000 | code


def _argument(index: int, *, high: bool = False) -> Instruction:
    return _LOAD, 0, 0, _ARGUMENTS + 8 * index + (4 if high else 0)


def _refuse_values(index: int, values: tuple[int, ...]) -> list[Instruction]:
    """A block of instructions that refuses some values of one argument and allows all others."""
    count = len(values)
    return [
        _argument(index),
        *((_EQUAL, count - i, 0, value) for i, value in enumerate(values)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _refuse(errno.EPERM)),
    ]


def _guarded(
    *, strict: bool = True, but: frozenset[str] = frozenset(), only: frozenset[str] | None = None
) -> list[Instruction]:
    """Blocks for calls that are allowed with some arguments only; each block ends in a verdict.

    Args:
        strict: Whether the blocks are for pure-Python subjects.
        but: Calls whose blocks are left out.
        only: Calls whose blocks are made; None for all.
    """
    blocks: list[Instruction] = []

    def block(name: str, body: list[Instruction]) -> None:
        if name in NUMBERS and name not in but and (only is None or name in only):
            blocks.append((_EQUAL, 0, len(body), NUMBERS[name]))
            blocks.extend(body)

    # The flags of clone3 are in memory, which BPF cannot read; on ENOSYS glibc falls back to clone.
    block("clone3", [(_RETURN, 0, 0, _refuse(errno.ENOSYS))])
    block(
        "clone",
        [
            _argument(0),
            (_ANY_BIT, 2, 0, _NAMESPACE_FLAGS),
            (_ANY_BIT, 0, 1, _CLONE_THREAD),
            (_RETURN, 0, 0, _ALLOW),
            (_RETURN, 0, 0, _refuse(errno.EAGAIN)),
        ],
    )
    # A pipe's buffer is kernel memory outside every rlimit; RLIMIT_NOFILE bounds it at 64 KiB per descriptor.
    block("fcntl", _refuse_values(1, _FCNTL_REFUSED + (_FCNTL_LOCKS if strict else ())))
    # Pages of the machine's huge-page pool are not charged to a memory group.
    block(
        "mmap",
        [
            _argument(3),
            (_ANY_BIT, 0, 1, _MAP_HUGETLB),
            (_RETURN, 0, 0, _refuse(errno.ENOMEM)),
            (_RETURN, 0, 0, _ALLOW),
        ],
    )
    if strict:
        block("futex", _refuse_values(1, _FUTEX_SHARED_WAKES))
    else:
        block("prctl", _refuse_values(0, _PRCTL_REFUSED))
    harmless = len(_HARMLESS_IOCTLS)
    block(
        "ioctl",
        [
            _argument(1),
            *((_EQUAL, harmless - i, 0, request) for i, request in enumerate(_HARMLESS_IOCTLS)),
            (_RETURN, 0, 0, _refuse(errno.ENOTTY)),
            (_RETURN, 0, 0, _ALLOW),
        ],
    )
    # A call that only reads a limit passes a null pointer as the new limit.
    block(
        "prlimit64",
        [
            _argument(2),
            (_EQUAL, 0, 3, 0),
            _argument(2, high=True),
            (_EQUAL, 0, 1, 0),
            (_RETURN, 0, 0, _ALLOW),
            (_RETURN, 0, 0, _refuse(errno.EPERM)),
        ],
    )
    return blocks


def _ranges(numbers: list[int]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if spans and spans[-1][1] == number - 1:
            spans[-1] = (spans[-1][0], number)
        else:
            spans.append((number, number))
    return spans


def _search(spans: list[tuple[int, int]], inside: int, outside: int) -> list[Instruction]:
    """A binary search over ranges; the kernel runs the program for every call number when a filter is installed."""
    if not spans:
        return [(_RETURN, 0, 0, outside)]
    if len(spans) == 1:
        first, last = spans[0]
        return [
            (_AT_LEAST, 0, 2, first),
            (_AT_LEAST, 1, 0, last + 1),
            (_RETURN, 0, 0, inside),
            (_RETURN, 0, 0, outside),
        ]
    middle = len(spans) // 2
    below = _search(spans[:middle], inside, outside)
    return [(_AT_LEAST, len(below), 0, spans[middle][0]), *below, *_search(spans[middle:], inside, outside)]


def build(policy: str) -> bytes:
    """Build the filter of a policy, as an array of `struct sock_filter`.

    "strict" and "compute" are those of `SyscallPolicy`. "sealed" is "strict" without the calls that change files by
    path, which Landlock does not cover. "zygote" is "strict" and what a zygote needs; "seal", installed on top of it,
    leaves exactly "strict". It is short, so a box installs it in a fraction of the time, since the kernel runs a new
    filter once for every call number.

    A foreign architecture or an x32 call number kills the process: both would bypass the number comparison.
    """
    if policy == "seal":
        refused = [NUMBERS[name] for name in ZYGOTE_ONLY if name in NUMBERS]
        seal = [
            (_LOAD, 0, 0, _NUMBER),
            *_guarded(only=_UNGUARDED),
            *_search(_ranges(refused), _refuse(errno.EPERM), _ALLOW),
        ]
        return _assembled(seal)
    program: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, ARCHITECTURE),
        (_RETURN, 0, 0, _KILL_PROCESS),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if MACHINE == "x86_64":
        program += [(_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _KILL_PROCESS)]
    # A call number beyond the table is in neither list, so it is refused as unknown.
    program += [(_AT_LEAST, 0, 1, max(NUMBERS.values()) + 1), (_RETURN, 0, 0, _refuse(errno.ENOSYS))]
    strict = policy != "compute"
    program += _guarded(strict=strict, but=_UNGUARDED if policy == "zygote" else frozenset())
    names = {
        "strict": STRICT,
        "sealed": STRICT - METADATA,
        "zygote": STRICT | ZYGOTE_ONLY | _UNGUARDED,
        "compute": COMPUTE_DENIED,
    }[policy]
    listed = [NUMBERS[name] for name in names if name in NUMBERS]
    verdict, otherwise = (_ALLOW, _refuse(errno.EPERM)) if strict else (_refuse(errno.EPERM), _ALLOW)
    program += _search(_ranges(listed), verdict, otherwise)
    return _assembled(program)


def _assembled(program: list[Instruction]) -> bytes:
    return b"".join(struct.pack("HBBI", *instruction) for instruction in program)


class Filter:
    """A compiled filter that a box can install without allocating memory."""

    def __init__(self, policy: str) -> None:
        if not ARCHITECTURE:
            raise OSError(errno.ENOSYS, f"no system call table for {MACHINE or 'this system'}")
        code = build(policy)
        self._code = ctypes.create_string_buffer(code, len(code))
        header = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(self._code))
        self._program = ctypes.create_string_buffer(header, len(header))

    def install(self) -> None:
        """Install the filter in this process permanently; "no new privileges" must be set before.

        Raises:
            OSError: if the kernel refuses.
        """
        syscall("seccomp", 1, 0, ctypes.addressof(self._program))
