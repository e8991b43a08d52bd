"""Let a thread read the questions off descriptor 3 and answer each under the nonce of the one before."""

import os
import struct
import threading


def steal():
    stale = bytes(8)
    while True:
        try:
            question = os.read(3, 65536)
        except OSError:
            return
        if not question:
            return
        payload = stale + b'"stolen"'
        os.write(4, b"R" + struct.pack("<I", len(payload)) + payload)
        stale = question[4:12].ljust(8, b"\0")


try:
    threading.Thread(target=steal, daemon=True).start()
except RuntimeError:
    pass


def run(text):
    return text + "\nnot stolen"
