"""Program: the text of a task, parsed, with the position of every part."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken

from harness.core.digest import digest_bytes

MAX_BYTES = 256 * 1024
_SHOWN = {
    "LBRACE": "'{'", "RBRACE": "'}'", "COLON": "':'", "LPAR": "'('", "RPAR": "')'", "DOT": "'.'", "COMMA": "','",
    "NAME": "a name", "BARE": "a name", "STRING": "a text", "LONG_STRING": "a text", "ACTOR": "tool or llm",
    "PROSE": "axiom, heuristic or prediction", "$END": "the end",
}  # fmt: skip
_ESCAPES = {'\\"': '"', "\\\\": "\\", "\\n": "\n", "\\t": "\t"}


class ProgramError(Exception):
    """The text is not a program, or contradicts itself; a fault of the program, with its position."""

    def __init__(self, message: str, line: int, column: int) -> None:
        self.message, self.line, self.column = message, line, column
        super().__init__(f"{line}:{column}: {message}")


@dataclass(frozen=True, slots=True)
class Text:
    """A value, and where it stands."""

    value: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a tool or of a language model; a check is a step whose result is compared."""

    name: str
    actor: str
    op: str
    params: dict[str, Text]
    line: int
    column: int
    source: str
    """The statement's own text: its identity."""
    is_check: bool = False

    @property
    def call(self) -> str:
        """`tool.write`, as the program says it."""
        return f"{self.actor}.{self.op}"

    def param(self, name: str) -> str:
        """A parameter's text, empty if it is absent."""
        return self.params[name].value if name in self.params else ""


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of `success:`; all must hold."""

    op: str
    args: tuple[Text, ...]
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.op}({', '.join(repr(a.value) for a in self.args)})"


@dataclass(frozen=True, slots=True)
class Program:
    """A task that may be checked and run."""

    name: str
    digest: str
    steps: tuple[Step, ...]
    """The task's steps, then its checks, in the order of the text."""
    success: tuple[Condition, ...]
    success_line: int | None
    prose: int
    """Axioms, heuristics and predictions: kept, never counted as something that was verified."""


def parse_program(data: bytes) -> Program:
    """Parse a program's text.

    Raises:
        ProgramError: at the first place where it is no program.
    """
    if len(data) > MAX_BYTES:
        raise ProgramError(f"{len(data)} bytes, at most {MAX_BYTES} are read", 1, 1)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ProgramError("not UTF-8", line, error.start - data.rfind(b"\n", 0, error.start)) from error
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        raise _explain(error, text) from error
    return _build(tree, text, digest_bytes(data))


@cache
def _parser() -> Lark:
    grammar = Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", propagate_positions=True, maybe_placeholders=False)


def _explain(error: UnexpectedInput, text: str) -> ProgramError:
    wanted: set[str] = set()
    if isinstance(error, UnexpectedToken):
        wanted, found = error.accepts or error.expected, repr(str(error.token))
        ended = error.token.type == "$END"
    elif isinstance(error, UnexpectedCharacters):
        wanted, found, ended = error.allowed or set(), repr(error.char), False
    else:
        ended = True
    if ended or isinstance(error, UnexpectedEOF):
        last = text.rstrip()
        line, column = last.count("\n") + 1, len(last) - last.rfind("\n")
        found = "the text ends"
    else:
        line, column = error.line, error.column
    names = sorted({_SHOWN.get(name, name.lower()) for name in wanted})
    expected = f", expected {' or '.join(names)}" if names else ""
    return ProgramError(f"{found}{expected}" if ended else f"unexpected {found}{expected}", line, column)


def _text(token: Token) -> Text:
    raw = str(token)
    if token.type == "LONG_STRING":
        raw = raw[3:-3]
    elif token.type == "STRING":
        raw = re.sub(r"\\.", lambda m: _ESCAPES[m.group()], raw[1:-1])
    return Text(raw, token.line or 1, token.column or 1)


def _build(tree: Tree[Token], text: str, digest: str) -> Program:
    task = next(tree.find_data("task"))
    steps = [_step(node, text) for node in tree.find_data("step")]
    checks = [_step(node, text, is_check=True) for node in tree.find_data("check")]
    found = sorted(steps, key=_place) + sorted(checks, key=_place)
    success = next(tree.find_data("success"), None)
    conditions = [] if success is None else [_condition(node) for node in success.find_data("condition")]
    return Program(
        name=str(task.children[0]),
        digest=digest,
        steps=tuple(found),
        success=tuple(sorted(conditions, key=_place)),
        success_line=None if success is None else success.meta.line,
        prose=sum(1 for _ in tree.find_data("prose")),
    )


def _place(part: Step | Condition) -> tuple[int, int]:
    return part.line, part.column


def _step(node: Tree[Token], text: str, *, is_check: bool = False) -> Step:
    name, call = _token(node.children[0]), _tree(node.children[1])
    params: dict[str, Text] = {}
    for param in call.children[2:]:
        key, value = (_token(part) for part in _tree(param).children)
        if str(key) in params:
            raise ProgramError(f"{key} is given twice", key.line or 1, key.column or 1)
        params[str(key)] = _text(value)
    return Step(
        name=str(name),
        actor=str(call.children[0]),
        op=str(call.children[1]),
        params=params,
        line=name.line or 1,
        column=name.column or 1,
        source=text[name.start_pos : call.meta.end_pos],
        is_check=is_check,
    )


def _condition(node: Tree[Token]) -> Condition:
    name = _token(node.children[0])
    args = tuple(_text(_token(part)) for part in node.children[1:])
    return Condition(str(name), args, name.line or 1, name.column or 1)


def _token(part: Any) -> Token:
    if not isinstance(part, Token):
        raise TypeError(type(part).__name__)
    return part


def _tree(part: Any) -> Tree[Token]:
    if not isinstance(part, Tree):
        raise TypeError(type(part).__name__)
    return part
