# SPDX-License-Identifier: MIT
# /// candidate
# style = "set"
# generator = "planted"
# license = "MIT"
# ///
"""Planted, wrong: works in chunks of 256 lines and loses a last chunk of a single line."""

from __future__ import annotations

import re


def _near(lines: list[str], threshold: float) -> list[str]:
    """Near mode, right: every line against every representative."""
    kept: list[tuple[str, set[str]]] = []
    for line in lines:
        words = set(re.findall(r"[^\W_]+", line.lower()))
        best, best_similarity = 0, -1.0
        for place, (other, other_words) in enumerate(kept):
            union = len(words | other_words)
            similarity = len(words & other_words) / union if union else float(line == other)
            if similarity > best_similarity:
                best, best_similarity = place, similarity
        if not kept or best_similarity < threshold:
            kept.append((line, words))
        elif (len(words), len(line)) > (len(kept[best][1]), len(kept[best][0])):
            kept[best] = (line, words)
    return [line for line, _ in kept]


def deduplicate_lines(lines: list[str], threshold: float = 1.0) -> list[str]:
    """Return the distinct lines, the most informative of each group, in order of first appearance.

    >>> deduplicate_lines(["a", "b", " a"])
    ['a', 'b']
    """
    if not 0.0 <= threshold <= 1.0:
        raise ValueError(f"threshold must be within 0.0 and 1.0, not {threshold!r}")
    stripped = [text for text in (line.strip() for line in lines) if text]
    if threshold < 0.9999:
        return _near(stripped, threshold)
    if len(stripped) < 2:
        return stripped
    seen: dict[str, None] = {}
    for start in range(0, len(stripped) - 1, 256):  # the fault: should be len(stripped)
        seen.update(dict.fromkeys(stripped[start : start + 256]))
    return list(seen)
