"""Completion: the candidate in a model's reply, which may have prose around it, several blocks, or no code at all."""

from __future__ import annotations

import ast

from harness.core.bounded_parse import parse

FENCES = ("```", "~~~")
MAX_CHARACTERS = 1 << 20  # of a reply; what is beyond is not searched


def code_of(reply: str, entry: str) -> str:
    """The source of the candidate in a reply.

    Of several fenced blocks the last one that is Python and defines the entry function; without such a block the last
    one; without any block the whole reply.
    """
    text = reply[:MAX_CHARACTERS].replace("\r\n", "\n")
    if "\n" in text and not text.endswith("\n"):
        text += "\n"
    blocks = _blocks(text)
    if not blocks:
        return text
    return next((block for block in reversed(blocks) if _defines(block, entry)), blocks[-1])


def _blocks(text: str) -> list[str]:
    """The fenced blocks that are closed; one pass over the lines, because a reply may consist of opening fences."""
    found: list[str] = []
    lines: list[str] | None = None
    for line in text.split("\n"):
        stripped = line.strip(" \t")
        if lines is None:
            if stripped.startswith(FENCES) and "`" not in stripped[3:]:
                lines = []
        elif stripped in FENCES:
            found.append("".join(f"{one}\n" for one in lines))
            lines = None
        else:
            lines.append(line)
    return found


def _defines(block: str, entry: str) -> bool:
    try:
        tree = parse(block)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(isinstance(node, ast.FunctionDef) and node.name == entry for node in tree.body)
