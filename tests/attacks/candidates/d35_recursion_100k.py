"""Recurse 100,000 deep without a recursion limit, through C (a sort key), until the stack is gone."""

import sys

sys.setrecursionlimit(10**9)


def dive(depth):
    return depth if depth == 0 else sorted([depth - 1], key=dive)[0]


def run(text):
    dive(100_000)
    return "\n".join(dict.fromkeys(text.split("\n")))
