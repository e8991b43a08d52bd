"""Signal the parent, process 1 and everybody (harmlessly, SIGCONT); report when not being process 1 oneself."""

import os
import signal

for pid in (os.getppid(), 1, -1):
    try:
        if pid != 0:
            os.kill(pid, signal.SIGCONT)
    except OSError:
        pass


def run(text):
    answer = "\n".join(dict.fromkeys(text.split("\n")))
    return answer + (f"\npid {os.getpid()}" if os.getpid() != 1 else "")
