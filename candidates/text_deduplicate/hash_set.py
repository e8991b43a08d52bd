# SPDX-License-Identifier: MIT
# /// candidate
# style = "set"
# generator = "hand"
# license = "MIT"
# ///
"""Hashing throughout: a set of lines seen for exact mode, an inverted index from token to lines for near mode.

The index lists, for each token, the places of the representatives that have it. Counting how often a place occurs in
the lists of a line's tokens gives the size of every non-empty intersection without comparing any two sets.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import chain


def deduplicate_lines(lines: list[str], threshold: float = 1.0) -> list[str]:
    """Return the distinct lines, the most informative of each group, in order of first appearance.

    >>> deduplicate_lines([" b", "a", "b\\r", "B"])
    ['b', 'a', 'B']
    >>> deduplicate_lines(["alpha", "alpha beta", "ALPHA"], 0.5)
    ['alpha beta']
    """
    if not 0.0 <= threshold <= 1.0:
        raise ValueError(f"threshold must be within 0.0 and 1.0, not {threshold!r}")
    if threshold >= 0.9999:
        return _distinct(lines)
    return _distinct_by_tokens([text for text in map(str.strip, lines) if text], threshold)


def _distinct(lines: list[str]) -> list[str]:
    """Exact mode."""
    seen: set[str] = set()
    kept: list[str] = []
    for line in lines:
        text = line.strip()
        if text and text not in seen:
            seen.add(text)
            kept.append(text)
    return kept


def _distinct_by_tokens(lines: list[str], threshold: float) -> list[str]:
    """Near mode, by way of an inverted index."""
    kept: list[str] = []
    words_of: list[set[str]] = []
    places_of: dict[str, set[int]] = {}  # token -> places of the representatives with that token
    wordless: dict[str, int] = {}  # lines without tokens are equal or nothing alike
    for line in lines:
        words = set(re.findall(r"[^\W_]+", line.lower()))
        best, best_similarity = 0, 0.0
        if words:
            shared = Counter(chain.from_iterable(places_of[word] for word in words if word in places_of))
            for place, overlap in shared.items():
                similarity = overlap / (len(words) + len(words_of[place]) - overlap)
                # The order in which places are counted is the sets' own, so ties are settled here, by place.
                if similarity > best_similarity or (similarity == best_similarity and place < best):
                    best, best_similarity = place, similarity
        elif line in wordless:
            best, best_similarity = wordless[line], 1.0
        # With nothing in common best is 0: the earliest representative, which is right for threshold 0.0.
        if not kept or best_similarity < threshold:
            if not words:
                wordless[line] = len(kept)
            for word in words:
                places_of.setdefault(word, set()).add(len(kept))
            kept.append(line)
            words_of.append(words)
        elif (len(words), len(line)) > (len(words_of[best]), len(kept[best])):
            for word in words_of[best] - words:
                places_of[word].discard(best)
            for word in words - words_of[best]:
                places_of.setdefault(word, set()).add(best)
            kept[best] = line
            words_of[best] = words
    return kept
