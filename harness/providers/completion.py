"""Completion: the source code in what a model wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from harness.core.bounded_parse import parse

FENCES = ("```", "~~~")
PYTHON = ("", "python", "py", "python3", "candidate")
MAX_CHARACTERS = 1 << 20  # of a completion; no candidate is so long
END_OF_THOUGHT = "</think>"


def code_of(completion: Any, *, entry: str = "") -> str:
    """The source code of a completion.

    Text that is a Python program is taken as it is. Otherwise its fenced blocks count, without those of another
    language: of several the last one that defines `entry`, else the last one. Text without a block is taken whole, and
    the judge says what is wrong with it. What stands before `</think>` does not count.

    Args:
        completion: Text, or a conversation: a list of messages, of which the last one counts.
        entry: The function that a candidate defines.

    Raises:
        TypeError: if the completion is neither text nor a conversation.
    """
    text = _text_of(completion).rpartition(END_OF_THOUGHT)[2][:MAX_CHARACTERS]
    if not any(fence in text for fence in FENCES) or _is_program(text):
        return text
    blocks = [code for language, code in fenced_blocks(text) if language in PYTHON]
    if not blocks:
        return text
    if entry:
        definition = re.compile(rf"^(async\s+)?def\s+{re.escape(entry)}\b", re.MULTILINE)
        blocks = [code for code in blocks if definition.search(code)] or blocks
    return blocks[-1]


def _text_of(completion: Any) -> str:
    if isinstance(completion, str):
        return completion
    if isinstance(completion, Mapping):
        return _content_of(completion.get("content"))
    if isinstance(completion, Sequence) and not isinstance(completion, bytes):
        return _text_of(completion[-1]) if completion else ""
    content = getattr(completion, "content", completion)  # a message object
    if content is completion:
        msg = f"a completion is text or a list of messages, not {type(completion).__name__}"
        raise TypeError(msg)
    return _content_of(content)


def _content_of(content: Any) -> str:
    if content is None:  # a message that only calls tools
        return ""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, Sequence) else [content]
    return "".join(str(part.get("text", "")) if isinstance(part, Mapping) else str(part) for part in parts)


def _is_program(text: str) -> bool:
    try:
        parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def fenced_blocks(text: str) -> list[tuple[str, str]]:
    """The fenced blocks with their languages; one that is not closed ends with the text."""
    found: list[tuple[str, str]] = []
    fence = language = ""
    lines: list[str] = []
    for line in text.replace("\r\n", "\n").splitlines(keepends=True):
        stripped = line.strip()
        mark = stripped[:1] * (len(stripped) - len(stripped.lstrip(stripped[:1]))) if stripped[:3] in FENCES else ""
        if not fence and mark:
            words = stripped[len(mark) :].split()
            fence, language, lines = mark, words[0].lower() if words else "", []
        elif fence and mark.startswith(fence) and stripped == mark:
            found.append((language, "".join(lines)))
            fence = ""
        elif fence:
            lines.append(line)
    if fence:
        found.append((language, "".join(lines)))
    return found
