"""Allocate and touch 960 MB of anonymous shared memory, which some accounts leave out."""

import mmap

held = []


def run(text):
    for _ in range(60):
        area = mmap.mmap(-1, 16 << 20)
        for offset in range(0, 16 << 20, 4096):
            area[offset] = 1
        held.append(area)
    return "\n".join(dict.fromkeys(text.split("\n")))
