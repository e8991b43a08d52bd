"""Clock: the time that a subject reads. Standard library only.

A candidate that is slow, or wrong, in some hours only would be judged in one hour and pass. So the clocks of a box move
between two questions: the date by chance, to at most `YEARS` from the machine's, and the monotonic clocks forward by at
most `DAYS`. What depends on the time is seen at as many times as there are calls. Within a call time passes as usual.

The functions are made like the guard's hook: all values that they use are constants of their code, which a guarded box
gives to no subject. Where a tool forbids nothing, a subject can read the machine's clock by other ways (`ctypes`, the
times of its own files).
"""

from __future__ import annotations

import datetime
import errno
import gc
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from harness.sandbox.filled_code import made

YEARS = 10
DAYS = 7
_DAY = 86_400 * 10**9
_WALL, _MONOTONIC = 0, 1
_PLAIN = (("time", _WALL), ("monotonic", _MONOTONIC), ("perf_counter", _MONOTONIC))
_WALL_IDS = ("CLOCK_REALTIME", "CLOCK_TAI")
_CPU_IDS = ("CLOCK_PROCESS_CPUTIME_ID", "CLOCK_THREAD_CPUTIME_ID")
_LINUX_WALL_IDS = (5, 8)  # CLOCK_REALTIME_COARSE and CLOCK_REALTIME_ALARM, which `time` does not name


def install() -> Callable[[], None]:
    """Replace what reads a clock in `time`, `datetime` and `os`, before any module holds such a function.

    Returns:
        What moves the clocks of this process by chance; until it is called they are the machine's.
    """
    shifts = [0, 0]
    ids = [getattr(time, name) for name in (*_WALL_IDS, *_CPU_IDS) if hasattr(time, name)]
    values: dict[str, Any] = {
        "@shifts": shifts,
        "@urandom": os.urandom,
        "@integer": int.from_bytes,
        "@years": YEARS * 365 * _DAY,
        "@days": DAYS * _DAY,
        "@index": int.__index__,
        "@error": OSError,
        "@invalid": errno.EINVAL,
        "@wall_ids": frozenset(ids[: -len(_CPU_IDS)] + [*_LINUX_WALL_IDS] * (sys.platform == "linux")),
        "@cpu_ids": frozenset(ids[-len(_CPU_IDS) :]),
        "@utc": datetime.UTC,
    }
    for name, at in _PLAIN:
        read = getattr(time, f"{name}_ns")
        values |= {"@read": read, "@at": at}
        setattr(time, name, made(_seconds, name, values))
        setattr(time, f"{name}_ns", made(_nanoseconds, f"{name}_ns", values))
    values["@read"] = time.clock_gettime_ns
    time.clock_gettime, time.clock_gettime_ns = (
        made(_seconds_by_id, "clock_gettime", values),
        made(_nanoseconds_by_id, "clock_gettime_ns", values),
    )
    values |= {"@now": time.time, "@monotonic": time.monotonic, "@local": time.localtime}
    for name in ("localtime", "gmtime", "ctime"):
        setattr(time, name, made(_of_seconds, name, values | {"@read": getattr(time, name)}))
    time.asctime = made(_asctime, "asctime", values | {"@read": time.asctime})
    time.strftime = made(_strftime, "strftime", values | {"@read": time.strftime})
    for module in (os, sys.modules[os.name]):
        vars(module)["times"] = made(_times, "times", values | {"@read": os.times, "@type": os.times_result})
    members = gc.get_referents(vars(datetime.datetime))[0]  # the type is immutable, its dictionary is not
    members["now"] = classmethod(made(_now, "now", values))
    members["utcnow"] = classmethod(made(_utcnow, "utcnow", values))
    move: Callable[[], None] = made(_move, "move", values)
    return move


# Each constant that begins with @ is replaced by a value: the code refers to no variable outside of it. The shifts are
# not a local variable: `traceback` and `inspect` show a subject those of a frame below it, and of one that failed.


def _move() -> None:
    urandom: Any = "@urandom"
    integer: Any = "@integer"
    years: Any = "@years"
    days: Any = "@days"
    "@shifts"[0] = integer(urandom(8), "little") % (2 * years) - years  # type: ignore[index]
    "@shifts"[1] += integer(urandom(8), "little") % days  # type: ignore[index]


def _nanoseconds() -> int:
    read: Any = "@read"
    at: Any = "@at"
    return read() + "@shifts"[at]  # type: ignore[no-any-return]


def _seconds() -> float:
    read: Any = "@read"
    at: Any = "@at"
    return (read() + "@shifts"[at]) / 1e9  # type: ignore[no-any-return]


def _nanoseconds_by_id(clk_id: int, /) -> int:
    read: Any = "@read"
    index: Any = "@index"
    error: Any = "@error"
    number = index(clk_id)
    if number < 0:  # the CPU clock of any process that has the number
        raise error("@invalid", "Invalid argument")
    if number in "@cpu_ids":
        return read(number)  # type: ignore[no-any-return]
    return read(number) + "@shifts"[number not in "@wall_ids"]  # type: ignore[no-any-return]


def _seconds_by_id(clk_id: int, /) -> float:
    read: Any = "@read"
    index: Any = "@index"
    error: Any = "@error"
    number = index(clk_id)
    if number < 0:  # the CPU clock of any process that has the number
        raise error("@invalid", "Invalid argument")
    if number in "@cpu_ids":
        return read(number) / 1e9  # type: ignore[no-any-return]
    return (read(number) + "@shifts"[number not in "@wall_ids"]) / 1e9  # type: ignore[no-any-return]


def _of_seconds(seconds: float | None = None, /) -> Any:
    read: Any = "@read"
    now: Any = "@now"
    return read(now() if seconds is None else seconds)


def _asctime(moment: Any = None, /) -> Any:
    read: Any = "@read"
    now: Any = "@now"
    local: Any = "@local"
    return read(local(now()) if moment is None else moment)


def _strftime(form: str, moment: Any = None, /) -> Any:
    read: Any = "@read"
    now: Any = "@now"
    local: Any = "@local"
    return read(form, local(now()) if moment is None else moment)


def _times() -> Any:
    read: Any = "@read"
    monotonic: Any = "@monotonic"
    kind: Any = "@type"
    return kind((*read()[:4], monotonic()))


def _now(cls: Any, tz: Any = None) -> Any:
    now: Any = "@now"
    return cls.fromtimestamp(now(), tz)


def _utcnow(cls: Any) -> Any:
    now: Any = "@now"
    return cls.fromtimestamp(now(), "@utc").replace(tzinfo=None)
