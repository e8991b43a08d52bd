"""Highlighting: source code with classes for its tokens (Pygments), and differences with their changed words."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache, partial
from typing import Any

from markupsafe import Markup

from harness.report import words
from harness.report.markup import content, element, joined, made, text_of

MAX_LINE = 400  # characters of a line that is shown
MAX_HIGHLIGHTED = 60_000  # characters that are highlighted; more is shown plain
SUFFIXES = {".py": "python", ".yaml": "yaml", ".yml": "yaml", ".json": "json", ".sql": "sql", ".toml": "toml"}
# Short classes of the kinds of tokens that get a colour.
CLASSES = {"Keyword": "k", "Comment": "c", "Literal.String": "s", "Literal.Number": "m", "Name.Function": "f",
           "Name.Class": "f", "Operator.Word": "k", "Name.Tag": "f"}  # fmt: skip


def language_of(path: str) -> str:
    """The language of a file by its suffix; empty if it is not known."""
    return next((name for suffix, name in SUFFIXES.items() if path.endswith(suffix)), "")


def code(text: str, language: str = "") -> Markup:
    """Source code as markup."""
    return joined(lines(text, language), "\n")


def lines(text: str, language: str = "") -> list[Markup]:
    """Source code as lines of markup, each complete in itself."""
    plain = text.splitlines()
    lexer = _lexer(language) if len(text) <= MAX_HIGHLIGHTED and all(len(line) <= MAX_LINE for line in plain) else None
    if lexer is None:
        return [_shown(line) for line in plain]
    return _highlighted("\n".join(words.printable(line.expandtabs(4)) for line in plain), language)[: len(plain)]


@lru_cache(maxsize=256)  # the page is written several times in a long run, each time with the same sources
def _highlighted(text: str, language: str) -> list[Markup]:
    parts: list[str] = []
    for kind, value in _lexer(language).get_tokens(text):
        token, class_ = content(value), _class(kind)
        if class_:  # a line is complete in itself
            token = token.replace("\n", f'</span>\n<span class="{class_}">')
            token = f'<span class="{class_}">{token}</span>'
        parts.append(token)
    return list(map(made, "".join(parts).split("\n")))


def numbered(text: str, language: str = "", *, marked: int | None = None, around: int = 0) -> Markup:
    """Numbered lines, one marked; of a long source only those `around` the marked one if that is not 0."""
    shown = lines(text, language)
    first, last = 0, len(shown)
    if around and len(shown) > 2 * around:
        first = max(0, min(len(shown) - 2 * around, (marked or 1) - around))
        last = first + 2 * around
    parts = [
        made(f'<span class="line{" marked" if number == marked else ""}" data-line="{number}">{line}</span>')
        for number, line in enumerate(shown[first:last], first + 1)
    ]
    return element("pre", element("code", joined(parts, "\n")), class_="code", tabindex="0")


def difference(diff: Sequence[str]) -> Markup:
    """A unified diff with its changed words marked."""
    return element("pre", joined(list(_changes(list(diff))), "\n"), class_="code diff", tabindex="0")


def _changes(diff: list[str]) -> Iterator[Markup]:
    at = 0
    while at < len(diff):
        line = diff[at]
        if line.startswith("-") and not line.startswith("---"):
            removed = _block(diff, at, "-")
            added = _block(diff, at + len(removed), "+")
            if len(removed) == len(added):
                pairs = [_words(old[1:], new[1:]) for old, new in zip(removed, added, strict=True)]
                yield from (element("del", Markup("-"), old) for old, _ in pairs)
                yield from (element("ins", Markup("+"), new) for _, new in pairs)
            else:
                yield from (element("del", _shown(one)) for one in removed)
                yield from (element("ins", _shown(one)) for one in added)
            at += len(removed) + len(added)
            continue
        if line.startswith("+") and not line.startswith("+++"):
            yield element("ins", _shown(line))
        elif line.startswith(("@@", "---", "+++")):
            yield element("span", _shown(line), class_="c")
        else:
            yield _shown(line)
        at += 1


def _block(diff: Sequence[str], at: int, sign: str) -> list[str]:
    end = at
    while end < len(diff) and diff[end].startswith(sign) and not diff[end].startswith(sign * 3):
        end += 1
    return list(diff[at:end])


def _words(old: str, new: str) -> tuple[Markup, Markup]:
    """Two lines with the words that differ marked; lines that are too long or too different are plain."""
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False) if max(len(old), len(new)) <= MAX_LINE else None
    if matcher is None or matcher.quick_ratio() < 0.4:
        return _shown(old), _shown(new)
    left, right = Markup(""), Markup("")
    for what, a, b, c, d in matcher.get_opcodes():
        if what == "equal":
            left, right = left + _shown(old[a:b]), right + _shown(new[c:d])
        else:
            left += element("b", _shown(old[a:b])) if b > a else Markup("")
            right += element("b", _shown(new[c:d])) if d > c else Markup("")
    return left, right


def _shown(text: str) -> Markup:
    if "\t" in text:
        text = text.expandtabs(4)
    if len(text) > MAX_LINE:
        text = f"{text[: MAX_LINE - 1]}…"
    return made(text_of(text))


@cache
def _class(kind: Any) -> str:
    name = str(kind).removeprefix("Token.")
    return next((class_ for start, class_ in CLASSES.items() if name.startswith(start)), "")


@cache
def _lexer(language: str) -> Any:
    if not language:
        return None
    from pygments.lexers import get_lexer_by_name  # pytest brings Pygments; it is imported where code is shown
    from pygments.util import ClassNotFound

    from harness.report.python_lexer import PlainRunLexer

    try:
        make = PlainRunLexer if language == "python" else partial(get_lexer_by_name, language)
        return make(stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
