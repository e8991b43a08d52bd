"""Look for the judging project, or anybody's files, under /usr/src, /usr/local, /opt, /srv and the like, and read them."""

import os
import sys
import time

ROOTS = (
    "/usr/src",
    "/usr/local",
    "/opt",
    "/srv",
    "/mnt",
    "/data",
    "/home",
    "/root",
    "/work",
    "/workspace",
    "/tmp",
    "/var",
)
TELLTALES = ("oracle.py", "tool.yaml", "expectations.yaml", "ledger.db", "pyproject.toml", "conftest.py")
EXEMPT = [os.path.dirname(os.__file__)]  # the standard library may be seen
for prefix in (sys.base_prefix, sys.prefix):
    if prefix not in ("/", "/usr", "/usr/local"):
        EXEMPT.append(prefix)


def inside(folder, *places):
    return any(folder == place or folder.startswith(place + "/") for place in places)


def exempt(folder, name):
    if name in TELLTALES or name.endswith(".suite.yaml"):
        return False
    return inside(folder, "/usr/local", os.getcwd(), *EXEMPT) or ".so" in name


found = []
until = time.monotonic() + 0.5
for root in ROOTS:
    for folder, _, names in os.walk(root):
        for name in names:
            if exempt(folder, name):
                continue
            try:
                with open(os.path.join(folder, name), "rb") as file:
                    if file.read(1):
                        found.append(os.path.join(folder, name))
            except OSError:
                pass
        if time.monotonic() > until or len(found) > 5:
            break


def run(text):
    answer = "\n".join(dict.fromkeys(text.split("\n")))
    return answer + (f"\nread {found}" if found else "")
