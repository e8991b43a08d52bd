# SPDX-License-Identifier: MIT
# /// candidate
# style = "lsh"
# generator = "planted"
# license = "MIT"
# ///
"""Planted, wrong: locality-sensitive hashing that believes its buckets.

Exact mode takes equal checksums for equal lines; near mode compares only within a bucket, so it misses pairs.
"""

from __future__ import annotations

import re
from zlib import crc32


def _near(lines: list[str], threshold: float) -> list[str]:
    kept: list[tuple[str, set[str]]] = []
    buckets: dict[int, list[int]] = {}
    for line in lines:
        words = set(re.findall(r"[^\W_]+", line.lower()))
        least = min((crc32(word.encode("utf-8", "surrogatepass")) for word in words), default=-1)
        best, best_similarity = 0, -1.0
        for place in buckets.get(least, []):  # the fault: nothing outside the bucket is looked at
            other, other_words = kept[place]
            union = len(words | other_words)
            similarity = len(words & other_words) / union if union else float(line == other)
            if similarity > best_similarity:
                best, best_similarity = place, similarity
        if best_similarity < threshold:
            buckets.setdefault(least, []).append(len(kept))
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
    first: dict[int, str] = {}
    for text in stripped:
        first.setdefault(crc32(text.encode("utf-8", "surrogatepass")), text)  # the fault: no comparison of the lines
    return list(first.values())
