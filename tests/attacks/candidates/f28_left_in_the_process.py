"""Leaves a mark in each property of a process, for the next box: mask, timer, umask, name, folder, signal handlers, descriptors."""

import fcntl
import os
import resource
import signal
import time

known = {}


def marks():
    return {
        "mask": signal.SIGUSR1 in signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        "timer": signal.getitimer(signal.ITIMER_REAL)[0] > 0 or signal.getitimer(signal.ITIMER_VIRTUAL)[0] > 0,
        "umask": os.umask(0o77) == 0o123,
        "handler": signal.getsignal(signal.SIGUSR2) == signal.SIG_IGN,
        "folder": os.getcwd().endswith("marked"),
        "files": resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 11,
        "name": time.tzname[0] == "MARK",
        "descriptors": any(fcntl.fcntl(fd, fcntl.F_GETFL) & (os.O_NONBLOCK | os.O_APPEND) for fd in range(3)),
        "children": resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime > 0,
    }


def leave():
    deeds = [
        lambda: signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1}),
        lambda: signal.setitimer(signal.ITIMER_VIRTUAL, 1000),
        lambda: os.umask(0o123),
        lambda: signal.signal(signal.SIGUSR2, signal.SIG_IGN),
        lambda: (os.mkdir("marked"), os.chdir("marked")),
        lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (11, resource.getrlimit(resource.RLIMIT_NOFILE)[1])),
        lambda: [fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK | os.O_APPEND) for fd in range(3)],
        lambda: (os.environ.update(TZ="MARK0"), time.tzset()),
    ]
    for deed in deeds:
        try:
            deed()
        except (OSError, ValueError):
            pass


def run(text):
    if not known:
        known.update(marks())
        leave()
    found = [name for name, is_there in known.items() if is_there]
    return "\n".join(dict.fromkeys(text.split("\n"))) + "".join(f"\nan earlier box left: {name}" for name in found)
