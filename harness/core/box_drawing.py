"""Box drawing: labelled boxes and the lines between them as an SVG document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

HEAD, ROW, MARGIN = 34, 14, 20  # heights of a title and of a note, and the space around the drawing, in pixels

Line = tuple[int, int, int, int]  # from x, y to x, y


@dataclass(frozen=True, slots=True)
class Box:
    """A box.

    Attributes:
        kind: Selects its colour.
        title: First line.
        notes: Further lines, in small type.
        x: Left edge, in pixels.
        y: Upper edge.
        width: Width; strings that are wider end with an ellipsis.
    """

    kind: str
    title: str
    notes: tuple[str, ...]
    x: int
    y: int
    width: int

    @property
    def height(self) -> int:
        """Height in pixels: that of the title and the notes."""
        return HEAD + ROW * len(self.notes)

    def middle(self, note: int | None = None) -> int:
        """The y of the middle of the title, or of a note."""
        return self.y + (HEAD // 2 if note is None else HEAD - 1 + ROW * note)


def draw_boxes(
    title: str, description: str, boxes: Sequence[Box], lines: Sequence[Line], colours: Mapping[str, str]
) -> str:
    """Return a complete SVG document; strings are escaped, and no external resource is loaded."""
    width = max((box.x + box.width for box in boxes), default=0) + MARGIN
    height = max((box.y + box.height for box in boxes), default=0) + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="12" role="img" aria-label={quoteattr(_clean(description))}>',
        f"<title>{escape(_clean(title))}</title>",
        f'<rect width="{width}" height="{height}" fill="#fafaf9"/>',
    ]
    parts += [f'<line x1="{a}" y1="{b}" x2="{c}" y2="{d}" stroke="#a8a29e"/>' for a, b, c, d in lines]
    for box in boxes:
        fill = colours.get(box.kind, "#ffffff")
        parts.append(
            f'<g><title>{escape(_clean(box.title))}</title><rect x="{box.x}" y="{box.y}" width="{box.width}" '
            f'height="{box.height}" rx="5" fill="{fill}" stroke="#78716c"/>'
            f'<text x="{box.x + 10}" y="{box.y + 21}">{escape(_fit(box.title, box.width))}</text>'
        )
        for number, note in enumerate(box.notes):
            text = escape(_fit(note, box.width, letter=6))
            y = box.y + HEAD + 3 + ROW * number
            parts.append(f'<text x="{box.x + 10}" y="{y}" font-size="10" fill="#57534e">{text}</text>')
        parts.append("</g>")
    return "\n".join([*parts, "</svg>"])


def _fit(text: str, width: int, *, letter: int = 7) -> str:
    limit, text = width // letter, _clean(text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _clean(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
