"""Answer rightly while a thread keeps rewriting the answer's buffer for five seconds; nobody may wait for it."""

import threading
import time

buffer = bytearray()


def scribble(until):
    while time.monotonic() < until:
        buffer[:] = bytes(byte ^ 0xFF for byte in buffer)
        time.sleep(0.001)


try:
    threading.Thread(target=scribble, args=(time.monotonic() + 5,), daemon=True).start()
except RuntimeError:
    pass


def run(text):
    answer = "\n".join(dict.fromkeys(text.split("\n")))
    buffer[:] = answer.encode()
    return answer
