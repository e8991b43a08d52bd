"""Lexer: source to tokens. Keywords are soft: `state` or `task` are ordinary names where a name is allowed."""

from __future__ import annotations

import re

from lark import Token
from lark.common import LexerConf
from lark.lexer import Lexer

from harness.dsl.types import UNITS

KEYWORDS = frozenset(
    """system_model task step evaluation check expect system domain type matches model state trace_schema variant case
    knowledge fact rule invariant hint const input agent_loop service_loop engineering_loop on parameter measure budget
    design_space tuning_space build artifact emit if else let for in repeat until parallel branch run match fail
    return wait tools""".split()
)
WORD_OPERATORS = {"and": "AND", "or": "OR", "not": "NOT", "true": "TRUE", "false": "FALSE"}
_NAMING = frozenset(
    """TASK STEP CHECK EXPECT SYSTEM DOMAIN SYSTEM_MODEL TYPE STATE VARIANT FACT RULE INVARIANT HINT CONST INPUT
    AGENT_LOOP SERVICE_LOOP ENGINEERING_LOOP ON PARAMETER LET FOR BRANCH RUN EMIT CASE ARTIFACT MODEL TRACE_SCHEMA
    KNOWLEDGE""".split()
)
"""After these tokens every word is a name."""
_TYPED = frozenset({"LET", "STATE", "CONST", "INPUT"})
_OPERAND_FOLLOWS = frozenset(
    """_COLON _EQUAL LPAR _COMMA LSQB DOT ARROW OR AND NOT COMPARE PLUS MINUS STAR SLASH BAR DOTDOT
    IF IN MATCH REPEAT UNTIL RETURN FAIL""".split()
)
_NUMBERS = frozenset({"NUMBER", "QUANTITY", "LABEL"})
_NO_CALL_AFTER = _OPERAND_FOLLOWS - {"_COLON"} | {"EMIT"}
_UNIT = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
_NUMBER = r"\d+(?:_\d+)*(?:\.\d+)?(?:[eE][+-]?\d+)?"
_TOKEN = re.compile(
    rf"""(?P<SKIP>[ \t\r\n\f\ufeff]+|\#[^\n]*|//[^\n]*|`+(?:spak-dsl|dsl)?[ \t]*(?=\r?\n|\Z))
    |(?P<CALLEE>[A-Za-z_]\w*\.[A-Za-z_]\w*(?=\s*\{{))
    |(?P<WORD>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<LONG_STRING>\"\"\".*?\"\"\")
    |(?P<STRING>"(?:[^"\\\n]|\\.)*")
    |(?P<QUANTITY>{_NUMBER}(?:{_UNIT})(?![A-Za-z0-9_]))
    |(?P<NUMBER>{_NUMBER}(?![A-Za-z0-9_]))
    |(?P<LABEL>\d\w*)
    |(?P<ARROW>->)|(?P<AND>&&)|(?P<OR>\|\|)|(?P<COMPARE>==|!=|<=|>=|<|>)|(?P<DOTDOT>\.\.)
    |(?P<LBRACE>\{{)|(?P<RBRACE>\}})|(?P<LPAR>\()|(?P<RPAR>\))|(?P<LSQB>\[)|(?P<RSQB>\])
    |(?P<_COLON>:)|(?P<_COMMA>[,;])|(?P<_EQUAL>=)|(?P<DOT>\.)|(?P<NOT>!)|(?P<BAR>\|)|(?P<OPTIONAL>\?)
    |(?P<PLUS>\+)|(?P<MINUS>-)|(?P<STAR>\*)|(?P<SLASH>/)|(?P<PERCENT>%)
    |(?P<UNKNOWN>.)""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
FRONT_MATTER = re.compile(r"\s*---\n.*?\n---\n", re.DOTALL)
_AFTER = re.compile(r"[ \t\r\n]*(:(?!:)|=(?!=)|[.,)\]])?")


def tokens(text: str, *, limit: int = 1 << 30) -> list[Token]:
    """All tokens without comments and white space; invalid characters have type UNKNOWN and are not rejected here.

    Args:
        limit: Maximum number of tokens; the result has one more if the source exceeds it.
    """
    found: list[Token] = []
    append, previous, typed = found.append, "", False
    front = FRONT_MATTER.match(text)
    for match in _TOKEN.finditer(text, front.end() if front else 0):
        kind = match.lastgroup or "UNKNOWN"
        if kind == "SKIP":
            continue
        word = match.group()
        if kind == "CALLEE" and previous in _NO_CALL_AFTER:
            # `if t.passed {`: a path, not a call
            start = match.start()
            head, _, tail = word.partition(".")
            append(Token(WORD_OPERATORS.get(head, "NAME"), head, start, end_pos=start + len(head)))
            append(Token("DOT", ".", start + len(head), end_pos=start + len(head) + 1))
            append(Token("NAME", tail, start + len(head) + 1, end_pos=match.end()))
            previous = "NAME"
            continue
        if kind in _NUMBERS and previous == "STEP" and "/" not in word and "." not in word:
            kind = "WORD"  # the name of a step can begin with a digit
        elif kind == "LABEL":
            kind = "UNKNOWN"
        if kind == "WORD":
            kind = _word(word, text, match.end(), previous, typed=typed)
            typed = (kind == "KEY" and previous in _TYPED) or (typed and kind == "NAME")
        elif kind == "_EQUAL":
            typed = False
        append(Token(kind, word, match.start(), end_pos=match.end()))
        previous = kind
        if len(found) > limit:
            break
    return found


def _word(word: str, text: str, end: int, previous: str, *, typed: bool) -> str:
    if previous == "DOT":
        return "NAME"
    after = _AFTER.match(text, end)
    follows = after.group(1) if after else None
    if follows == ":":
        return "KEY"
    if follows == "=" and previous not in _OPERAND_FOLLOWS and not (typed and word in UNITS):
        return "TARGET"
    if word in WORD_OPERATORS:
        return WORD_OPERATORS[word]
    if word not in KEYWORDS or (follows and word != "else") or previous in _NAMING:
        return "NAME"
    if previous in _OPERAND_FOLLOWS and not (previous == "ARROW" and word == "emit"):
        return "NAME"
    return word.upper()


class TokenList(Lexer):
    """Passes existing tokens to Lark."""

    __future_interface__ = 0

    def __init__(self, conf: LexerConf) -> None:
        pass

    def lex(self, data: list[Token]) -> list[Token]:  # type: ignore[override]
        """Return the tokens unchanged: the lexer has already made them."""
        return data
