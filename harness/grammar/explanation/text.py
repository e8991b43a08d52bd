"""Text: how far the characters of a column of strings are text, and not bytes that decode by chance."""

from __future__ import annotations

import math
from collections import Counter

from harness.grammar.explanation.column import Column
from harness.grammar.language.encodings import accepts_random_bytes, codec, is_text, unit

# Shares of characters that occur in text, below which a column earns nothing and from which on it earns all.
MIN_SHARE, FULL_SHARE = 0.85, 0.95
# Bits per character, compared with equal frequencies, from which on characters earn something, and all.
MIN_SKEW, FULL_SKEW = 0.25, 0.75
FULL_SAVING = 0.5  # share of the bits of random bytes that a distribution saves, from which on it earns all
CERTAIN_BITS, CERTAIN_ASCII_BITS = 32.0, 8.0  # saved bits at which a distribution is certain, and at which ASCII is


def text_share(column: Column, taught: Column, encoding: str) -> float:
    """Share of the credit of text that a column earns, from 0 to 1.

    In an encoding that rejects most random bytes, this is decided by the share of characters that occur in text. In
    one that accepts them, the distribution of the characters must also differ from that of random bytes: most of them
    are ASCII, or some are much more frequent than others.

    Args:
        taught: The strings of other files that teach the distribution; the column itself without such files.
    """
    share = column.printable / column.bytes if column.bytes else 0.0
    usual = min(1.0, max(0.0, (share - MIN_SHARE) / (FULL_SHARE - MIN_SHARE)))
    if not usual or not accepts_random_bytes(encoding):
        return usual
    counts, size = Counter(column.characters), column.printable
    if taught is not column:
        counts.update(taught.characters)
        size += taught.printable
    total = sum(counts.values())
    if not total:
        return 0.0
    return usual * max(_ascii_share(counts, total, size, encoding), _distribution_share(counts, total, size, encoding))


def _ascii_share(counts: Counter[str], total: int, size: int, encoding: str) -> float:
    """Whether more of the characters are ASCII than of random bytes (Kullback-Leibler divergence in bits per byte)."""
    chance = sum(is_text(chr(code)) for code in range(128)) / 256 ** unit(encoding)
    share = sum(count for character, count in counts.items() if character < "\x80" and is_text(character)) / total
    if share <= chance:
        return 0.0
    bits = total * (share * math.log2(share / chance) + (1 - share) * math.log2(max(1e-9, 1 - share) / (1 - chance)))
    return min(1.0, bits / size if size else 0.0, bits / CERTAIN_ASCII_BITS)


def _distribution_share(counts: Counter[str], total: int, size: int, encoding: str) -> float:
    """The share of the bits of random bytes that the distribution saves, if it differs from equal frequencies.

    Random characters of one script save bits too, but are not text: they are compared with equal frequencies of all
    characters in the rows of 16 codes that occur. The code is that of Krichevsky and Trofimov (1981); it pays for the
    set of characters and for what it learns.
    """
    kinds, plain = len(counts), 8.0 * size
    rows = {character.encode(codec(encoding), "replace")[:: _order(encoding)] for character in counts}
    room = 16 * len({(len(code), int.from_bytes(code, "big") >> 4) for code in rows})
    code = (
        math.lgamma(total + kinds / 2)
        - math.lgamma(kinds / 2)
        - sum(math.lgamma(count + 0.5) - math.lgamma(0.5) for count in counts.values())
    ) / math.log(2)
    code += kinds * (math.log2(max(1.0, room / kinds)) + math.log2(math.e))
    skew = min(plain, total * math.log2(room)) - code
    if skew <= 0:
        return 0.0
    unequal = (skew / total - MIN_SKEW) / (FULL_SKEW - MIN_SKEW)
    return min(1.0, max(0.0, unequal), skew / CERTAIN_BITS) * min(1.0, (1.0 - code / plain) / FULL_SAVING)


def _order(encoding: str) -> int:
    """The step through encoded bytes that puts the most significant one first."""
    return -1 if encoding.endswith("le") or encoding == "utf-16" else 1
