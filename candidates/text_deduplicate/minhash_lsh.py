# SPDX-License-Identifier: MIT
# /// candidate
# style = "lsh"
# generator = "hand"
# license = "MIT"
# ///
"""Locality-sensitive hashing that is never wrong: buckets propose, verification decides, a complete scan confirms.

MinHash buckets find most near-duplicates at once, but they can miss the best match, and an approximate answer is a
wrong one. So what the buckets propose is verified with the true similarity and becomes the floor for a scan over all
representatives, of which nearly all are ruled out by their size or a 256-bit sketch without comparing sets.
All hashes are CRC-32, which is the same in every process (Python's own string hash is not).
"""

from __future__ import annotations

import re
from zlib import crc32

BINS = 12
ROWS = 2
"""A band is this many bins of the signature; lines that agree in one band share a bucket."""


class Record:
    """A line as it is compared: text, tokens, sketch (for bounds) and band keys (for buckets)."""

    __slots__ = ("bands", "place", "sketch", "text", "words")

    def __init__(self, text: str, hashes: dict[str, int]) -> None:
        self.text = text
        self.words = frozenset(re.findall(r"[^\W_]+", text.lower()))
        self.place = -1
        sketch = 0
        # One-permutation MinHash: each token falls into one bin, and each bin keeps its least hash.
        least = [-1] * BINS
        for word in self.words:
            value = hashes.get(word)
            if value is None:
                value = hashes[word] = crc32(word.encode("utf-8", "surrogatepass"))
            sketch |= 1 << (value & 255)
            spot = value % BINS
            if least[spot] < 0 or value < least[spot]:
                least[spot] = value
        self.sketch = sketch
        self.bands = [(at, *least[at : at + ROWS]) for at in range(0, BINS, ROWS) if max(least[at : at + ROWS]) >= 0]

    def similarity(self, other: Record) -> float:
        """The true Jaccard index (neither side is without tokens here)."""
        shared = len(self.words & other.words)
        return shared / (len(self.words) + len(other.words) - shared)

    def bound(self, other: Record) -> float:
        """No less than the similarity: a bit of one sketch missing in the other stands for an unshared token."""
        mine, theirs = len(self.words), len(other.words)
        both = self.sketch & other.sketch
        shared = min(mine - (self.sketch ^ both).bit_count(), theirs - (other.sketch ^ both).bit_count())
        return shared / (mine + theirs - shared)

    def is_better_than(self, other: Record) -> bool:
        return (len(self.words), len(self.text)) > (len(other.words), len(other.text))


class NearIndex:
    """The representatives with tokens, in buckets and by number of tokens."""

    def __init__(self) -> None:
        self.buckets: dict[tuple, dict[int, Record]] = {}
        self.by_size: dict[int, dict[int, Record]] = {}

    def add(self, record: Record) -> None:
        for band in record.bands:
            self.buckets.setdefault(band, {})[record.place] = record
        self.by_size.setdefault(len(record.words), {})[record.place] = record

    def remove(self, record: Record) -> None:
        for band in record.bands:
            del self.buckets[band][record.place]
        del self.by_size[len(record.words)][record.place]

    def nearest(self, query: Record, threshold: float) -> Record | None:
        """The most similar representative, the earliest of several, or None below the threshold."""
        best: Record | None = None
        floor = threshold
        tried: set[int] = set()
        for band in query.bands:
            for place, record in self.buckets.get(band, {}).items():
                if place in tried:
                    continue
                tried.add(place)
                similarity = query.similarity(record)
                if similarity > floor or (similarity == floor and (best is None or place < best.place)):
                    best, floor = record, similarity
        if floor == 1.0:
            return best  # representatives differ in their tokens, so there is no second one with 1.0
        # The fallback: whatever the buckets missed. Bounds are computed by one correctly rounded division like the
        # similarity itself, so a bound below the floor proves that the similarity is below it too.
        size = len(query.words)
        for other_size, records in self.by_size.items():
            if min(size, other_size) / max(size, other_size) < floor:
                continue
            for place, record in records.items():
                if place in tried or query.bound(record) < floor:
                    continue
                similarity = query.similarity(record)
                if similarity > floor or (similarity == floor and (best is None or place < best.place)):
                    best, floor = record, similarity
        return best


def _exact(texts: list[str]) -> list[str]:
    """Exact mode with the same idea: a bucket by length and checksum proposes, comparison decides."""
    kept: list[str] = []
    buckets: dict[tuple[int, int], list[str]] = {}
    for text in texts:
        bucket = buckets.setdefault((len(text), crc32(text.encode("utf-8", "surrogatepass"))), [])
        if text not in bucket:
            bucket.append(text)
            kept.append(text)
    return kept


def deduplicate_lines(lines: list[str], threshold: float = 1.0) -> list[str]:
    """Return the distinct lines, the most informative of each group, in order of first appearance.

    >>> deduplicate_lines(["plumless", "buckeroo", "plumless"])
    ['plumless', 'buckeroo']
    >>> deduplicate_lines(["to be", "not to be", "or not"], threshold=0.6)
    ['not to be', 'or not']
    """
    if not 0.0 <= threshold <= 1.0:
        raise ValueError(f"threshold must be within 0.0 and 1.0, not {threshold!r}")
    texts = [text for text in (line.strip() for line in lines) if text]
    if threshold >= 0.9999:
        return _exact(texts)
    index = NearIndex()
    kept: list[Record] = []
    wordless: set[str] = set()
    hashes: dict[str, int] = {}
    for text in texts:
        record = Record(text, hashes)
        match: Record | None
        if threshold == 0.0 and kept:
            match = kept[0]  # everything merges, so there is never a second place
        elif record.words:
            match = index.nearest(record, threshold)
        elif text in wordless:
            continue
        else:
            match = None
        if match is None:
            record.place = len(kept)
            kept.append(record)
        elif record.is_better_than(match):
            record.place = match.place
            kept[match.place] = record
            if match.words:
                index.remove(match)
        else:
            continue
        if record.words:
            index.add(record)
        else:
            wordless.add(text)
    return [record.text for record in kept]
