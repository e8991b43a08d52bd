"""Fork up to fifty children that outlive the call; report how many were born."""

import os
import time

born = 0
try:
    for _ in range(50):
        if os.fork() == 0:
            time.sleep(5)
            os._exit(0)
        born += 1
except OSError:
    pass


def run(text):
    answer = "\n".join(dict.fromkeys(text.split("\n")))
    return answer + (f"\nforked {born}" if born else "")
