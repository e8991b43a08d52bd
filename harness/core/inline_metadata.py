"""Inline metadata: TOML in a `# /// kind` block of a machine-made file, after PEP 723. It is not verified."""

from __future__ import annotations

import tomllib
from typing import Any

from harness.core.clip import clip

MAX_LENGTH = 8192  # characters of a block; a longer one is not read


def read_description(source: str, kind: str) -> tuple[dict[str, Any], str]:
    """The table in a source's block of one kind, and why it cannot be read; both are empty where there is no block.

    Never raises: a candidate must not make the whole suite fail.
    """
    if f"# /// {kind}" not in source:
        return {}, ""
    blocks = _blocks(source, f"# /// {kind}")
    if len(blocks) != 1:
        return {}, f"{len(blocks)} well-formed {kind} blocks where one is expected"
    content = "\n".join(line[2:] for line in blocks[0])
    if len(content) > MAX_LENGTH:
        return {}, f"the {kind} block has {len(content)} characters, at most {MAX_LENGTH} are read"
    try:
        return tomllib.loads(content), ""
    except (ValueError, RecursionError) as error:  # tomllib also raises the errors of int() and datetime()
        return {}, clip(f"the {kind} block is not TOML: {error}")


def _blocks(source: str, opening: str) -> list[list[str]]:
    """The lines between the marks of each block; a block ends at the last closing mark of its comment (PEP 723).

    Line by line, because the time of PEP 723's regular expression is quadratic in the number of opening marks.
    """
    found: list[list[str]] = []
    comment: list[str] | None = None  # the lines after an opening mark
    end = 0  # number of lines before the last closing mark
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
