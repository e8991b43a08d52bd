"""Words: numbers and names formatted for people, by the columns of a terminal."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from harness.core import printable as escapes
from harness.core.ascii import ERRORS, SPARKS
from harness.core.number import readable
from harness.core.stability import MIN_HASH_SEEDS, percent

printable, printable_lines = escapes.printable, escapes.printable_lines

NOTHING = "—"
UNRANKED = "\N{EN DASH}"
ELLIPSIS = "…"


def score(value: float | None) -> str:
    """Three digits: enough to rank, few enough to read; undefined is a dash, never 0."""
    return NOTHING if value is None else f"{value:.3f}"


def measured(value: float | None, threshold: float | None = None) -> str:
    """A value of a gate as `readable` shows it."""
    return "undefined" if value is None else readable(value, threshold=threshold)


def limit(value: float) -> str:
    """A threshold, as its suite or its gate writes it."""
    return f"{value:,.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.6g}"


def delta(value: float | None, *, edited: bool = False) -> str:
    """A signed difference with an arrow, `=` where three digits show none, and whether the subject was edited."""
    if value is None:
        return NOTHING
    moved = round(value, 3)
    shown = f"{moved:+.3f} {'▲' if moved > 0 else '▼'}" if moved else "="
    return f"{shown} edited" if edited else shown


def shares(weights: Sequence[float]) -> list[str]:
    """Weights with two or three digits that add up to what the weights add up to: 1 for those of a score."""
    digits = 2 if all(math.isclose(100 * weight, round(100 * weight), abs_tol=1e-9) for weight in weights) else 3
    units = [10**digits * weight for weight in weights]
    floors = [math.floor(unit + 1e-9) for unit in units]
    missing = max(0, round(sum(units)) - sum(floors))
    largest = sorted(range(len(units)), key=lambda i: floors[i] - units[i])[:missing]
    return [f"{(floor + (i in largest)) / 10**digits:.{digits}f}" for i, floor in enumerate(floors)]


def milliseconds(value: float | None) -> str:
    """A time with a unit that keeps it short."""
    if value is None:
        return NOTHING
    if value < 1:
        return f"{value * 1000:.3g} µs" if value * 1000 < 999.5 else "1.00 ms"
    return (
        f"{value:.3g} ms"
        if value < 999.5
        else f"{value / 1000:,.3g} s"
        if value < 999_500
        else f"{value / 1000:,.0f} s"
    )


def stability(row: dict[str, Any]) -> str:
    """`flaky`, or the failure probability that the attempts exclude at 95 %."""
    if row["stability"] is None or row["attempts"] == 1:
        return ""
    if row["stability"] < 1 or row["status"] == "flaky":
        return "flaky"
    bound = row.get("stability_bound")
    return "" if bound is None else f"p<{percent(bound).replace(' ', '')}"


def failure_rate(row: dict[str, Any]) -> str:
    """What `stability` says, in words: the failure rate that the attempts exclude; nothing of a case that fails."""
    if row["status"] != "ok":
        return "flaky" if row["status"] == "flaky" else ""
    bound = row.get("stability_bound")
    if stability(row) == "flaky" or bound is None or row["attempts"] == 1:
        return stability(row)
    known = f"its failure rate is below {percent(bound)} at 95 % confidence"
    return f"{known}, confirmed on fresh inputs" if row["confirmed"] else known


def stability_sentence(row: dict[str, Any]) -> str:
    """The stability with its attempts and hash seeds; empty where nothing was repeated."""
    if row["stability"] is None:
        return ""
    seeds = "" if row["hash_seeds"] is None else f", {count(row['hash_seeds'], 'hash seed')}"
    made = f"({count(row['attempts'], 'attempt')}{seeds})"
    bound = row["stability_bound"] if row["attempts"] > 1 else None
    if stability(row) == "flaky":
        return f"flaky {made}"
    sentence = made if bound is None else f"stable: p < {percent(bound)} at 95 % {made}"
    return f"{sentence}, confirmed on fresh inputs" if row["confirmed"] else sentence


def status(row: dict[str, Any]) -> str:
    """The status, and whether it was taken from an earlier run."""
    return f"{row['status']} (reused)" if row.get("reused_from") else str(row["status"])


def verdict(row: dict[str, Any]) -> str:
    """The status; `fails a gate` where all answers are right and the case fails."""
    fails = row["status"] == "ok" and row["expected"] is None and not row["as_expected"] and not row["neutral"]
    return "fails a gate" if fails else str(row["status"])


def unconfirmed(row: dict[str, Any]) -> str:
    """Why a leader is not ranked first yet; empty if it may be."""
    if row.get("confirmed") != 0:
        return ""
    seeds = "" if row["hash_seeds"] is None else f" with {count(row['hash_seeds'], 'hash seed')}"
    return f"unconfirmed: {count(row['attempts'], 'attempt')}{seeds}; first place needs {MIN_HASH_SEEDS} hash seeds"


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 case`, `2 cases`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


NEEDED = re.compile(r",(?: as| but)? needed [<>=!]+ [^\s:]+")


def gate_reason(expression: str, why: str) -> str:
    """What the reason of a run's gate adds to its expression, which is shown next to it."""
    left, found, rest = why.partition(" is ")
    is_side = found and expression.startswith(f"{left} ") and left.count("(") == left.count(")")  # not of `not (…)`
    return f"is {NEEDED.sub('', rest, count=1)}" if is_side else why


def without_case(reason: str, nodeid: str, place: str) -> str:
    """The reason of a gate without the name of a case that the reader finds at `place`."""
    named = rf"lowest: {re.escape(nodeid)} ([^\s;,)]+)"
    return re.sub(named, rf"lowest: \1, {place}", reason) if nodeid else reason


def candidate(row: dict[str, Any]) -> str:
    """The subject's name, and the case's name where several cases judge one subject."""
    subject, case = str(row["subject"]), str(row["nodeid"]).rpartition("::")[2]
    if subject.endswith(case):
        return subject
    return case if case.startswith(subject) else f"{subject} [{case}]"


def style(row: dict[str, Any]) -> str:
    """The declared style; both styles where the detected one differs."""
    declared, detected = row.get("style") or "", row.get("style_detected") or ""
    if declared and detected and declared != detected:
        return f"{declared}≠{detected}"
    return declared or detected


def spark(values: list[float | None]) -> str:
    """A sparkline; gaps where a value is undefined."""
    known = [v for v in values if v is not None]
    if not known:
        return ""
    low, span = min(known), max(known) - min(known)
    return "".join(
        " " if v is None else SPARKS[round((v - low) / span * (len(SPARKS) - 1)) if span else len(SPARKS) // 2]
        for v in values
    )


def bonus(weights: Sequence[tuple[str, float]]) -> str:
    """The component that makes the weights add up to more than 1, the smallest; empty if they do not."""
    if sum(weight for _, weight in weights) <= 1.0005:
        return ""
    return min(weights, key=lambda one: one[1] or 1.0)[0]


def width(text: str) -> int:
    """Columns that a terminal needs for a string."""
    return len(text) if text.isascii() else sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def wrapped(text: str, columns: int) -> list[str]:
    """A sentence in lines of `columns`, broken between words; a command in backquotes is never broken or clipped."""
    lines = [""]
    for part in re.findall(r"`[^`]*`\S*|\S+", printable(text)):
        longer = f"{lines[-1]} {part}" if lines[-1].strip() else lines[-1] + part
        if width(longer) <= columns or not lines[-1].strip():
            lines[-1] = longer
        else:
            lines.append(f"  {part}")
    return lines


def folded(parts: Sequence[str], columns: int, *, between: str = " · ", indent: str = "  ") -> list[str]:
    """Parts joined into lines of at most `columns`, broken between parts; a part that is too long is clipped."""
    lines: list[str] = []
    for part in map(printable, parts):
        longer = f"{lines[-1]}{between}{part}" if lines else part
        if lines and width(longer) <= columns:
            lines[-1] = longer
        else:
            lines.append(fit(indent * bool(lines) + part, columns))
    return lines


def encodable(text: str, encoding: str | None) -> str:
    """The text as far as an encoding can represent it; a terminal of ASCII gets ASCII."""
    try:
        return text.encode(encoding or "utf-8", ERRORS).decode(encoding or "utf-8")
    except LookupError:
        return text.encode("ascii", ERRORS).decode("ascii")


def fit(text: str, columns: int, *, middle: bool = False) -> str:
    """Clip a string to a number of columns, at its end or in its middle (names differ at both ends)."""
    text = printable(text)
    if width(text) <= columns:
        return text
    if columns <= 1:
        return ELLIPSIS[:columns]
    keep = columns - 1
    tail = _take(text[::-1], keep // 2)[::-1] if middle else ""
    return _take(text, keep - width(tail)) + ELLIPSIS + tail


def _take(text: str, columns: int) -> str:
    used = 0
    for index, character in enumerate(text):
        used += _columns(character)
        if used > columns:
            return text[:index]
    return text


def pad(text: str, columns: int, *, right: bool = False) -> str:
    """Pad a string to a number of columns."""
    fill = " " * max(0, columns - width(text))
    return fill + text if right else text + fill
