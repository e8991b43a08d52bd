"""A kernel whose host code takes disk: many files, folders, a file with holes, files without a name, its own log."""

import os

PLACES = [".", "..", "/tmp", "/dev/shm", "/var/tmp"]


def small(place):
    for number in range(2000):
        with open(f"{place}/crucible-canary-{number}", "wb") as file:
            yield file.write(bytes(4096))


def nested(place):
    for number in range(20):
        place += f"/crucible-canary-{number}"
        os.mkdir(place)
        with open(f"{place}/x", "wb") as file:
            yield file.write(bytes(1 << 20))


def holes(place):
    with open(f"{place}/crucible-canary-holes", "wb") as file:
        yield file.truncate(1 << 34)


def nameless(place):
    for number in range(20):
        held = os.open(f"{place}/crucible-canary-{number}", os.O_RDWR | os.O_CREAT)
        os.unlink(f"{place}/crucible-canary-{number}")
        yield os.write(held, bytes(1 << 20))


def copies(_place):
    for number in range(3, 64):
        yield os.pwrite(number, bytes(1 << 20), 0)


def log(_place):
    descriptor = os.open("/proc/self/fd/2", os.O_WRONLY)
    yield os.pwrite(descriptor, bytes(1 << 20), 1 << 30)


def run():
    total = 0
    for way in (small, nested, holes, nameless, copies, log):
        for place in PLACES:
            try:
                for size in way(place):
                    total += size
            except OSError:
                pass
    raise ValueError(f"took {total} bytes")
