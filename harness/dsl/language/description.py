"""Descriptive blocks: `baseline { … }` or `experiment Name { … }` becomes one token, regardless of its content."""

from __future__ import annotations

import functools
import re
from collections import Counter

from lark import Token

from harness.core.nearest import nearest_names

KIND = "DESCRIPTION"
UNCLOSED = "UNCLOSED"  # the head of a descriptive block without its closing brace; no grammar rule accepts this token
_GROUPS = frozenset({"MODEL", "TRACE_SCHEMA", "KNOWLEDGE", "EVALUATION"})
_NAMED_GROUPS = frozenset({"SYSTEM", "DOMAIN"})
_SPACES = frozenset({"DESIGN_SPACE", "TUNING_SPACE"})
_UNITS = frozenset({"TASK", "AGENT_LOOP", "SERVICE_LOOP", "ENGINEERING_LOOP", "STEP"})
_BLOCKS = (
    "system domain system_model model trace_schema knowledge type variant fact rule invariant hint design_space "
    "tuning_space build task agent_loop service_loop engineering_loop step evaluation parallel branch measure budget "
    "repeat match"
).split()
"""Keywords of blocks: a head that resembles one of them is a misspelt keyword, not a description."""
_ENDS = frozenset({"LBRACE", "RBRACE", KIND})
_OPENING, _CLOSING = frozenset({"LBRACE", "LSQB"}), frozenset({"RBRACE", "RSQB"})
_OF_TYPES = (
    _OPENING
    | _CLOSING
    | frozenset(
        "KEY NAME STRING NUMBER QUANTITY TRUE FALSE MINUS COMPARE OPTIONAL BAR DOT SLASH PERCENT _COLON _COMMA".split()
    )
)
"""Tokens of the fields of a type."""
_DECLARATIONS = (
    _NAMED_GROUPS
    | _SPACES
    | _UNITS
    | (_GROUPS - {"EVALUATION"})
    | frozenset("RBRACE SYSTEM_MODEL TYPE VARIANT FACT RULE INVARIANT HINT CONST STATE INPUT BUILD TOOLS".split())
)


def collapse_descriptions(found: list[Token], text: str) -> list[Token]:
    """Replace each descriptive block by one token, and insert the colon before each block of a space.

    A descriptive block begins a line, or follows a brace, in a module, group, unit or step. Its content need not be in
    the language.
    """
    result: list[Token] = []
    contexts = ["declarations"]
    kinds = Counter(token.type for token in found)
    lacks_braces = kinds["LBRACE"] > kinds["RBRACE"]
    index = 0
    while index < len(found):
        token = found[index]
        context = contexts[-1]
        is_model = token.type == "MODEL" and _find_brace(found, index) == index + 2
        if is_model:
            token = Token(_kind_of_model(found, index + 2), str(token), token.start_pos, end_pos=token.end_pos)
        if token.type == "NAME" and context != "other" and (is_model or _begins_statement(found, index, text)):
            opened = _find_brace(found, index)
            if opened and context == "space":
                if opened == index + 1:
                    result.append(Token("KEY", str(token), token.start_pos, end_pos=token.end_pos))
                    result.append(Token("_COLON", ":", token.end_pos, end_pos=token.end_pos))
                    index += 1
                    continue
            elif opened and (is_model or not _is_misspelt(str(token))):
                end = _find_end(found, opened)
                start = token.start_pos or 0
                if not end or (lacks_braces and _is_left_of(found[end], token, text)):
                    result.append(Token(UNCLOSED, str(token), start, end_pos=token.end_pos))
                    index = end or len(found)  # the brace at `end` belongs to an outer block
                else:
                    stop = found[end].end_pos or 0
                    result.append(Token(KIND, text[start:stop], start, end_pos=stop))
                    index = end + 1
                continue
        if token.type == "LBRACE":
            contexts.append(_context(found, index, context))
        elif token.type == "RBRACE" and len(contexts) > 1:
            contexts.pop()
        result.append(token)
        index += 1
    return result


def split_description(text: str) -> tuple[str, str]:
    """The head and the label (empty without one) of a descriptive block."""
    head = text.partition("{")[0]
    words = re.findall(r'"[^"]*"|\S+', head)
    return words[0], words[1].strip('"') if len(words) > 1 else ""


def _kind_of_model(found: list[Token], opened: int) -> str:
    """What `model Name { … }` is: a type (it has fields only), a group of declarations, or a description (NAME)."""
    first = found[opened + 1].type if opened + 1 < len(found) else ""
    if first != "KEY":
        return "MODEL" if first in _DECLARATIONS else "NAME"
    end = _find_end(found, opened)
    depth, before = 0, ""
    for token in found[opened + 1 : end]:
        if token.type == "LBRACE" and depth == 0 and before != "_COLON":
            return "MODEL"
        depth += (token.type in _OPENING) - (token.type in _CLOSING)
        if token.type not in _OF_TYPES:
            return "NAME" if end else "TYPE"
        before = token.type
    return "TYPE"


def _context(found: list[Token], index: int, outer: str) -> str:
    before = [token.type for token in found[max(0, index - 2) : index]]
    last, first = before[-1] if before else "", before[0] if len(before) > 1 else ""
    if last in _GROUPS or first in _NAMED_GROUPS | _GROUPS:
        return "declarations"
    if last in _SPACES or outer == "space":
        return "space"
    return "unit" if first in _UNITS else "other"


def _begins_statement(found: list[Token], index: int, text: str) -> bool:
    start = found[index].start_pos or 0
    is_first = not text[text.rfind("\n", 0, start) + 1 : start].strip(" \t\r\f\ufeff")
    return is_first or (index > 0 and found[index - 1].type in _ENDS)


def _find_brace(found: list[Token], index: int) -> int:
    """The index of the block's opening brace, after an optional label; 0 if the word begins no block."""
    kinds = [token.type for token in found[index + 1 : index + 3]]
    if kinds[:1] == ["LBRACE"]:
        return index + 1
    return index + 2 if len(kinds) == 2 and kinds[0] in ("NAME", "STRING") and kinds[1] == "LBRACE" else 0


def _find_end(found: list[Token], opened: int) -> int:
    """The index of the closing brace; 0 if there is none."""
    depth = 0
    for index in range(opened, len(found)):
        kind = found[index].type
        depth += (kind == "LBRACE") - (kind == "RBRACE")
        if depth == 0:
            return index
    return 0


def _is_left_of(closing: Token, head: Token, text: str) -> bool:
    """Whether a closing brace begins its line further left than the head: it belongs to an outer block."""
    line = text.rfind("\n", 0, closing.start_pos) + 1
    column = (closing.start_pos or 0) - line
    start = head.start_pos or 0
    return not text[line : closing.start_pos].strip() and column < start - text.rfind("\n", 0, start) - 1


@functools.lru_cache(maxsize=4096)
def _is_misspelt(word: str) -> bool:
    # Only words of about the same length that begin or end alike are compared: a file may have many heads.
    alike = [b for b in _BLOCKS if abs(len(b) - len(word)) <= 2 and (b[0] == word[0] or b[-1] == word[-1])]
    return bool(alike) and bool(nearest_names(word, alike, cutoff=0.75))
