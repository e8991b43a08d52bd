"""Tokens: the parts of a source that get a colour, by one expression for each language.

The page has hundreds of sources and five colours. Pygments tries some forty expressions at each token of Python: 3 ms
of CPU time for a source of 60 lines, a third of what a case costs; one expression for the five kinds takes a tenth.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass

# Each expression is linear: nothing is tried twice, and what has no end ends with its line or with the text.
STRING = r"\"(?:\\[\s\S]|[^\"\\\n])*\"?|'(?:\\[\s\S]|[^'\\\n])*'?"
LONG = r"\"{3}(?:\\[\s\S]|[^\\])*?(?:\"{3}|\Z)|'{3}(?:\\[\s\S]|[^\\])*?(?:'{3}|\Z)"
NUMBER = r"(?P<m>\d[\w.]*(?:(?<=[eE])[+-]\d+)?)"
WORD = r"(?P<w>[^\W\d]\w*)"
SQL = """add all alter and as asc begin between by case cast check commit create cross default delete desc distinct drop
else end exists foreign from full glob group having in index inner insert into is join key left like limit natural not
null offset on or order outer over partition pragma primary recursive references right rollback select set table then
transaction trigger union unique update using values view when where with without"""


@dataclass(frozen=True, slots=True)
class Language:
    """What gets a colour in a language.

    Attributes:
        pattern: Its tokens; the name of a group is a class of the page's style, or `w` for a word.
        keywords: The words of class `k`, in lower case where case says nothing.
        naming: The keywords that are followed by a new name, of class `f`.
        any_case: Whether case says nothing.
    """

    pattern: re.Pattern[str]
    keywords: frozenset[str] = frozenset()
    naming: frozenset[str] = frozenset()
    any_case: bool = False

    def tokens(self, text: str) -> Iterator[tuple[int, int, str]]:
        """The tokens that have a class: start, end and class."""
        names = False
        for match in self.pattern.finditer(text):
            kind = match.lastgroup or ""
            if kind == "w":
                word = match[0].lower() if self.any_case else match[0]
                kind = "k" if word in self.keywords else "f" if names else ""
                names = word in self.naming
            if kind:
                yield match.start(), match.end(), kind


def _language(*patterns: str, keywords: str = "", naming: str = "", any_case: bool = False) -> Language:
    words, new = frozenset(keywords.split()), frozenset(naming.split())
    return Language(re.compile("|".join(patterns)), words, new, any_case)


LANGUAGES = {
    "python": _language(
        r"(?P<c>#[^\n]*)", rf"(?P<s>(?:[rbfuRBFU]{{1,2}}(?=[\"']))?(?:{LONG}|{STRING}))", NUMBER, WORD,
        keywords=" ".join((*keyword.kwlist, "match", "case")), naming="def class",
    ),
    # A quote within a plain scalar, as in `don't`, begins no string.
    "yaml": _language(
        r"(?P<c>(?<!\S)#[^\n]*)", r"(?P<f>(?<![\w.$/-])[\w.$/-]+(?=:\s|:\Z))", rf"(?P<s>(?<![^\s\[{{,(])(?:{STRING}))",
    ),
    "json": _language(
        r"(?P<f>\"(?:\\[\s\S]|[^\"\\\n])*\"(?=\s*:))", rf"(?P<s>{STRING})", NUMBER, WORD, keywords="true false null",
    ),
    "sql": _language(
        r"(?P<c>--[^\n]*|/\*[\s\S]*?(?:\*/|\Z))", rf"(?P<s>{STRING})", NUMBER, WORD, keywords=SQL, any_case=True,
    ),
    "toml": _language(
        r"(?P<c>#[^\n]*)", rf"(?P<s>{LONG}|{STRING})", r"(?P<k>(?:(?<=\n)|(?<![\s\S]))\[[^\n]*\])", NUMBER, WORD,
        keywords="true false",
    ),
}  # fmt: skip
"""The languages that are known, by the names that an exhibit of text uses."""
