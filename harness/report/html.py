"""HTML: one page that opens from disk, works offline and without JavaScript, and escapes hostile text."""

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
from harness.report import words
from harness.report.page import gather

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


def render_report(ledger: Ledger, run_id: str | None = None) -> str:
    """The report as one HTML string.

    Raises:
        LedgerError: if the ledger cannot be read or has no such run.
    """
    style = (_templates() / "style.css").read_text(encoding="utf-8").strip()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    text = (
        _environment()
        .get_template("index.html")
        .render(
            page=gather(ledger, run_id),
            style=Markup(style),  # noqa: S704 - our own file
            style_hash=f"sha256-{digest}",
        )
    )
    # Candidates may contain URLs. A colon written as an entity looks the same, but no browser extension turns it into
    # a link, and a search for `://` shows that the page refers to nothing outside it.
    return text.replace("://", "&#58;//")


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
