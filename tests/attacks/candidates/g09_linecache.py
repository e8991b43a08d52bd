"""Reads a file by the cache of source lines."""

import linecache


def run(text):
    try:
        linecache.getlines("/etc/passwd")
    except Exception:
        pass
    return "\n".join(dict.fromkeys(text.split("\n")))
