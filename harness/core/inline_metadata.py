"""Description: TOML that a machine-made file carries in a `# /// kind` block, after PEP 723. A claim, no evidence."""

from __future__ import annotations

import tomllib
from typing import Any

from harness.core.clip import clip

LONGEST = 8192  # characters of a block; a longer one is no description


def read_description(source: str, kind: str) -> tuple[dict[str, Any], str]:
    """The table in a text's block of one kind, and why there is none; both are empty where there is no block.

    Never raises: a candidate must not be able to make the whole suite fail.
    """
    if f"# /// {kind}" not in source:
        return {}, ""
    blocks = _blocks(source, f"# /// {kind}")
    if len(blocks) != 1:
        return {}, f"{len(blocks)} well-formed {kind} blocks where one is expected"
    content = "\n".join(line[2:] for line in blocks[0])
    if len(content) > LONGEST:
        return {}, f"the {kind} block has {len(content)} characters, at most {LONGEST} are read"
    try:
        return tomllib.loads(content), ""
    except (ValueError, RecursionError) as error:  # besides its own, tomllib lets those of int() and datetime() through
        return {}, clip(f"the {kind} block is not TOML: {error}")


def _blocks(source: str, opening: str) -> list[list[str]]:
    """The lines between the marks of each block; one ends at the last closing mark of its comment, as PEP 723 has it.

    Line by line: PEP 723's expression takes time that grows with the square of what looks like a block's beginning.
    """
    found: list[list[str]] = []
    comment: list[str] | None = None  # what follows an opening mark
    end = 0  # how much of it lies before the last closing mark
    for text in (*source.split("\n"), ""):
        line = text.rstrip("\r")
        mark = line.rstrip(" \t")
        if comment is None:
            if mark == opening:
                comment, end = [], 0
        elif line == "#" or line.startswith("# "):
            if mark == "# ///":
                end = len(comment)
            comment.append(line)
        else:
            if end:
                found.append(comment[:end])
            comment = None
    return found
