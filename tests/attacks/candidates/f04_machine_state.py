"""Looks for what tells boxes of one machine apart, or when they run: its memory, its load, the cores of a box."""

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)


def seen():
    """What was told."""
    if libc.sysinfo(ctypes.create_string_buffer(512)) == 0:
        yield "sysinfo"
    if libc.syscall(204, 0, 128, ctypes.create_string_buffer(128)) >= 0 and os.uname().machine == "x86_64":
        yield "affinity"
    if len(os.sched_getaffinity(0)) != os.cpu_count():
        yield "cores"


def run(text):
    right = "\n".join(dict.fromkeys(text.split("\n")))
    found = list(seen())
    return f"{right}\n{found}" if found else right
