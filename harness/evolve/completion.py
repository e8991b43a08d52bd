"""Completion: the candidate in a model's reply, which may have prose around it, several blocks, or no code at all."""

from __future__ import annotations

import ast
import re
import warnings

_FENCE = re.compile(r"^[ \t]*(?:```|~~~)[^\n`]*\n(.*?)^[ \t]*(?:```|~~~)[ \t]*$", re.DOTALL | re.MULTILINE)
MAX_CHARACTERS = 1 << 20  # of a reply; what is beyond is not searched


def code_of(reply: str, entry: str) -> str:
    """The source of the candidate in a reply.

    Of several fenced blocks the last one that is Python and defines the entry function; without such a block the last
    one; without any block the whole reply.
    """
    text = reply[:MAX_CHARACTERS].replace("\r\n", "\n")
    if "\n" in text and not text.endswith("\n"):
        text += "\n"
    blocks = [found[1] for found in _FENCE.finditer(text)]
    if not blocks:
        return text
    return next((block for block in reversed(blocks) if _defines(block, entry)), blocks[-1])


def _defines(block: str, entry: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(block)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(isinstance(node, ast.FunctionDef) and node.name == entry for node in tree.body)
