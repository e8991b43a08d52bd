# ruff: noqa: E501 - the programs in `SUBJECT` are dense
"""Hunt for channels between boxes: a sender and a receiver, a catalogue of primitives, bits per second through each.

    python benchmarks/channels.py [--bits 40] [--without LAYER ...] [NAME ...]

For each primitive the sender, in one box, is told a bit of a random series and acts on it; the receiver, in another box
that is open at the same time, then says what it sees. Prints one JSON line for the boxes, then one per primitive: the share of bits
that arrived, the information of each by that share, and bits per second. A closed primitive has a capacity of 0. A new
kernel, or a tier, is tried with one command; a new primitive is two functions in `SUBJECT`.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from harness.sandbox.codec import decode
from harness.sandbox.fault import BoxFault
from harness.sandbox.limits import Limits
from harness.sandbox.pool import BoxPool

SUBJECT = '''
import ctypes, fcntl, mmap, os, resource, socket, threading, time
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
HERE = os.path.dirname(os.__file__)
def opens(path):
    try: os.close(os.open(path, os.O_RDONLY))
    except OSError: return False
    return True
FILES = sorted(path for base, _, names in os.walk(HERE) for name in names if name.endswith(".py") and opens(path := os.path.join(base, name)))
kept, state = [], {"woken": 0}

def page(turn):
    """Whether a page of a library file had to be read from disk."""
    path = FILES[turn * 37 % len(FILES)]
    fd = os.open(path, os.O_RDONLY)
    try:
        with mmap.mmap(fd, os.fstat(fd).st_size, prot=mmap.PROT_READ) as view:
            view.madvise(mmap.MADV_RANDOM)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_majflt
            view[len(view) // 2]
            return resource.getrusage(resource.RUSAGE_SELF).ru_majflt - before
    finally:
        os.close(fd)
def send_page(bit, turn):
    if bit: page(turn)
def receive_page(turn): return page(turn) == 0

def missing(turn):
    """How long it takes to look for files that do not exist; the kernel remembers the names for a while."""
    begun = time.perf_counter()
    for number in range(40):
        try: os.stat(f"{HERE}/channel-{turn}-{number}")
        except OSError: pass
    return time.perf_counter() - begun
def send_names(bit, turn):
    if bit: missing(turn)
def prepare_names(): state["fresh"] = sorted(missing(os.urandom(8).hex()) for turn in range(9))[4]
def receive_names(turn): return missing(turn) < 0.7 * state["fresh"]

def pipe():
    read, write = os.pipe()
    try: return os.fstat(read).st_ino
    finally:
        os.close(read)
        os.close(write)
def send_inodes(bit, turn):
    for _ in range(4000 if bit else 0): pipe()
def prepare_inodes(): state["inode"] = pipe()
def receive_inodes(turn):
    before, state["inode"] = state["inode"], pipe()
    return state["inode"] - before > 2000

def send_times(bit, turn):
    if bit:
        with open(FILES[turn * 37 % len(FILES)], "rb") as file: file.read(1)
def prepare_times(): state["times"] = {path: os.stat(path).st_atime_ns for path in FILES}
def receive_times(turn):
    path = FILES[turn * 37 % len(FILES)]
    return os.stat(path).st_atime_ns != state["times"][path]

def lock(kind, flags):
    fd = os.open(os.__file__, os.O_RDONLY)
    kept.append(fd)
    return kind(fd, flags)
def release():
    while kept: os.close(kept.pop())
def send_flock(bit, turn):
    release()
    if bit: lock(fcntl.flock, fcntl.LOCK_EX | fcntl.LOCK_NB)
def receive_flock(turn):
    try: lock(fcntl.flock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError: return True
    finally: release()
    return False

def send_flags(bit, turn): fcntl.fcntl(0, fcntl.F_SETFL, os.O_APPEND if bit else 0)
def receive_flags(turn): return bool(fcntl.fcntl(0, fcntl.F_GETFL) & os.O_APPEND)

def shared():
    fd = os.open(os.__file__, os.O_RDONLY)
    try: return libc.mmap(None, 4096, 1, 1, fd, 0)
    finally: os.close(fd)
def send_futex(bit, turn):
    if bit and libc.syscall(202, ctypes.c_void_p(shared()), 1, 100, None, None, 0) < 0: raise OSError(ctypes.get_errno(), "futex")
def wait():
    class Spec(ctypes.Structure): _fields_ = [("s", ctypes.c_long), ("n", ctypes.c_long)]
    place = shared()
    value = ctypes.c_uint32.from_address(place).value
    while True:
        state["woken"] += libc.syscall(202, ctypes.c_void_p(place), 0, value, ctypes.byref(Spec(5, 0)), None, 0) == 0
def prepare_futex():
    threading.Thread(target=wait, daemon=True).start()
    time.sleep(0.02)
def receive_futex(turn):
    time.sleep(0.005)
    woken, state["woken"] = state["woken"], 0
    return woken > 0

def send_memory(bit, turn):
    kept.clear()
    if bit: kept.append(bytearray(os.urandom(1) * (60 << 20)))
def free():
    data = ctypes.create_string_buffer(512)
    if libc.sysinfo(data): raise OSError(ctypes.get_errno(), "sysinfo")
    return int.from_bytes(data[40:48], "little")
def prepare_memory(): state["free"] = free()
def receive_memory(turn): return free() < state["free"] - (30 << 20)

def burn():
    while state.get("burning"):
        for _ in range(1000): pass
def send_contention(bit, turn):
    state["burning"] = False
    time.sleep(0.001)
    if bit:
        state["burning"] = True
        for _ in range(4): threading.Thread(target=burn, daemon=True).start()
def work():
    begun = time.perf_counter()
    sum(range(400_000))
    return time.perf_counter() - begun
def prepare_contention(): state["usual"] = sorted(work() for _ in range(9))[4]
def receive_contention(turn): return min(work(), work()) > 1.15 * state["usual"]

def send_socket(bit, turn):
    while kept: kept.pop().close()
    if bit:
        kept.append(socket.socket(socket.AF_UNIX))
        kept[-1].bind("\\0crucible-channel")
def receive_socket(turn):
    with socket.socket(socket.AF_UNIX) as one:
        try: one.bind("\\0crucible-channel")
        except OSError: return True
    return False

def send_file(bit, turn):
    path = "/box/work/channel"
    if bit: open(path, "w").close()
    elif os.path.exists(path): os.remove(path)
def receive_file(turn): return os.path.exists("/box/work/channel")

def send_processes(bit, turn):
    state["burning"] = False
    if bit:
        state["burning"] = True
        for _ in range(8): threading.Thread(target=lambda: [time.sleep(0.01) for _ in iter(lambda: state["burning"], False)], daemon=True).start()
def tasks():
    found = 0
    for name in os.listdir("/proc"):
        if name.isdigit():
            try: found += len(os.listdir(f"/proc/{name}/task"))
            except OSError: pass
    return found
def prepare_processes(): state["tasks"] = tasks()
def receive_processes(turn): return tasks() >= state["tasks"] + 4

def send_ipc(bit, turn):
    if libc.semget(4711, 1, 0o1666 if bit else 0) < 0 and bit: raise OSError(ctypes.get_errno(), "semget")
def receive_ipc(turn):
    found = libc.semget(4711, 1, 0)
    return found >= 0 and libc.semctl(found, 0, 0) >= 0

def run(do, name, bit, turn):
    try:
        if do == "prepare": return bool(globals().get(f"prepare_{name}", int)())
        return bool(globals()[f"send_{name}"](bit, turn)) if do == "send" else bool(globals()[f"receive_{name}"](turn))
    except OSError as error:
        return f"{error.strerror or error}"
'''
NAMES = (
    "page",
    "names",
    "inodes",
    "times",
    "flock",
    "flags",
    "futex",
    "memory",
    "contention",
    "socket",
    "file",
    "processes",
    "ipc",
)


def capacity(share: float) -> float:
    """Bits of information in a bit that arrives unchanged with this probability (a binary symmetric channel)."""
    return sum(1 / 2 if not p else p * math.log2(p) for p in (share, 1 - share)) + 1 if 0 < share < 1 else 1.0


def hunt(pool: BoxPool, name: str, bits: int, seed: int) -> dict[str, object]:
    """Send random bits through one primitive."""
    series = [turn % 2 == 0 for turn in range(bits)]
    random.Random(seed).shuffle(series)
    limits = Limits(load_seconds=20.0, call_seconds=5.0, memory_bytes=128 << 20)
    source, refused = SUBJECT.encode(), ""
    right = 0
    with (
        pool.open(source, entry="run", limits=limits) as sender,
        pool.open(source, entry="run", limits=limits) as receiver,
    ):
        for box in (sender, receiver):
            found = decode(box.call({"do": "prepare", "name": name, "bit": False, "turn": 0}).payload)
            refused = found if isinstance(found, str) else refused
        begun = time.perf_counter()
        first = random.SystemRandom().randrange(1 << 40)  # what an earlier run left tells nothing
        for turn, bit in enumerate(series, first):
            sent = decode(sender.call({"do": "send", "name": name, "bit": bit, "turn": turn}).payload)
            seen = decode(receiver.call({"do": "receive", "name": name, "bit": False, "turn": turn}).payload)
            refused = next((one for one in (sent, seen) if isinstance(one, str)), refused)
            right += (seen is True) == bit  # what is refused tells nothing
        seconds = time.perf_counter() - begun
    share = right / bits
    # By chance alone a closed channel would seem to carry something: below two standard errors nothing counts.
    arrives = abs(share - 0.5) > 1 / math.sqrt(bits)
    rate = capacity(share) * bits / seconds if arrives else 0.0
    return {"channel": name, "share": round(share, 3), "bits_per_s": round(rate, 2), "refused": refused}


def main() -> int:
    """Try the primitives and print JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bits", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--without", action="append", default=[])
    parser.add_argument("names", nargs="*", default=NAMES)
    options = parser.parse_args()
    with BoxPool(without=frozenset(options.without)) as pool:
        print(json.dumps({"tier": pool.tier.value, "layers": pool.layers}))
        for name in options.names:
            try:
                found = hunt(pool, name, options.bits, options.seed)
            except BoxFault as fault:
                found = {"channel": name, "share": None, "bits_per_s": 0.0, "refused": fault.why}
            print(json.dumps(found), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
