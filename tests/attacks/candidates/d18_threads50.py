"""Leave fifty sleeping threads behind; the end of the run must not wait for them."""

import threading
import time

try:
    for _ in range(50):
        threading.Thread(target=time.sleep, args=(5,), daemon=True).start()
except RuntimeError:
    pass


def run(text):
    return "\n".join(dict.fromkeys(text.split("\n")))
