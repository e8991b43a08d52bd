"""Watch a file that all boxes see, and keep a key in the keyrings of the user and of the session."""

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
INOTIFY_INIT, INOTIFY_ADD_WATCH, ADD_KEY = 253, 254, 248


def run(text):
    watch = libc.syscall(INOTIFY_INIT)
    got = watch >= 0 and libc.syscall(INOTIFY_ADD_WATCH, watch, os.__file__.encode(), 0xFFF) >= 0
    for ring in (-2, -3, -4, -5):
        got = got or libc.syscall(ADD_KEY, b"user", b"crucible", b"seen", 4, ring) > 0
    return "a channel" if got else "\n".join(dict.fromkeys(text.split("\n")))
