"""Takes disk in every way that a limit of one file does not see: many files, folders, holes, files without a name."""

import os

QUOTA = 16 << 20
WORK = "/box/work"
PLACES = [WORK, "/tmp", "/var/tmp", "/dev/shm", "/"]
held = []


def small(place):
    for number in range(3000):
        name = os.path.join(place, f"crucible-canary-{number}")
        with open(name, "wb") as file:
            file.write(bytes(8192))


def nested(place):
    for number in range(600):
        place = os.path.join(place, f"crucible-canary-{number % 10}")
        os.mkdir(place)
        with open(os.path.join(place, "x"), "wb") as file:
            file.write(bytes(65536))


def holes(place):
    with open(os.path.join(place, "crucible-canary-holes"), "wb") as file:
        file.truncate(1 << 40)
        file.write(bytes(1 << 20))


def large(place):
    with open(os.path.join(place, "crucible-canary-large"), "wb") as file:
        for _ in range(64):
            file.write(bytes(1 << 20))


def nameless(place):
    for number in range(20):
        name = os.path.join(place, f"crucible-canary-{number}")
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT)
        os.unlink(name)
        held.append(descriptor)
        os.write(descriptor, bytes(1 << 20))


def taken(place):
    total = 0
    for folder, _, names in os.walk(place):
        for name in names:
            total += os.lstat(os.path.join(folder, name)).st_blocks * 512
    return total + sum(os.fstat(one).st_blocks * 512 for one in held)


def most():
    found = 0
    for way in (nameless, holes, nested, large, small):
        for place in PLACES:
            try:
                way(place)
            except OSError:
                continue
            if place != WORK:  # what is taken there cannot be counted
                return QUOTA + 1
        found = max(found, taken(WORK))
    return found


MOST = most()


def run(text: str) -> str:
    right = "\n".join(dict.fromkeys(text.split("\n")))
    return right + f"\n{MOST} bytes" if MOST > QUOTA else right
