# SPDX-License-Identifier: MIT
# /// candidate
# style = "suffixarray"
# generator = "hand"
# license = "MIT"
# ///
"""Equal lines by a suffix array with LCP over the joined lines; near-duplicates by a scan behind a prefix filter.

The lines are joined into one text whose letters are blocks of 16 characters, numbered in order, with a separator after
each line. Every line has a separator of its own, less than all blocks, so two suffixes always differ before the longest
line is over and prefix doubling needs few rounds. Lines are equal where suffixes that begin a line are neighbours in
that order, are of one length, and share a prefix as long as the line. Suffixes are sorted by number, never compared as
strings, so long equal lines cost no more.
"""

from __future__ import annotations

import re
from collections import Counter
from math import ceil

BLOCK = 16


def joined_blocks(lines: list[str]) -> tuple[list[int], list[int]]:
    """The lines as one text of numbered blocks, and where each of them begins."""
    cut = [[line[at : at + BLOCK] for at in range(0, len(line), BLOCK)] for line in lines]
    distinct = sorted({block for blocks in cut for block in blocks})
    number = {block: at for at, block in enumerate(distinct, len(lines))}
    text: list[int] = []
    starts: list[int] = []
    for separator, blocks in enumerate(cut):
        starts.append(len(text))
        text.extend(number[block] for block in blocks)
        text.append(separator)
    return text, starts


def build_suffix_array(text: list[int]) -> list[int]:
    """All suffixes in order, by prefix doubling."""
    size = len(text)
    suffixes = sorted(range(size), key=text.__getitem__)
    rank = text
    length = 1
    while True:
        # The ranks of both halves as one number; what lies past the end is less than everything.
        base = max(rank, default=0) + 2
        keys = [first * base for first in rank]
        for at in range(size - length):
            keys[at] += rank[at + length] + 1
        suffixes.sort(key=keys.__getitem__)  # nearly in order by now, which is what this sort is best at
        rank = [0] * size
        current, previous = -1, -1
        for at in suffixes:
            if keys[at] != previous:
                current += 1
                previous = keys[at]
            rank[at] = current
        if current >= size - 1:
            return suffixes  # no two are alike any more
        length *= 2


def common_prefixes(text: list[int], suffixes: list[int]) -> list[int]:
    """For each suffix in order, how many letters it shares with the one before it (Kasai's algorithm)."""
    size = len(text)
    where = [0] * size
    for index, at in enumerate(suffixes):
        where[at] = index
    lcp = [0] * size
    shared = 0
    for at in range(size):
        index = where[at]
        if index == 0:
            shared = 0
            continue
        other = suffixes[index - 1]
        while max(at, other) + shared < size and text[at + shared] == text[other + shared]:
            shared += 1
        lcp[index] = shared
        shared = max(0, shared - 1)
    return lcp


def first_equal(lines: list[str]) -> list[int]:
    """For each line the index of the first line that equals it."""
    first = list(range(len(lines)))
    text, starts = joined_blocks(lines)
    line_at = {start: index for index, start in enumerate(starts)}
    suffixes = build_suffix_array(text)
    group: list[int] = []
    shared = 0  # what this suffix has in common with the last one that began a line
    for at, common in zip(suffixes, common_prefixes(text, suffixes), strict=True):
        shared = min(shared, common)
        line = line_at.get(at)
        if line is None:
            continue
        blocks = -(-len(lines[line]) // BLOCK)
        # The last block may be short, so the length in characters is compared, not that in blocks.
        if group and (shared < blocks or len(lines[group[0]]) != len(lines[line])):
            _settle(group, first)
            group = []
        group.append(line)
        shared = blocks
    _settle(group, first)
    return first


def _settle(group: list[int], first: list[int]) -> None:
    """All lines of a group are equal to its earliest."""
    earliest = min(group, default=-1)
    for line in group:
        first[line] = earliest


class PrefixFilter:
    """Finds representatives that can be similar enough: such a pair shares a token among the rarest few of each.

    If the similarity is to reach the threshold, the overlap must be at least `required(size)` of either line. So
    leaving out one token less than that from the end of its sorted tokens cannot leave out all that they share.
    """

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self.places: dict[int, set[int]] = {}

    def required(self, size: int) -> int:
        """The least overlap with which a line of so many tokens may reach the threshold."""
        least = ceil(self.threshold * size)
        while least > 1 and (least - 1) / size >= self.threshold:
            least -= 1  # the product was rounded up, e.g. 0.55 * 20
        return max(least, 1)

    def prefix(self, tokens: list[int]) -> list[int]:
        return tokens[: len(tokens) - self.required(len(tokens)) + 1]

    def add(self, tokens: list[int], place: int) -> None:
        for token in self.prefix(tokens):
            self.places.setdefault(token, set()).add(place)

    def remove(self, tokens: list[int], place: int) -> None:
        for token in self.prefix(tokens):
            self.places[token].discard(place)

    def possible(self, tokens: list[int]) -> list[int]:
        """The places worth comparing, in order."""
        found: set[int] = set()
        for token in self.prefix(tokens):
            found |= self.places.get(token, set())
        return sorted(found)


def near_distinct(lines: list[str], threshold: float) -> list[str]:
    """Near mode: scan what the prefix filter lets through."""
    first = first_equal(lines)
    word_lists = [
        re.findall(r"[^\W_]+", line.lower()) if first[index] == index else [] for index, line in enumerate(lines)
    ]
    frequency = Counter(word for words in word_lists for word in set(words))
    # Rare tokens first, so that the filter goes by those that tell lines apart.
    number = {word: at for at, word in enumerate(sorted(frequency, key=lambda word: (frequency[word], word)))}
    tokens_of = [sorted({number[word] for word in words}) for words in word_lists]
    kept: list[tuple[str, list[int], frozenset[int]]] = []
    wordless: set[int] = set()
    candidates = PrefixFilter(threshold)
    for index, line in enumerate(lines):
        tokens = tokens_of[first[index]]
        token_set = frozenset(tokens)
        best, best_similarity = -1, -1.0
        if threshold == 0.0:
            best = 0 if kept else -1
        elif not tokens:
            if first[index] in wordless:
                continue
            wordless.add(first[index])
        else:
            for place in candidates.possible(tokens):
                _, others, other_set = kept[place]
                shared = len(token_set & other_set)
                similarity = shared / (len(tokens) + len(others) - shared)
                if similarity > best_similarity:
                    best, best_similarity = place, similarity
            if best_similarity < threshold:
                best = -1
        if best < 0:
            if threshold:
                candidates.add(tokens, len(kept))
            kept.append((line, tokens, token_set))
            continue
        there, others, _ = kept[best]
        if (len(tokens), len(line)) > (len(others), len(there)):
            if threshold:
                candidates.remove(others, best)
                candidates.add(tokens, best)
            kept[best] = (line, tokens, token_set)
    return [line for line, _, _ in kept]


def deduplicate_lines(lines: list[str], threshold: float = 1.0) -> list[str]:
    """Return the distinct lines, the most informative of each group, in order of first appearance.

    >>> deduplicate_lines(["banana", "ban", "banana\\n", "ananas"])
    ['banana', 'ban', 'ananas']
    >>> deduplicate_lines(["x y z", "x y", "p q"], 0.6)
    ['x y z', 'p q']
    """
    if not 0.0 <= threshold <= 1.0:
        raise ValueError(f"threshold must be within 0.0 and 1.0, not {threshold!r}")
    stripped = [text for text in (line.strip() for line in lines) if text]
    if threshold >= 0.9999:
        return [stripped[index] for index, earliest in enumerate(first_equal(stripped)) if earliest == index]
    return near_distinct(stripped, threshold)
