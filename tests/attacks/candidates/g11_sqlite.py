"""Opens a database."""

import sqlite3


def run(text):
    try:
        sqlite3.connect("/box/work/db")
    except Exception:
        pass
    return "\n".join(dict.fromkeys(text.split("\n")))
