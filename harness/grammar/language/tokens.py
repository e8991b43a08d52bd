"""Tokens: the lexer of the expression language."""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_TEXT = 8_192
MAX_DIGITS = 80
_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n]+)"
    r"|(?P<float>[0-9][0-9_]*\.[0-9][0-9_]*(?:[eE][-+]?[0-9]{1,3})?|[0-9][0-9_]*[eE][-+]?[0-9]{1,3})"
    r"|(?P<int>0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|[0-9][0-9_]*)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<text>\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<raw>'[^']*')"
    r"|(?P<mark>::|<<|>>|==|!=|<=|>=|&&|\|\||[-+*/%&|^~!<>?:.,()\[\]])",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([0-7]{1,3})|(.))", re.DOTALL)
_ESCAPES = {"a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b"}
_WORDS = {"&&": "and", "||": "or", "!": "not"}


class ExpressionError(Exception):
    """A string is not an expression.

    Args:
        at: 0-based character.
    """

    def __init__(self, message: str, at: int) -> None:
        self.message, self.at = message, at
        super().__init__(f"{message} (at character {at + 1})")


class Token(NamedTuple):
    """One token: `int`, `float`, `name`, `text`, `mark` or `end`."""

    kind: str
    text: str
    value: int | float | str | None
    at: int


def tokens(text: str) -> list[Token]:
    """Split an expression into tokens; the last one has the kind `end`.

    Raises:
        ExpressionError: at the first character that does not begin a token.
    """
    if len(text) > MAX_TEXT:
        raise ExpressionError(f"an expression has at most {MAX_TEXT} characters", MAX_TEXT)
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ExpressionError(f"unexpected character {text[at]!r}", at)
        kind, body = match.lastgroup or "", match[0]
        if kind != "space":
            found.append(_token(kind, body, at))
        at = match.end()
    found.append(Token("end", "", None, len(text)))
    return found


def _token(kind: str, body: str, at: int) -> Token:
    if kind == "int":
        if len(body) > MAX_DIGITS:
            raise ExpressionError(f"a number of {len(body)} digits", at)
        digits = body.replace("_", "")
        base = {"x": 16, "b": 2, "o": 8}.get(digits[1:2].lower(), 10)
        try:
            return Token("int", body, int(digits, base) if base != 10 else int(digits, 10), at)
        except ValueError:
            raise ExpressionError(f"{body!r} is not a number", at) from None
    if kind == "float":
        return Token("float", body, float(body.replace("_", "")), at)
    if kind == "text":
        return Token("text", body, _ESCAPE.sub(_unescape, body[1:-1]), at)
    if kind == "raw":
        return Token("text", body, body[1:-1], at)
    if kind == "mark" and body in _WORDS:
        return Token("name", _WORDS[body], None, at)
    return Token(kind, body, None, at)


def _unescape(found: re.Match[str]) -> str:
    if found[1] or found[2]:
        return chr(int(found[1] or found[2], 16))
    if found[3]:
        return chr(int(found[3], 8))
    return _ESCAPES.get(found[4], found[4])
