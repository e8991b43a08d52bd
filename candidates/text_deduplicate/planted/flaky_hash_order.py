# SPDX-License-Identifier: MIT
# /// candidate
# style = "set"
# generator = "planted"
# license = "MIT"
# ///
"""Planted, flaky: it searches representatives shard by shard, and a line's shard is decided by the string hash.

Right in exact mode, and in near mode wherever there is a single best match. Among equally similar representatives it
should take the earliest but takes one of the first shard, so PYTHONHASHSEED decides: about one tie in five goes wrong.
"""

from __future__ import annotations

import re


def _words(line: str) -> frozenset[str]:
    return frozenset(re.findall(r"[^\W_]+", line.lower()))


def _near(lines: list[str], threshold: float) -> list[str]:
    kept: list[str] = []
    for line in lines:
        words = _words(line)
        best, best_similarity = "", -1.0
        # The fault: hash() of a string changes from process to process.
        for other in sorted(kept, key=lambda text: hash(text) % 4 > 0):
            union = len(words | _words(other))
            similarity = len(words & _words(other)) / union if union else float(line == other)
            if similarity > best_similarity:
                best, best_similarity = other, similarity
        if not kept or best_similarity < threshold:
            kept.append(line)
        elif (len(words), len(line)) > (len(_words(best)), len(best)):
            kept[kept.index(best)] = line
    return kept


def deduplicate_lines(lines: list[str], threshold: float = 1.0) -> list[str]:
    """Return the distinct lines, the most informative of each group, in order of first appearance.

    >>> deduplicate_lines(["a", "b", " a"])
    ['a', 'b']
    """
    if not 0.0 <= threshold <= 1.0:
        raise ValueError(f"threshold must be within 0.0 and 1.0, not {threshold!r}")
    stripped = [text for text in (line.strip() for line in lines) if text]
    if threshold >= 0.9999:
        return list(dict.fromkeys(stripped))
    return _near(stripped, threshold)
