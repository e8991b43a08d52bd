"""Encodings: the names of text encodings in Kaitai Struct, and their Python names."""

from __future__ import annotations

from harness.grammar.language import encodings as language

_TABLE = """
ASCII=ascii us-ascii
UTF-8=utf-8 utf8
UTF-16LE=utf-16le utf_16le utf-16-le
UTF-16BE=utf-16be utf_16be utf-16-be
UTF-32LE=utf-32le utf_32le
UTF-32BE=utf-32be utf_32be
Shift_JIS=shift_jis sjis shift-jis s-jis
EUC-JP=euc_jp euc-jp eucjp
EUC-KR=euc_kr euc-kr euckr
ISO-2022-JP=iso2022_jp
Big5=big5
GB2312=gb2312 gb-2312
GBK=gbk
GB18030=gb18030
KOI8-R=koi8_r koi8-r
KOI8-U=koi8_u koi8-u
IBM437=cp437 ibm437 437
IBM850=cp850 ibm850
IBM852=cp852 ibm852
IBM866=cp866 ibm866
"""
_TABLE += "".join(
    f"ISO-8859-{part}=iso8859-{part} iso_8859-{part}{' latin-1 latin1' if part == 1 else ''}\n"
    for part in (*range(1, 12), 13, 14, 15, 16)
)
_TABLE += "".join(f"windows-{page}=cp{page} cp-{page}\n" for page in (*range(1250, 1259), 874))
_PYTHON: dict[str, str] = {}
_CANONICAL: dict[str, str] = {}
for _line in _TABLE.split("\n"):
    if _line:
        _name, _, _others = _line.partition("=")
        for _known in (_name.lower(), *_others.split()):
            _PYTHON[_known], _CANONICAL[_known] = _others.split()[0], _name


def python_name(encoding: str) -> str | None:
    """Return the Python name of an encoding, or None if Kaitai Struct does not know it."""
    return _PYTHON.get(encoding.lower())


def canonical_name(encoding: str) -> str | None:
    """Return the name in Kaitai Struct's style guide, or None for an unknown encoding."""
    return _CANONICAL.get(encoding.lower())


def unit(encoding: str) -> int:
    """Return the bytes of one code unit."""
    return language.unit(language.canonical(encoding) or "")
