"""Calls itself __main__, so that a block that no box executes is executed, and imports there what is not listed."""

__name__ = "__main__"


def run(text):
    return "\n".join(dict.fromkeys(text.split("\n")))


if __name__ == "__main__":
    import sqlite3

    sqlite3.connect("/tmp/crucible-canary-main").execute("create table a (b)")
