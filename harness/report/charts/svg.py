"""Pieces of SVG: pictures, labels and how much text fits."""

from __future__ import annotations

from markupsafe import Markup

from harness.report import words
from harness.report.markup import element, number

WIDTH = 360.0  # user units of a chart: about one pixel on a narrow screen
CHARACTER = 5.8  # mean width of a character of the charts' font, in user units


def picture(height: float, *children: Markup, title: str) -> Markup:
    """An SVG picture that scales with the page; one with links is a group, so that a screen reader reaches them."""
    role = "group" if any(child.startswith("<a ") for child in children) else "img"
    return element(
        "svg", *children, class_="chart", viewBox=f"0 0 {number(WIDTH)} {number(height)}", role=role, aria_label=title
    )


def label(x: float, y: float, value: str, *, class_: str | None = None, anchor: str | None = None) -> Markup:
    """A piece of text at a point; `anchor` is SVG's `text-anchor`."""
    return element("text", value, x=x, y=y, class_=class_, text_anchor=anchor)


def fit(value: str, room: float) -> str:
    """The text clipped to user units, in its middle, because names differ at both ends."""
    return words.fit(value, max(1, int(room / CHARACTER)), middle=True)
