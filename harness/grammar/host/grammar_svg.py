"""Grammar SVG: a drawing of a grammar; types are boxes of fields, in columns by their distance from the root."""

from __future__ import annotations

from harness.core.box_drawing import MARGIN, Box, Line, draw_boxes
from harness.grammar.language.expression import Expr
from harness.grammar.language.grammar import Checks, Field, Grammar, Word
from harness.grammar.language.printer import print_expression
from harness.grammar.language.reach import references, tops

MAX_FIELDS, MAX_LABELS = 40, 24  # of a type, and of an enum, that are drawn
_WIDTH, _GAP, _STEP = 320, 70, 16  # of a column, between columns, between boxes, in pixels
_COLOURS = {"root": "#dbeafe", "type": "#ffffff", "enum": "#fef9c3", "unused": "#f5f5f4"}


def draw(grammar: Grammar, name: str) -> str:
    """A complete SVG document; a line leads from each field to each type that it may have."""
    columns = _columns(grammar)
    boxes: dict[str, Box] = {}
    for number, names in enumerate(columns):
        y = MARGIN
        for one in names:
            definition = grammar.types[one]
            kind = "root" if one in tops(grammar) else "unused" if number == len(columns) - 1 and number else "type"
            params = f"({', '.join(definition.params)})" if definition.params else ""
            notes = [_field(field) for field in (*definition.fields, *definition.instances)]
            box = Box(kind, one + params, _cut(notes, MAX_FIELDS), MARGIN + number * (_WIDTH + _GAP), y, _WIDTH)
            boxes[one] = box
            y += box.height + _STEP
    enums, y = [], MARGIN
    for enum in grammar.enums.values():
        labels = [f"{number} = {label}" for number, label in sorted(enum.labels.items())]
        x = MARGIN + (len(columns) - (not columns[-1])) * (_WIDTH + _GAP)
        enums.append(Box("enum", f"enum {enum.name}", _cut(labels, MAX_LABELS), x, y, _WIDTH))
        y += enums[-1].height + _STEP
    title = grammar.title or name
    return draw_boxes(title, f"grammar {title}", [*boxes.values(), *enums], _lines(grammar, boxes), _COLOURS)


def _columns(grammar: Grammar) -> list[list[str]]:
    """The types by their distance from the root; the last list has those that no record can have."""
    here, seen, found = list(tops(grammar)), set[str](), list[list[str]]()
    while here:
        found.append(here)
        seen.update(here)
        inner = [
            ref.name
            for name in here
            for field in (*grammar.types[name].fields, *grammar.types[name].instances)
            for ref in references(field)
            if ref.name in grammar.types and ref.name not in seen
        ]
        here = list(dict.fromkeys(inner))
    return [*found, [name for name in grammar.types if name not in seen]]


def _lines(grammar: Grammar, boxes: dict[str, Box]) -> list[Line]:
    found: list[Line] = []
    for name, box in boxes.items():
        for number, field in enumerate((*grammar.types[name].fields, *grammar.types[name].instances)):
            y = box.middle(min(number, len(box.notes) - 1))
            for ref in references(field):
                if ref.name in boxes:
                    there = boxes[ref.name]
                    found.append((box.x + box.width, y, there.x, there.middle()))
    return list(dict.fromkeys(found))


def _cut(lines: list[str], most: int) -> tuple[str, ...]:
    return tuple(lines) if len(lines) <= most else (*lines[: most - 1], f"… and {len(lines) - most + 1} more")


def _field(field: Field) -> str:
    parts = [f"{field.name}:"]
    if field.at is not None or field.offset is not None:
        parts.append(f"@{'+' if field.at is None else ''}{_text(field.at or field.offset)}")
    if field.compute is not None:
        parts.append(f"= {_text(field.compute)}")
    elif field.switch is not None:
        parts.append(f"by {_text(field.switch.by)}")
    elif field.type is not None:
        parts.append(field.type.name)
    if field.enum is not None:
        parts.append(field.enum)
    if field.repeat is not None:
        parts.append(f"repeat {_text(field.repeat)}")
    if field.until is not None:
        parts.append(f"until {_text(field.until)}")
    if field.length is not None:
        parts.append(f"[{_text(field.length)}]")
    if field.condition is not None:
        parts.append(f"if {_text(field.condition)}")
    parts.extend(step.name for step in field.process)
    if field.checks is not None:
        parts.append(_checks(field.checks))
    if field.checksum is not None:
        parts.append(f"is {field.checksum.algorithm}")
    return " ".join(part for part in parts if part)


def _checks(checks: Checks) -> str:
    if checks.equals is not None:
        return f"is {_text(checks.equals)}"
    if checks.low is not None or checks.high is not None:
        return f"in {_text(checks.low)}..{_text(checks.high)}"
    return f"is one of {len(checks.one_of)}" if checks.one_of else ""


def _text(part: Expr | Word | None) -> str:
    if part is None:
        return ""
    return part.value if isinstance(part, Word) else print_expression(part)
