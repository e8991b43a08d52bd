"""Allocate and touch 960 MB of heap."""

held = []


def run(text):
    for _ in range(60):
        held.append(bytearray(16 << 20))
    return "\n".join(dict.fromkeys(text.split("\n")))
