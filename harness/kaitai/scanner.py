"""Scanner: a position in the text of an expression, with functions that match tokens there."""

from __future__ import annotations

import re
from typing import NoReturn

MAX_DEPTH = 100
MAX_LENGTH = 20_000
SPACE = re.compile(r"(?:[ \t\r\n]|\\\n|#[^\n]*)*")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class ExpressionError(ValueError):
    """A string is not an expression."""

    def __init__(self, text: str, offset: int, what: str) -> None:
        self.offset = offset
        line = text.count("\n", 0, offset) + 1
        column = offset - text.rfind("\n", 0, offset)
        super().__init__(f"in {text.strip()!r}, at {line}:{column}: {what}")


class Scanner:
    """Moves through the text of an expression."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        if len(text) > MAX_LENGTH:
            raise ExpressionError(text[:40], 0, f"longer than {MAX_LENGTH} characters")

    def fail(self, what: str) -> NoReturn:
        """Raise the error for the current position."""
        raise ExpressionError(self.text, self.at, what)

    def space(self) -> None:
        """Skip white space and comments."""
        found = SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def peek(self, *tokens: str) -> str | None:
        """Return the first of the given tokens that matches at the current position, or None."""
        self.space()
        for token in tokens:
            if self.text.startswith(token, self.at):
                return token
        return None

    def take(self, *tokens: str) -> str | None:
        """Match one of the given tokens and move past it."""
        found = self.peek(*tokens)
        if found:
            self.at += len(found)
        return found

    def require(self, token: str) -> None:
        """Match a required token and move past it."""
        if not self.take(token):
            self.fail(f"expected {token!r}, found {self.rest()}")

    def rest(self) -> str:
        """Return the text at the current position, for a message."""
        self.space()
        left = self.text[self.at : self.at + 12]
        return repr(left) if left else "the end"

    def word(self, wanted: str) -> bool:
        """Match a whole word and move past it; return whether it matched."""
        self.space()
        found = NAME.match(self.text, self.at)
        if found and found.group() == wanted:
            self.at = found.end()
            return True
        return False

    def name(self) -> str:
        """Match a name, move past it, and return it."""
        self.space()
        found = NAME.match(self.text, self.at)
        if not found:
            self.fail(f"expected a name, found {self.rest()}")
        self.at = found.end()
        return found.group()
