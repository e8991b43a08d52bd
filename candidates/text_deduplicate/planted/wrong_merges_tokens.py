# SPDX-License-Identifier: MIT
# /// candidate
# style = "set"
# generator = "planted"
# license = "MIT"
# ///
"""Planted, wrong: after a merge the representative is compared by the union of all tokens it has absorbed."""

from __future__ import annotations

import re


def _near(lines: list[str], threshold: float) -> list[str]:
    kept: list[str] = []
    words_of: list[set[str]] = []
    for line in lines:
        words = set(re.findall(r"[^\W_]+", line.lower()))
        best, best_similarity = 0, -1.0
        for place, other in enumerate(kept):
            union = len(words | words_of[place])
            similarity = len(words & words_of[place]) / union if union else float(line == other)
            if similarity > best_similarity:
                best, best_similarity = place, similarity
        if not kept or best_similarity < threshold:
            kept.append(line)
            words_of.append(words)
        else:
            held = set(re.findall(r"[^\W_]+", kept[best].lower()))
            if (len(words), len(line)) > (len(held), len(kept[best])):
                kept[best] = line
            words_of[best] |= words  # the fault
    return kept


def deduplicate_lines(lines: list[str], threshold: float = 1.0) -> list[str]:
    """Return the distinct lines, the most informative of each group, in order of first appearance.

    >>> deduplicate_lines(["a", "b", " a"])
    ['a', 'b']
    """
    if not 0.0 <= threshold <= 1.0:
        raise ValueError(f"threshold must be within 0.0 and 1.0, not {threshold!r}")
    stripped = [text for text in (line.strip() for line in lines) if text]
    return list(dict.fromkeys(stripped)) if threshold >= 0.9999 else _near(stripped, threshold)
