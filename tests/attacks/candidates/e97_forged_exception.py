"""Report exceptions whose type is a number of 80,000 bits, a deep list, a table or null instead of a name."""

import os
import struct
import sys

TYPES = (b'{"$int":"0x' + b"f" * 20_000 + b'"}', b"[" * 1900 + b"]" * 1900, b'{"a":[1]}', b"null")


def run(text):
    nonce = sys._getframe(1).f_locals["nonce"]
    for turn in range(10**6):
        body = b'{"type":' + TYPES[turn % 4] + b"}"
        os.write(4, struct.pack("<cI", b"E" if turn % 3 else b"U", 8 + len(body)) + nonce + body)
        nonce = os.read(3, 1 << 20)[5:13]
