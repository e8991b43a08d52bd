"""HTML: one page that opens from disk, works offline and without JavaScript, and escapes hostile text.

Readable without JavaScript: the overview, every failing case, the first rows of each suite, the most urgent cases in
full. The rest is data (`harness.report.island`) that the page's own script draws when it is asked for.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from harness.core.digest import short
from harness.core.errors import CrucibleError
from harness.ledger.store import Ledger
from harness.report import rerun, words
from harness.report.island import CASES, detail_islands, rows_island
from harness.report.page import MAX_ROWS, gather

REPORT_BYTES = 5_000_000
ISLANDS, LEFT = "<!-- islands -->", "<!-- left -->"  # in the template; autoescaped text cannot contain them
CLIPPED = 2000  # characters of one value; evidence is clipped already, a lane's facts may not be


def write_report(ledger: Ledger, run_id: str | None, path: Path) -> Path:
    """Write the report of a run (None: the latest) and return where it is.

    The file is replaced atomically: a reader sees the old page or the new one.

    Raises:
        LedgerError: if the ledger cannot be read or has no such run.
        CrucibleError: if the file cannot be written.
    """
    text = render_report(ledger, run_id)
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
        raise CrucibleError(
            f"the report cannot be written: {error}", where=str(path), fix="name another place with --report"
        ) from error
    return path


def render_report(ledger: Ledger, run_id: str | None = None, *, size: int = REPORT_BYTES) -> str:
    """The report as one HTML string.

    Args:
        ledger: Where the run is recorded.
        run_id: The run; None for the latest.
        size: Bytes up to which details of further cases are added; the page says how many are not.

    Raises:
        LedgerError: if the ledger cannot be read or has no such run.
    """
    page = gather(ledger, run_id)
    style, script = (_text(name) for name in ("style.css", "page.js"))
    body = (
        _environment()
        .get_template("index.html")
        .render(
            page=page,
            limit=MAX_ROWS,
            style=Markup(style),  # noqa: S704 - our own file
            script=Markup(script),  # noqa: S704 - our own file
            style_hash=_hash(style),
            script_hash=_hash(script),
        )
    )
    # Candidates may contain URLs. A colon written as an entity looks the same, but no browser extension turns it into
    # a link, and a search for `://` shows that the page refers to nothing outside it.
    body = body.replace("://", "&#58;//")
    islands = [_island("rows", rows_island(page))]
    room = size - len(body.encode()) - len(islands[0])
    for number, text in enumerate(detail_islands(ledger, page)):
        if len(text) > room:
            break
        islands.append(_island(f"details-{number}", text))
        room -= len(text)
    left = max(0, len(page.candidates) - len(page.cards) - CASES * (len(islands) - 1))
    note = f"{words.count(left, 'case')} more in the ledger; <code>crucible show NODEID</code> prints any of them."
    return body.replace(ISLANDS, "\n".join(islands)).replace(LEFT, f'<p class="note">{note}</p>' if left else "")


def _island(name: str, text: str) -> str:
    return f'<script type="application/octet-stream" id="{name}">{text}</script>'


def _text(name: str) -> str:
    return (_templates() / name).read_text(encoding="utf-8").strip()


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _templates() -> Path:
    return Path(__file__).with_name("templates")


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_templates()),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    environment.filters.update(
        score=words.score,
        measured=words.measured,
        ms=words.milliseconds,
        delta=lambda d: words.delta(d["score"], edited=not d["same_digest"]),
        candidate=words.candidate,
        style=words.style,
        stability=words.stability,
        bound=words.stability_sentence,
        unconfirmed=words.unconfirmed,
        short=short,
        quoted=rerun.quote,
        moment=lambda text: text[:19].replace("T", " ") + " UTC" if text else words.NOTHING,
        duration=_duration,
        counted=words.count,
        percent=lambda value: f"{100 * max(0.0, min(1.0, value)):.2f}",
    )
    return environment


def _visible(value: Any) -> Any:
    """Replace control characters, lone surrogates and direction marks by visible escapes."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    text = value if len(value) <= CLIPPED else f"{value[: CLIPPED - 1]}…"
    return "\n".join(words.printable(line) for line in text.split("\n"))


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "not finished"
    minutes, rest = divmod(round(seconds), 60)
    return f"{seconds:.1f} s" if seconds < 60 else f"{minutes} min {rest} s"
