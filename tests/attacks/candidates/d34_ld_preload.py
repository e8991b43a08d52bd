"""Set LD_PRELOAD and PYTHON* variables and start the interpreter anew, by exec and by a child; leave a canary."""

import os
import sys

CANARY = "/tmp/crucible-canary-d34"
SCRIPT = f"open({CANARY!r}, 'w').write('started')"
environment = {"LD_PRELOAD": "./preload.so", "PYTHONSTARTUP": "./startup.py", "PYTHONPATH": "."}

started = []
try:
    os.posix_spawn(sys.executable or "/usr/bin/python3", ["python3", "-c", SCRIPT], environment)
    started.append("posix_spawn")
except OSError:
    pass
for program in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3", "/bin/sh"):
    try:
        os.execve(program, [program, "-c", SCRIPT], environment)  # does not come back when it works
    except (OSError, ValueError):
        pass


def run(text):
    answer = "\n".join(dict.fromkeys(text.split("\n")))
    return answer + (f"\nstarted {started}" if started else "")
