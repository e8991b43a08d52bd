"""Formats a traceback and evaluates a literal."""

import ast
import traceback


def run(text):
    try:
        ast.literal_eval("(")
    except SyntaxError:
        traceback.format_exc()
    return "\n".join(dict.fromkeys(text.split("\n"))) if ast.literal_eval("[1]") else ""
