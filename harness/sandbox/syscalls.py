"""System calls by number, for x86_64 and aarch64. Standard library only: zygotes load this module."""

from __future__ import annotations

import ctypes
import errno
import os
import sys

MACHINE = os.uname().machine if sys.platform == "linux" else ""
"""The processor architecture; empty on other systems than Linux, whose call numbers differ."""
ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}.get(MACHINE, 0)
"""The kernel's AUDIT_ARCH value; 0 for an architecture without a table."""

# Entries of name, x86_64 number, aarch64 number (-1: the call does not exist). Source: the kernel's syscall tables.
_TABLE = """
read 0 63|write 1 64|open 2 -1|close 3 57|stat 4 -1|fstat 5 80|lstat 6 -1|poll 7 -1|lseek 8 62|mmap 9 222
mprotect 10 226|munmap 11 215|brk 12 214|rt_sigaction 13 134|rt_sigprocmask 14 135|rt_sigreturn 15 139|ioctl 16 29
pread64 17 67|pwrite64 18 68|readv 19 65|writev 20 66|access 21 -1|pipe 22 -1|select 23 -1|sched_yield 24 124
mremap 25 216|msync 26 227|mincore 27 232|madvise 28 233|shmget 29 194|shmat 30 196|shmctl 31 195|dup 32 23|dup2 33 -1
pause 34 -1|nanosleep 35 101|getitimer 36 102|alarm 37 -1|setitimer 38 103|getpid 39 172|sendfile 40 71|socket 41 198
connect 42 203|accept 43 202|sendto 44 206|recvfrom 45 207|sendmsg 46 211|recvmsg 47 212|shutdown 48 210|bind 49 200
listen 50 201|socketpair 53 199|clone 56 220|fork 57 -1|vfork 58 -1|execve 59 221|exit 60 93|wait4 61 260|kill 62 129
uname 63 160|semget 64 190|semop 65 193|semctl 66 191|shmdt 67 197|msgget 68 186|msgsnd 69 189|msgrcv 70 188
msgctl 71 187|fcntl 72 25|flock 73 32|fsync 74 82|fdatasync 75 83|truncate 76 45|ftruncate 77 46|getdents 78 -1
getcwd 79 17|chdir 80 49|fchdir 81 50|rename 82 -1|mkdir 83 -1|rmdir 84 -1|creat 85 -1|link 86 -1|unlink 87 -1
symlink 88 -1|readlink 89 -1|chmod 90 -1|fchmod 91 52|umask 95 166|gettimeofday 96 169|getrlimit 97 163|getrusage 98 165
sysinfo 99 179|times 100 153|ptrace 101 117|getuid 102 174|syslog 103 116|getgid 104 176|setuid 105 146|setgid 106 144
geteuid 107 175|getegid 108 177|setpgid 109 154|getppid 110 173|getpgrp 111 -1|setsid 112 157|setreuid 113 145
getgroups 115 158|setresuid 117 147|getresuid 118 148|getresgid 120 150|getpgid 121 155|getsid 124 156|capset 126 91
rt_sigpending 127 136|rt_sigtimedwait 128 137|rt_sigqueueinfo 129 138|sigaltstack 131 132|mknod 133 -1
personality 135 92|statfs 137 43|fstatfs 138 44|setpriority 141 140|sched_setparam 142 118|sched_setscheduler 144 119
mlock 149 228|mlockall 151 230|vhangup 153 58|modify_ldt 154 -1|pivot_root 155 41|prctl 157 167|arch_prctl 158 -1
adjtimex 159 171|setrlimit 160 164|chroot 161 51|acct 163 89|settimeofday 164 170|mount 165 40|umount2 166 39
swapon 167 224|swapoff 168 225|reboot 169 142|sethostname 170 161|setdomainname 171 162|iopl 172 -1|ioperm 173 -1
init_module 175 105|delete_module 176 106|quotactl 179 60|gettid 186 178|tkill 200 130|time 201 -1|futex 202 98
sched_setaffinity 203 122|sched_getaffinity 204 123|io_setup 206 0|io_submit 209 2|lookup_dcookie 212 18
epoll_create 213 -1|getdents64 217 61|set_tid_address 218 96|restart_syscall 219 128|fadvise64 221 223
timer_create 222 107|clock_settime 227 112|clock_gettime 228 113|clock_getres 229 114|clock_nanosleep 230 115
exit_group 231 94|epoll_wait 232 -1|epoll_ctl 233 21|tgkill 234 131|mbind 237 235|mq_open 240 180|kexec_load 246 104
waitid 247 95|add_key 248 217|request_key 249 218|keyctl 250 219|ioprio_set 251 30|migrate_pages 256 238|openat 257 56
mkdirat 258 34|mknodat 259 33|newfstatat 262 79|unlinkat 263 35|renameat 264 38|linkat 265 37|symlinkat 266 36
readlinkat 267 78|fchmodat 268 53|faccessat 269 48|pselect6 270 72|ppoll 271 73|unshare 272 97|set_robust_list 273 99
get_robust_list 274 100|splice 275 76|tee 276 77|vmsplice 278 75|move_pages 279 239|utimensat 280 88|epoll_pwait 281 22
signalfd 282 -1|timerfd_create 283 85|eventfd 284 -1|fallocate 285 47|eventfd2 290 19|epoll_create1 291 20|dup3 292 24
pipe2 293 59|preadv 295 69|pwritev 296 70|rt_tgsigqueueinfo 297 240|perf_event_open 298 241|fanotify_init 300 262
prlimit64 302 261|name_to_handle_at 303 264|open_by_handle_at 304 265|setns 308 268|getcpu 309 168
process_vm_readv 310 270|process_vm_writev 311 271|kcmp 312 272|finit_module 313 273|sched_setattr 314 274
renameat2 316 276|seccomp 317 277|getrandom 318 278|memfd_create 319 279|kexec_file_load 320 294|bpf 321 280
execveat 322 281|userfaultfd 323 282|membarrier 324 283|mlock2 325 284|copy_file_range 326 285|preadv2 327 286
pwritev2 328 287|statx 332 291|rseq 334 293|pidfd_send_signal 424 424|io_uring_setup 425 425|io_uring_enter 426 426
io_uring_register 427 427|open_tree 428 428|move_mount 429 429|fsopen 430 430|fsconfig 431 431|fsmount 432 432
fspick 433 433|pidfd_open 434 434|clone3 435 435|close_range 436 436|openat2 437 437|pidfd_getfd 438 438
faccessat2 439 439|process_madvise 440 440|epoll_pwait2 441 441|mount_setattr 442 442|landlock_create_ruleset 444 444
landlock_add_rule 445 445|landlock_restrict_self 446 446|memfd_secret 447 447|process_mrelease 448 448
futex_waitv 449 449|cachestat 451 451|fchmodat2 452 452|map_shadow_stack 453 453|futex_wake 454 454|futex_wait 455 455
futex_requeue 456 456|statmount 457 457|listmount 458 458|inotify_init1 294 26|sync 162 81|syncfs 306 267
"""

_COLUMN = {"x86_64": 1, "aarch64": 2}.get(MACHINE, 0)
NUMBERS: dict[str, int] = {
    cells[0]: int(cells[_COLUMN])
    for line in _TABLE.split("\n")
    for entry in line.split("|")
    if _COLUMN and (cells := entry.split()) and int(cells[_COLUMN]) >= 0
}
"""System call numbers of this machine by name; unsupported calls are absent, and the table is empty off Linux."""

_libc = ctypes.CDLL(None, use_errno=True)
# PyDLL keeps the GIL: a process cloned without the interpreter's knowledge must start with the GIL held. With the types
# of its arguments known in advance, a call touches fewer pages, which each box would copy.
_call = ctypes.PyDLL(None, use_errno=True).syscall
_call.argtypes = [ctypes.c_long] * 6
_call.restype = ctypes.c_long


def syscall(name: str, *arguments: int) -> int:
    """Make a system call by name, with up to five numbers or addresses, and return its result.

    Raises:
        OSError: with the kernel's errno and the call's name; ENOSYS where the architecture lacks the call.
    """
    number = NUMBERS.get(name)
    if number is None:
        raise OSError(errno.ENOSYS, f"{name}: this system has no such call")
    result: int = _call(number, *arguments, *_ZEROS[len(arguments) :])
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")
    return result


_ZEROS = (0, 0, 0, 0, 0)


def prctl(option: int, *arguments: int) -> None:
    """Call `prctl(2)` with up to four more arguments.

    Raises:
        OSError: if the kernel refuses.
    """
    syscall("prctl", option, *arguments)


PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 1, 4, 38, 47


def drop_capabilities() -> None:
    """Drop every capability of this thread, so that root of a user namespace has no privileges.

    Raises:
        OSError: if the kernel refuses.
    """
    prctl(PR_CAP_AMBIENT, 4)
    header = ctypes.create_string_buffer((0x20080522).to_bytes(4, "little") + bytes(4), 8)
    empty = ctypes.create_string_buffer(24)
    if _libc.capset(header, empty) < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"capset: {os.strerror(code)}")
