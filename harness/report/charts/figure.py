"""Figure: an exhibit as the page shows it: title, sentence, picture, what is missing, and its table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from markupsafe import Markup

from harness.core.exhibit_kinds import Bars, Bytes, Heat, Roofline, Scatter, Series, Table, Text, Timeline, Value
from harness.report import highlight, words
from harness.report.charts import bars, heat, hexdump, roofline, scatter, series, timeline
from harness.report.charts.scale import short
from harness.report.markup import MAX_LABEL, content, element, made, text_of

MAX_ROWS = 200  # of the table of a figure on the page
MAX_TEXT = 20_000  # characters of a text on the page
Rows = tuple[tuple[str, ...], list[tuple[Any, ...]]]


def picture_of(value: Value) -> Markup:
    """The picture of an exhibit; empty for a table."""
    match value:
        case Series():
            return series.draw(value) if value.lines else Markup("")
        case Scatter():
            return scatter.draw(value) if value.clouds else Markup("")
        case Bars():
            return bars.draw(value) if value.labels else Markup("")
        case Heat():
            return heat.draw(value) if value.rows else Markup("")
        case Timeline():
            return timeline.draw(value) if value.start else Markup("")
        case Roofline():
            return roofline.draw(value)
        case Bytes():
            return hexdump.draw(value, MAX_ROWS)
        case Text():
            return element("pre", highlight.code(value.text[:MAX_TEXT], value.language), class_="code")
        case Table():
            return Markup("")


def rows_of(value: Value) -> Rows:
    """The data of an exhibit as a table: head and rows."""
    match value:
        case Series():
            return series.rows(value)
        case Scatter():
            return scatter.rows(value)
        case Bars():
            return bars.rows(value)
        case Heat():
            return heat.rows(value)
        case Timeline():
            return timeline.rows(value)
        case Roofline():
            return roofline.rows(value)
        case Bytes():
            return hexdump.rows(value)
        case Text():
            return ("line",), [(line,) for line in value.text.splitlines()]
        case Table():
            return value.columns, list(value.rows)


def is_absent(value: Value) -> bool:
    """Whether there is nothing to draw but the reason why."""
    return bool(value.absent) and not rows_of(value)[1]


def figure(name: str, value: Value, *, scripted: bool = False) -> Markup:
    """An exhibit as an element of the page.

    Args:
        name: Its name within its case, for files that are saved from it.
        value: The exhibit.
        scripted: Whether only the page's script shows it; its table is then data.
    """
    parts = [element("figcaption", element("b", value.title), *([" ", value.sentence] if value.sentence else []))]
    parts.append(picture_of(value))
    parts += [element("p", note, class_="note") for note in (value.absent, value.cut) if note]
    head, rows = rows_of(value)
    about = f"{name}: {value.title}"
    if isinstance(value, Table):
        parts.append(table(head, rows, about=about, scripted=scripted))
    elif rows and not isinstance(value, Text):
        drawn = table(head, rows, about=about, scripted=scripted)
        parts.append(element("details", element("summary", "Table"), drawn))
    return element("figure", *parts, class_=f"exhibit {value.kind}", data_name=name)


def table(head: Sequence[str], rows: Sequence[Sequence[Any]], *, about: str, scripted: bool = False) -> Markup:
    """A table that scrolls within itself, without its empty columns; `about` names it for screen readers.

    One for the page's script is JSON that the script draws: a fifth of the CPU time, and half of the bytes.
    """
    full = [i for i in range(len(head)) if any(i < len(row) and row[i] not in ("", None) for row in rows)]
    if full:
        head, rows = [head[i] for i in full], [[row[i] if i < len(row) else None for i in full] for row in rows]
    if scripted:
        data = [[_data(one) for one in row[: len(head)]] for row in (head, *rows[:MAX_ROWS])]
        text = json.dumps((data[0], data[1:]), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        drawn = made(f'<data class="cells">{content(text)}</data>')
    else:
        heads = element("tr", *(element("th", name, scope="col") for name in head))
        body = [made(f"<tr>{''.join(_cells(row, len(head)))}</tr>") for row in rows[:MAX_ROWS]]
        drawn = element("table", element("thead", heads), element("tbody", *body))
    more = len(rows) - MAX_ROWS
    note = element("p", f"{more:,} more rows; crucible report --csv writes all", class_="note") if more > 0 else ""
    return element("div", drawn, note, class_="scroll", tabindex="0", role="group", aria_label=f"table of {about}")


def _cells(row: Sequence[Any], count: int) -> Iterable[str]:
    for value in row[:count]:
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield f'<td class="num">{shown(value)}</td>'
        else:
            yield f"<td>{text_of(shown(value))}</td>"


def _data(value: Any) -> Any:
    """A cell for the script: a string, a small integer, or a list with a number as it is shown."""
    if type(value) is str:
        return value if len(value) <= MAX_LABEL and value.isprintable() else words.printable(value[:MAX_LABEL])
    if type(value) is int and 0 <= value < 1000:
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return [shown(value)]
    return words.printable(shown(value)[:MAX_LABEL])


def shown(value: Any) -> str:
    """A cell as text; undefined is a dash, never 0."""
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) < 10**15 else str(value)[:40]
    return short(value) if isinstance(value, float) else str(value)
