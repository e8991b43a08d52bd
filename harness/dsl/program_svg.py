"""Program SVG: a drawing of a program; units are columns, steps are rows, knowledge is on the right."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from harness.dsl.ir import Branch, Effect, Emit, Instruction, Jump, Post, Program, Run, Sweep, Unit

_WIDTH, _ROW, _GAP, _LEFT, _TOP = 260, 34, 60, 20, 20
_COLOURS = {
    "task": "#dbeafe", "agent_loop": "#dcfce7", "service_loop": "#fef9c3", "engineering_loop": "#ffedd5",
    "step": "#ffffff", "check": "#f5f5f4", "expect": "#f5f5f4", "fact": "#fce7f3", "rule": "#ede9fe", "hint": "#ede9fe",
    "invariant": "#fee2e2",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Box:
    kind: str
    title: str
    notes: tuple[str, ...]
    x: int
    y: int
    indent: int = 0

    @property
    def height(self) -> int:
        return _ROW + 14 * len(self.notes)


def draw(program: Program) -> str:
    """A complete SVG document; strings are escaped, and no external resource is loaded."""
    boxes: list[_Box] = []
    lines: list[tuple[int, int, int, int]] = []
    heads: dict[int, _Box] = {}
    calls: list[tuple[_Box, int]] = []
    for column, unit in enumerate(program.units):
        x, y = _LEFT + column * (_WIDTH + _GAP), _TOP
        main = " (begins here)" if column == program.main else ""
        head = _Box(unit.kind, f"{unit.kind} {unit.name}{main}", (), x, y)
        heads[column] = head
        boxes.append(head)
        before, y = head, y + head.height + 14
        for number, step in enumerate(unit.steps):
            inside = _inside(unit, number)
            notes = tuple(dict.fromkeys(note for i in inside if (note := _note(program, i))))
            depth = _depth(unit, number)
            box = _Box(
                step.kind, f"{step.kind} {step.name.removeprefix(f'{step.kind} ')}", notes[:4], x + 12 * depth, y, depth
            )
            boxes.append(box)
            lines.append((x + 14, before.y + before.height, x + 14, y))
            before, y = box, y + box.height + 14
        calls += [(head, instruction.unit) for instruction in unit.code if isinstance(instruction, Run)]
    boxes += _knowledge(program, _LEFT + len(program.units) * (_WIDTH + _GAP))
    for source, target in calls:
        there = heads[target]
        lines.append((source.x + _WIDTH, source.y + _ROW // 2, there.x, there.y + _ROW // 2))
    return _svg(program, boxes, lines)


def _knowledge(program: Program, x: int) -> list[_Box]:
    boxes, y = [], _TOP
    for fact in program.facts:
        over = "all of " if fact.over_all else ""
        about = program.schema.cases[fact.case].name if fact.case >= 0 else "any"
        boxes.append(_Box("fact", f"fact {fact.name}", (f"of {over}{about}",), x, y))
        y += boxes[-1].height + 14
    for rule in program.rules:
        facts = " and ".join(program.facts[i].name for i in rule.facts)
        notes = (f"when {facts}" if rule.executable else "prose: never fires", rule.suggestion)
        boxes.append(_Box(rule.kind, f"{rule.kind} {rule.name}", notes, x, y))
        y += boxes[-1].height + 14
    for invariant in program.invariants:
        note = f"{len(invariant.conditions)} conditions, {len(invariant.prose)} of prose"
        boxes.append(_Box("invariant", f"invariant {invariant.name}", (note,), x, y))
        y += boxes[-1].height + 14
    return boxes


def _inside(unit: Unit, step: int) -> list[Instruction]:
    label = unit.steps[step].label + "/"
    children = [s.label + "/" for s in unit.steps if s.parent == step]
    return [i for i in unit.code if i.label.startswith(label) and not i.label.startswith(tuple(children))]


def _depth(unit: Unit, step: int) -> int:
    depth, parent = 0, unit.steps[step].parent
    while parent >= 0:
        depth, parent = depth + 1, unit.steps[parent].parent
    return depth


def _note(program: Program, instruction: Instruction) -> str:
    cases = program.schema.cases
    match instruction:
        case Effect():
            emits = ", ".join(cases[i].name for i in instruction.emits)
            return f"{instruction.who}.{instruction.name}" + (f" emits {emits}" if emits else "")
        case Emit():
            return f"emits {cases[instruction.case].name}"
        case Post():
            return f"posts {instruction.event}"
        case Run():
            return f"runs {program.units[instruction.unit].name}"
        case Sweep():
            size = 1
            for parameter in instruction.parameters:
                size *= len(parameter.values)
            return f"searches {size} points for {instruction.measure.metric}"
        case Branch():
            return "decides"
        case Jump():
            return ""
        case _:
            return ""


def _svg(program: Program, boxes: list[_Box], lines: list[tuple[int, int, int, int]]) -> str:
    width = max((box.x for box in boxes), default=0) + _WIDTH + _LEFT
    height = max((box.y + box.height for box in boxes), default=0) + _TOP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="12" role="img" aria-label={quoteattr(f"program {program.name}")}>',
        f"<title>{escape(program.name)}</title>",
        f'<rect width="{width}" height="{height}" fill="#fafaf9"/>',
    ]
    parts += [f'<line x1="{a}" y1="{b}" x2="{c}" y2="{d}" stroke="#a8a29e"/>' for a, b, c, d in lines]
    for box in boxes:
        wide = _WIDTH - 12 * box.indent
        fill = _COLOURS.get(box.kind, "#ffffff")
        parts.append(
            f'<g><title>{escape(_clean(box.title))}</title><rect x="{box.x}" y="{box.y}" width="{wide}" '
            f'height="{box.height}" rx="5" fill="{fill}" stroke="#78716c"/>'
            f'<text x="{box.x + 10}" y="{box.y + 21}">{escape(_fit(box.title, wide))}</text>'
        )
        for number, note in enumerate(box.notes):
            y = box.y + 37 + 14 * number
            text = escape(_fit(note, wide))
            parts.append(f'<text x="{box.x + 10}" y="{y}" font-size="10" fill="#57534e">{text}</text>')
        parts.append("</g>")
    return "\n".join([*parts, "</svg>"])


def _fit(text: str, width: int) -> str:
    limit, text = width // 7, _clean(text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _clean(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
