"""A granted command that takes disk by the way its argument names, and then waits to be ended."""

import os
import sys
import time

held = []


def small():
    for number in range(400):
        with open(f"small-{number}", "wb") as file:
            file.write(b"x")


def nested():
    for number in range(40):
        os.makedirs("a/" * (1 + number % 20), exist_ok=True)
        with open("a/" * (1 + number % 20) + str(number), "wb") as file:
            file.write(bytes(100_000))


def holes():
    with open("holes", "wb") as file:
        file.truncate(3 << 20)


def nameless():
    for number in range(4):
        held.append(os.open(str(number), os.O_RDWR | os.O_CREAT))
        os.unlink(str(number))
        os.write(held[-1], bytes(1 << 20))


globals()[sys.argv[1]]()
if sys.argv[2:]:
    time.sleep(300)
