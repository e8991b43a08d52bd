"""Gate text: the string of a gate, made safe for Python's own parser; errors are shown with a caret."""

from __future__ import annotations

import ast
import re
import warnings

from harness.core.errors import UsageError

MAX_LENGTH = 2000  # characters
MAX_TOKENS = 250  # a chain of operators is as deep a tree as it is long

_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_STRING = r"\"[^\"]*\"|'[^']*'"
_SYMBOL = r">=|<=|==|!=|,(?!\s*\))|[<>+\-*/().]"
_TOKEN = re.compile(
    rf"(?P<number>{_NUMBER})|(?P<name>[A-Za-z_]\w*)|(?P<string>{_STRING})|(?P<symbol>{_SYMBOL})|(?P<stray>\S)", re.ASCII
)
_SPACE = " \t\n\r\f\v"
_NEEDED = "write an aggregate such as `mean(score)`, or a number"


class GateText:
    """A gate as its author wrote it, without white space around it; places are offsets into it."""

    def __init__(self, text: str) -> None:
        self.text = text.strip(_SPACE)

    def parse(self) -> ast.expr:
        """The expression as Python's parser sees it: one line of ASCII, so that its offsets are ours.

        Raises:
            UsageError: if it is not an expression, or too long or deep.
        """
        tokens = list(_TOKEN.finditer(self.text)) if len(self.text) <= MAX_LENGTH else []
        if len(tokens) > MAX_TOKENS or (self.text and not tokens):
            raise UsageError("wrong gate: this is too long", fix="use several --gate")
        for token in tokens:
            if token.lastgroup == "stray":
                raise self._stray(token.start(), token[0])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # `1and` is valid here
                masked = _TOKEN.sub(_mask, self.text)
                return ast.parse(re.sub(r"\s", " ", masked), mode="eval").body
        except SyntaxError as error:
            place = (error.offset or 0) - 1
            following = [token for token in tokens if 0 <= place < token.end()]
            if not following:
                raise self.error(len(self.text), "the gate ends here", _NEEDED) from None
            token = following[0]
            if "never closed" in error.msg:
                raise self.error(place, f"`{token[0]}` is never closed", "close the parenthesis") from None
            if "forgot a comma" in error.msg:
                fix = "write a comma or an operator between two names"
                raise self.error(place, "a comma is missing after this", fix) from None
            fix = f"join comparisons with `and` or `or`; {_NEEDED}"
            raise self.error(token.start(), f"`{token[0]}` is not expected here", fix) from None
        except (RecursionError, MemoryError):
            raise self.error(0, "this is nested too deeply", "use several --gate") from None

    def _stray(self, place: int, character: str) -> UsageError:
        what, fix = {
            '"': ("this string is not closed", "close it with the same quote"),
            "'": ("this string is not closed", "close it with the same quote"),
            "=": ("`=` is not a comparison", "write `==`"),
            ",": ("an argument is missing after this comma", "remove the comma"),
        }.get(
            character, (f"{character!r} is not allowed", "write names, numbers, quoted strings and + - * / ( ) . , < =")
        )
        return self.error(place, what, fix)

    def error(self, place: int, what: str, fix: str) -> UsageError:
        """An error with a caret below the character at `place`."""
        line = "".join(character if character.isprintable() else " " for character in self.text)
        return UsageError(f"wrong gate: {what}\n    {line}\n    {' ' * place}^", fix=fix)

    def unexpected(self, node: ast.expr | ast.keyword) -> UsageError:
        """The error of an expression that the gate language lacks."""
        return self.error(node.col_offset, f"`{self.source(node)}` is not part of the gate language", _NEEDED)

    def source(self, node: ast.expr | ast.keyword | None) -> str:
        """The part of the text that became a node, as it was written."""
        return "" if node is None else self.text[node.col_offset : node.end_col_offset]

    def string(self, node: ast.expr | None) -> str | None:
        """The value of one quoted string, None for any other node."""
        return self.source(node)[1:-1] if re.fullmatch(_STRING, self.source(node)) else None

    def number(self, node: ast.expr | None) -> str | None:
        """A number as it was written, None for any other node."""
        return self.source(node) if re.fullmatch(_NUMBER, self.source(node), re.ASCII) else None

    def operator(self, left: ast.expr, right: ast.expr) -> tuple[int, str]:
        """Place and spelling of the operator between two operands."""
        between = self.text[left.end_col_offset : right.col_offset]
        found = between.strip(f"(){_SPACE}")
        return right.col_offset - len(between) + between.index(found), found


def _mask(token: re.Match[str]) -> str:
    """A token for Python's parser: no escapes in strings, no zeros in front of integers."""
    text = token[0]
    if token.lastgroup == "string":
        return text[0] + "x" * (len(text) - 2) + text[0]
    if text.isdecimal() and text != "0":
        digits = text.lstrip("0") or "0"
        return digits + ("." + "0" * len(text))[: len(text) - len(digits)]
    return text
