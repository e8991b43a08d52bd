"""Encodings: the text encodings that a grammar may name, and their Python names."""

from __future__ import annotations

import unicodedata

_ALIASES = {
    "ascii": ("us-ascii", "iso646-us"),
    "utf-8": ("utf8",),
    "utf-16le": ("utf-16-le", "utf16le", "ucs-2le"),
    "utf-16be": ("utf-16-be", "utf16be", "ucs-2be"),
    "utf-16": ("utf16",),
    "utf-32le": ("utf-32-le", "utf32le"),
    "utf-32be": ("utf-32-be", "utf32be"),
    "latin-1": ("latin1", "iso-8859-1", "iso8859-1"),
    "shift_jis": ("sjis", "shift-jis"),
    "cp932": ("windows-31j", "ms932"),
    "euc-jp": ("eucjp",),
    "euc-kr": ("euckr",),
    "gbk": ("cp936",),
    "gb2312": (),
    "gb18030": (),
    "big5": (),
    "koi8-r": (),
    "koi8-u": (),
    "mac-roman": ("macroman", "macintosh"),
    **{
        f"cp{page}": (f"ibm{page}",)
        for page in (437, 737, 775, 850, 852, 855, 857, 858, 860, 861, 862, 863, 865, 866, 869)
    },
    **{f"cp{page}": (f"windows-{page}",) for page in range(1250, 1259)},
    **{f"iso-8859-{part}": (f"iso8859-{part}",) for part in (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16)},
}
ENCODINGS: tuple[str, ...] = tuple(_ALIASES)  # canonical names; the usual aliases are accepted, too
_CANONICAL = {alias: name for name, aliases in _ALIASES.items() for alias in (name, *aliases)}
_EXACT = frozenset({"ascii", "utf-8", "utf-32le", "utf-32be"})
_SEPARATORS = frozenset("\t\n\v\f\r\x04\x1c\x1d\x1e\x1f")  # control characters that formats use in text
_CODECS = {"utf-16le": "utf-16-le", "utf-16be": "utf-16-be", "utf-32le": "utf-32-le", "utf-32be": "utf-32-be"}
_WIDTHS = {"utf-16le": 2, "utf-16be": 2, "utf-16": 2, "utf-32le": 4, "utf-32be": 4}


def canonical(name: str) -> str | None:
    """Return the canonical name of an encoding, or None if it is unknown."""
    return _CANONICAL.get(name.lower().replace(" ", ""))


def codec(name: str) -> str:
    """Return the Python name of a canonical encoding."""
    return _CODECS.get(name, name)


def unit(name: str) -> int:
    """Return the bytes of one code unit; terminators are that wide and aligned."""
    return _WIDTHS.get(name, 1)


def accepts_random_bytes(name: str) -> bool:
    """Whether most random bytes are text in a canonical encoding, so that decoding them proves nothing."""
    return name not in _EXACT


def is_text(character: str) -> bool:
    """Whether a character occurs in text: letters, signs, spaces, format characters, and usual separators."""
    return (
        character.isprintable()
        or character in _SEPARATORS
        or unicodedata.category(character) in ("Zs", "Zl", "Zp", "Cf")
    )


def count_text(value: str) -> int:
    """Number of characters of a string that occur in text."""
    if value.isprintable():
        return len(value)
    odd = {character for character in set(value) if not is_text(character)}
    return len(value) - sum(value.count(character) for character in odd)
