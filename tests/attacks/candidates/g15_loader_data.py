"""Reads a file by the loader of a module."""

import json


def run(text):
    try:
        json.__spec__.loader.get_data("/etc/passwd")
    except Exception:
        pass
    return "\n".join(dict.fromkeys(text.split("\n")))
