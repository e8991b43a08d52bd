"""Parser: source to syntax tree. All syntax errors are found in one pass, each with what was expected."""

from __future__ import annotations

import re
from bisect import bisect_left

from lark import Lark, Token
from lark.exceptions import UnexpectedToken

from harness.core.nearest import nearest
from harness.dsl.language import syntax
from harness.dsl.language.description import KIND, UNCLOSED, collapse_descriptions
from harness.dsl.language.diagnostic import MAX_SYNTAX_ERRORS, Diagnostic, Lines
from harness.dsl.language.enclosing_text import find_program
from harness.dsl.language.lalr_parser import lalr_parser
from harness.dsl.language.lexer import KEYWORDS, tokens

MAX_CHARACTERS = 4_000_000
MAX_TOKENS = 400_000
MAX_DEPTH = 48  # maximum depth of brackets: recursive functions over the tree need a few stack frames for each
MAX_OPERATORS = 150  # maximum number of operators in one expression, for the same reason

_DISPLAY_NAMES = {
    "LBRACE": "'{'", "RBRACE": "'}'", "_COLON": "':'", "LPAR": "'('", "RPAR": "')'", "LSQB": "'['", "RSQB": "']'",
    "DOT": "'.'", "_COMMA": "','", "_EQUAL": "'='", "ARROW": "'->'", "BAR": "'|'", "DOTDOT": "'..'", "OPTIONAL": "'?'",
    "NAME": "a name", "KEY": "`name:`", "TARGET": "`name =`", "STRING": "a string", "LONG_STRING": "a string",
    "CALLEE": "a call (`tool.run {`)", "$END": "the end of the file", "PERCENT": "a unit", "COMPARE": "a bound (`> 0`)",
}  # fmt: skip
UNMATCHED_BRACE = "unmatched '}'"
MAX_WORDS = 8  # maximum number of keywords that a message lists
_VALUE = frozenset({"NUMBER", "QUANTITY", "STRING", "LONG_STRING", "TRUE", "FALSE", "NAME", "LPAR", "LSQB"})
_OPERATOR = frozenset({"AND", "OR", "COMPARE", "PLUS", "MINUS", "STAR", "SLASH"})
_COUNTED = _OPERATOR | {"NOT", "DOT", "LSQB", "LPAR"}
_ENDS_COUNT = frozenset({"LBRACE", "RBRACE", "KEY", "TARGET", "_COMMA"}) | {word.upper() for word in KEYWORDS}
_PAIRS = {"LBRACE": "RBRACE", "LPAR": "RPAR", "LSQB": "RSQB"}
_STARTS = {word.upper() for word in KEYWORDS} - {"MATCHES", "IN", "UNTIL", "ELSE"} | {"KEY", "TARGET", "CALLEE"}
_HEADS = frozenset({"STEP", "CHECK", "EXPECT", "LET", "PARAMETER", "CONST", "STATE", "INPUT"})
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_ESCAPES = frozenset('ntr0"\\/')


def parse(text: str) -> tuple[syntax.Module, list[Diagnostic]]:
    """The syntax tree of a source and its syntax errors; invalid statements are left out of the tree.

    Time is linear in the source for each reported error; at most `MAX_SYNTAX_ERRORS` are reported.
    """
    if len(text) > MAX_CHARACTERS:
        return syntax.Module([]), [
            _error("E107", f"the file has {len(text)} characters, the maximum is {MAX_CHARACTERS}", 0)
        ]
    module, problems = _parse(text)
    if not problems or any(problem.code == "E107" for problem in problems):
        return module, problems
    surrounded = find_program(text)
    if surrounded.problem is not None:
        return syntax.Module([]), [surrounded.problem]
    if surrounded.note is None:
        return module, problems
    module, problems = _parse(surrounded.program)
    return module, [*problems, surrounded.note]


def _parse(text: str) -> tuple[syntax.Module, list[Diagnostic]]:
    found = tokens(text, limit=MAX_TOKENS)
    if len(found) > MAX_TOKENS:
        return syntax.Module([]), [_error("E107", f"the file has more than {MAX_TOKENS} tokens", found[MAX_TOKENS])]
    found = collapse_descriptions(found, text)
    problems = list(_lexical(found))
    if any(problem.code == "E107" for problem in problems):
        return syntax.Module([]), problems
    parser, lines, opened = lalr_parser(), Lines(text), None
    level, frontier = 0, -1
    while True:
        try:
            return _module(parser, found), problems
        except UnexpectedToken as error:
            at = _index(found, error.token)
        opened = opened or _unclosed(found, lines)
        place = (found[at].start_pos or 0) if at < len(found) else len(text)
        if place <= frontier:
            level += 1  # a consequence of the previous error: leave out the enclosing block
        else:
            level = 0
            problem = _unexpected(parser, found, at, lines, opened)
            # A missing '{' leaves its '}' unmatched: this is not a second error.
            if problem.message != UNMATCHED_BRACE or not any(p.message.endswith("expected '{'") for p in problems):
                problems.append(problem)
        if len(problems) >= MAX_SYNTAX_ERRORS:
            return syntax.Module([]), problems
        start, end = _damaged(found, at, level)
        frontier = max(place, (found[end].start_pos or 0) if end < len(found) else len(text))
        del found[start:end]


def _module(parser: Lark, found: list[Token]) -> syntax.Module:
    module = parser.parse(found)
    if not isinstance(module, syntax.Module):
        raise TypeError(type(module).__name__)
    return module


def _error(code: str, message: str, at: Token | int, *, note: str = "") -> Diagnostic:
    span = (at, at + 1) if isinstance(at, int) else (at.start_pos or 0, at.end_pos or 0)
    return Diagnostic(code, message, span, note)


def _lexical(found: list[Token]) -> list[Diagnostic]:
    """Errors of single tokens, and nesting that would exhaust the stack; invalid tokens are removed from `found`."""
    problems: list[Diagnostic] = []
    bad: list[int] = []
    depth = run = 0
    for number, token in enumerate(found):
        kind = token.type
        if kind == "UNKNOWN":
            bad.append(number)
            if str(token).startswith('"'):
                problems.append(_error("E102", "this string is not closed on its line", token, note='add a closing "'))
            elif token[0].isdigit():
                problems.append(_error("E101", f"a name cannot begin with a digit: {_quoted(token)}", token))
            elif not bad[:-1] or found[bad[-2]].end_pos != token.start_pos:
                problems.append(_error("E101", f"unexpected character {str(token)!r}", token))
        elif kind == "STRING" and "\\" in token:
            bad_escapes = (e for e in _ESCAPE.finditer(token) if len(e[1]) == 1 and e[1] not in _ESCAPES)
            escape = next(bad_escapes, None)
            if escape:
                at = (token.start_pos or 0) + escape.start()
                note = r"supported: \n \t \r \" \\ \/ \0 and \u0000"
                problems.append(
                    _error("E103", f"unknown escape {token[escape.start() : escape.start() + 2]}", at, note=note)
                )
        elif kind in _PAIRS:
            depth += 1
            run = run + 1 if kind != "LBRACE" else 0
            if depth > MAX_DEPTH:
                return [_error("E107", f"nested more than {MAX_DEPTH} deep", token)]
        elif kind in _COUNTED:
            run += 1
        elif kind in _ENDS_COUNT:
            run, depth = 0, depth - (kind == "RBRACE")
        elif kind in ("RPAR", "RSQB"):
            depth -= 1
        if run > MAX_OPERATORS:
            return [_error("E107", f"the expression has more than {MAX_OPERATORS} operators", token)]
        if len(problems) >= MAX_SYNTAX_ERRORS:
            break
    for number in reversed(bad):
        del found[number]
    return problems


def _index(found: list[Token], token: Token) -> int:
    if token.type == "$END":
        return len(found)
    return bisect_left(found, token.start_pos or 0, key=lambda t: t.start_pos or 0)


def _unexpected(parser: Lark, found: list[Token], at: int, lines: Lines, opened: Token | None) -> Diagnostic:
    """The error at a token, from the state of the parser before it: later reductions narrow the expected tokens."""
    state = parser.parse_interactive()
    for token in found[:at]:
        state.feed_token(token)
    accepted = set(state.accepts())  # type: ignore[no-untyped-call]
    expected = _describe_expected(accepted)
    note = ""
    if at:
        before = found[at - 1]
        place = lines.place(before.start_pos or 0)[0]
        if at == len(found) or lines.place(found[at].start_pos or 0)[0] != place:
            note = f"after {str(before)[:30]!r} in line {place}"
    if opened is not None and (at == len(found) or (found[at].start_pos or 0) > (opened.start_pos or 0)):
        line, column = lines.place(opened.start_pos or 0)
        note = f"the {_DISPLAY_NAMES[opened.type]} of {line}:{column} is not closed"
    if at == len(found):
        if opened is not None:
            expected = _DISPLAY_NAMES[_PAIRS[opened.type]]
        end = len(lines.text.rstrip())
        return Diagnostic("E105", f"unexpected end of file, expected {expected}", (end, end + 1), note)
    token = found[at]
    if token.type == UNCLOSED:
        return _error("E105", f"the block {_quoted(token)} is not closed", token, note="add its '}'")
    if token.type == "RBRACE" and not _open_braces(found, at):
        return _error("E104", UNMATCHED_BRACE, token)
    if token.type == "CALLEE" and at > 1 and found[at - 2].type in ("STEP", "CHECK"):
        return _error("E104", f"unexpected {_quoted(token)}, expected ':'", token, note=f"`{found[at - 1]}: {token}`")
    hint = (
        nearest(token, {word for word in KEYWORDS if word.upper() in accepted}, max_choices=0)
        if token.type in _WORDS
        else ""
    )
    return _error("E104", f"unexpected {_quoted(token)}{hint or f', expected {expected}'}", token, note=note)


_WORDS = frozenset({"NAME", "KEY", "TARGET", "CALLEE"})


def _quoted(token: Token) -> str:
    text = str(token)
    return repr(text if len(text) <= 40 else text[:39] + "…")


def _describe_expected(accepted: set[str]) -> str:
    rest = accepted - {KIND}
    names = []
    if rest >= _VALUE:
        rest -= _VALUE | {"MINUS", "NOT", "LBRACE"}
        names.append("a value")
    if len(rest & _OPERATOR) > 3:
        rest -= _OPERATOR | {"DOT", "LSQB"}
        names.append("an operator")
    keywords = {kind for kind in rest if kind.lower() in KEYWORDS}
    groups = []
    if len(keywords) > MAX_WORDS:
        # A long list of keywords is less clear than its category.
        groups = ["a statement (step, let, if ...)"] if "LET" in keywords else ["a declaration (task, fact, const ...)"]
        rest -= keywords | {"TARGET", "CALLEE"}
        keywords = set()
    names += sorted({_DISPLAY_NAMES[kind] for kind in rest - keywords if kind in _DISPLAY_NAMES})
    names += [*groups, *sorted(kind.lower() for kind in keywords)]
    names += sorted(kind.lower() for kind in rest - keywords if kind not in _DISPLAY_NAMES)
    return " or ".join(names) if len(names) < 3 else ", ".join(names[:-1]) + " or " + names[-1]


def _unclosed(found: list[Token], lines: Lines) -> Token | None:
    """The bracket that is not closed, or None.

    A missing brace leaves the outermost block open. Where the lines are indented, the block that lacks its brace is
    the innermost one whose closing brace stands further left than the line that opens it.
    """
    stack: list[Token] = []
    shifted: Token | None = None
    for token in found:
        if token.type in _PAIRS:
            stack.append(token)
        elif stack and token.type == _PAIRS[stack[-1].type]:
            opened = stack.pop()
            if shifted is None and _closes_left_of(token, opened, lines):
                shifted = opened
    return (shifted or stack[-1]) if stack else None


def _closes_left_of(closing: Token, opened: Token, lines: Lines) -> bool:
    """Whether a closing bracket begins its line, further left than the line of the opening one."""
    place, column = lines.place(closing.start_pos or 0)
    if lines.line(place)[: column - 1].strip():
        return False
    line = lines.line(lines.place(opened.start_pos or 0)[0])
    return column - 1 < len(line) - len(line.lstrip())


def _damaged(found: list[Token], at: int, level: int) -> tuple[int, int]:
    """The range of tokens to leave out: the statement around a token, or the enclosing block `level` levels up."""
    opened = _open_braces(found, at)
    if at >= len(found):
        return (_start(found, opened[0]), len(found)) if opened else (0, len(found))
    if not opened:
        return (at, at + 1) if found[at].type in _PAIRS.values() else (_start(found, at), _end(found, at))
    if level or found[at].type == "RBRACE":
        # The end of the block interrupts a statement, or the whole block is invalid.
        level -= found[at].type == "RBRACE" and _start(found, at) < at
        if level >= 0:
            brace = opened[max(0, len(opened) - 1 - level)]
            return _start(found, brace), _end(found, brace)
    start, end = _start(found, at), _end(found, at)
    return (start, end) if start < end else (at, at + 1)


def _open_braces(found: list[Token], at: int) -> list[int]:
    stack: list[int] = []
    for index in range(at):
        if found[index].type == "LBRACE":
            stack.append(index)
        elif found[index].type == "RBRACE" and stack:
            stack.pop()
    return stack


def _start(found: list[Token], at: int) -> int:
    """Index of the first token of the statement around a token."""
    for index in range(at - 1, -1, -1):
        kind = found[index].type
        if kind in ("LBRACE", "RBRACE"):
            return index + 1
        if kind in _STARTS and not (index and found[index - 1].type in _HEADS):
            return index
    return 0


def _end(found: list[Token], at: int) -> int:
    """End index (exclusive) of the statement around a token."""
    depth = 0
    for index in range(at, len(found)):
        kind = found[index].type
        if kind == "LBRACE":
            depth += 1
        elif kind == "RBRACE":
            if depth == 0:
                return index
            depth -= 1
            if depth == 0:
                return index + 1
        elif depth == 0 and index > at and kind in _STARTS:
            return index
    return len(found)
