"""Table: rows of text in a bounded number of columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.report.words import fit, pad, width

Paint = Callable[[str, str], str]
GAP = 2


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        title: Its head.
        right: Whether cells are set to the right.
        flexible: Whether it is clipped when the table is too wide; else it is never clipped.
        prose: Whether it is clipped at its end; names are clipped in the middle, because they differ at both ends.
        optional: The higher, the earlier it is left out when even clipping is not enough; 0 always stays.
        min_width: Columns it keeps when clipped.
    """

    title: str
    right: bool = False
    flexible: bool = False
    prose: bool = False
    optional: int = 0
    min_width: int = 8


def plain(text: str, _colour: str) -> str:
    """The string without colour, for output that is not a terminal."""
    return text


def ansi(text: str, colour: str) -> str:
    """Paint with the eight colours every terminal has."""
    codes = {"good": "32", "bad": "31", "warn": "33", "dim": "2", "bold": "1"}
    return f"\x1b[{codes[colour]}m{text}\x1b[0m" if colour in codes and text.strip() else text


def layout(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    *,
    limit: int,
    colours: Sequence[Sequence[str]] = (),
    paint: Paint = plain,
) -> list[str]:
    """Lines of a table, its head first; a column without any cell is left out.

    Args:
        columns: The columns.
        rows: Cells, one for each column.
        limit: Columns of the terminal.
        colours: A colour name (or "") for each cell.
        paint: Applies a colour after the cell got its width.
    """
    shown = [i for i, column in enumerate(columns) if column.optional == 0 or any(row[i] for row in rows)]
    widths = _widths(columns, rows, shown, limit)
    while _total(widths) > limit:
        droppable = [i for i in shown if columns[i].optional]
        if not droppable:
            _squeeze(columns, widths, limit)
            break
        shown.remove(max(droppable, key=lambda i: columns[i].optional))
        widths = _widths(columns, rows, shown, limit)
    heads = ([column.title for column in columns], ["dim"] * len(columns))
    painted = [heads, *zip(rows, colours or [[""] * len(columns)] * len(rows), strict=True)]
    return [
        (" " * GAP).join(paint(_cell(columns[i], cells[i], widths[i]), shades[i]) for i in shown).rstrip()
        for cells, shades in painted
    ]


def _total(widths: dict[int, int]) -> int:
    return sum(widths.values()) + GAP * (len(widths) - 1)


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[str]], shown: list[int], limit: int) -> dict[int, int]:
    widths = {i: max([width(columns[i].title), *(width(row[i]) for row in rows)]) for i in shown}
    for i in reversed(shown):  # what stands further right matters less
        if columns[i].flexible:
            widths[i] -= min(max(0, _total(widths) - limit), max(0, widths[i] - columns[i].min_width))
    return widths


def _squeeze(columns: Sequence[Column], widths: dict[int, int], limit: int) -> None:
    """On a very narrow terminal names shrink below their minimum width, then all columns."""
    for i in sorted(widths, key=lambda i: not columns[i].flexible):
        widths[i] -= min(max(0, _total(widths) - limit), widths[i] - 1)


def _cell(column: Column, text: str, columns: int) -> str:
    return pad(fit(text, columns, middle=column.flexible and not column.prose), columns, right=column.right)
