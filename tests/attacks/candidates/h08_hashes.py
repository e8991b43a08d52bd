"""Keys its table by digests."""

import hashlib


def run(text):
    table = {}
    for line in text.split("\n"):
        table.setdefault(hashlib.sha256(line.encode("utf-8", "surrogatepass")).digest(), line)
    return "\n".join(table.values())
