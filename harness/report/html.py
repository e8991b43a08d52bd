"""HTML: one page that opens from disk, works offline and without JavaScript, and escapes hostile text.

Three layers in one file. Readable without JavaScript: the overview, every failing case, the first rows of each suite.
Rows: columns that the page's own script draws. Details: fragments that it opens, the most urgent cases first.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from harness.core.errors import CrucibleError
from harness.core.named_path import write_file
from harness.ledger import sources
from harness.ledger.store import Ledger
from harness.report import boards, highlight, island, rerun, template, trends, views
from harness.report.card import Cards
from harness.report.charts.figure import figure, is_absent
from harness.report.gate_cases import GateCase, gate_cases, value_before
from harness.report.markup import element
from harness.report.page import MAX_CARDS, MAX_ROWS, TIERS, Board, Candidate, Page, Row, gather
from harness.report.page_file import require_page

PLAIN = "!~*'()"
ESCAPES = {code: quote(chr(code), safe=PLAIN) for code in range(128)}  # what `quote` does, for all characters at once
REPORT_BYTES = 5_000_000
ISLANDS = "<!-- islands -->"  # in the template; autoescaped text cannot contain it
CONTINUED = re.compile(r"(?<=[{;,(])\n|\n(?=[})])")
# No string of the page's own files contains what these match.
SPACED = re.compile(r" (=>|={1,3}|!==|&&|\|\||\?\??=?|[<>]=?|[-+*:]) |(?<=[^$]\{) | (?=\})|(?<=,) ")
MAX_HIGHLIGHTED = 300_000  # characters of all sources of a page, the most urgent first; the others are plain
AROUND = 200  # lines of a longer source on each side of the line that the verdict is about


def write_report(
    ledger: Ledger,
    run_id: str | None,
    path: Path,
    *,
    compare: str | None = None,
    size: int = REPORT_BYTES,
    progress: tuple[int, int] | None = None,
) -> Path:
    """Write the report of a run (None: the latest) and return where it is.

    The file is replaced atomically: a reader sees the old page or the new one.

    Args:
        ledger: Where the run is recorded.
        run_id: The run; None for the latest.
        path: The file.
        compare: As for `gather`.
        size: As for `render_report`.
        progress: As for `gather`.

    Raises:
        LedgerError: if the ledger cannot be read or has no such run.
        CrucibleError: if the file cannot be written, or is not a page.
    """
    require_page(path)
    text = render_report(ledger, run_id, compare=compare, size=size, progress=progress)
    write_atomically(path, text)
    return path


def write_atomically(path: Path, text: str) -> None:
    """Write a file as `write_file` does.

    Raises:
        CrucibleError: if the file cannot be written.
    """
    try:
        write_file(path, text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise CrucibleError(
            f"the report cannot be written: {error.strerror}", where=str(path), fix="name another place with --report"
        ) from error


def render_report(
    ledger: Ledger,
    run_id: str | None = None,
    *,
    compare: str | None = None,
    size: int = REPORT_BYTES,
    progress: tuple[int, int] | None = None,
) -> str:
    """The report as one HTML string.

    Args:
        ledger: Where the run is recorded.
        run_id: The run; None for the latest.
        compare: As for `gather`.
        size: Bytes up to which details of further cases are added. Above `REPORT_BYTES` more cases are tried.
        progress: As for `gather`.

    Raises:
        LedgerError: if the ledger cannot be read or has no such run.
    """
    page = gather(ledger, run_id, compare=compare, progress=progress)
    return _Rendering(ledger, page).text(size)


class _Rendering:
    """One page while it is rendered; numbers the sources that its cases refer to."""

    def __init__(self, ledger: Ledger, page: Page) -> None:
        self._ledger, self._page = ledger, page
        self._cards = Cards(ledger, page)
        self._sources: dict[str, tuple[int, str, int | None]] = {}
        self._highlighted = 0
        self._environment = template.environment()
        self._environment.globals.update(
            names={(board.lane, board.suite): board.name for board in page.boards},
            shelf=self._shelf,
            run_named=self._run,
            route=route,
        )

    def text(self, size: int) -> str:
        page = self._page
        cards = self._cards.of(page.failing[:MAX_CARDS])
        style, script = (_compact(_text(name)) for name in ("style.css", "page.js"))
        body = self._environment.get_template("index.html").render(
            page=page,
            cards=cards,
            unjudged=sum(count for _, count in page.verdict.unjudged),
            has={
                "change": len({suite.change for suite in page.suites if suite.change}) > 1,
                "trend": any(len(set(suite.trend) - {None}) > 1 for suite in page.suites),
                "worst": any(suite.failing or suite.unjudged for suite in page.suites),
            },
            gates=[self._gate(gate) for gate in page.verdict.gates],
            again=rerun.whole(page.run),
            noise=boards.noise(self._ledger, page),
            MAX_ROWS=MAX_ROWS,
            TIERS={tier.value: said for tier, said in TIERS.items()},
            style=Markup(style),  # noqa: S704 - our own file
            script=Markup(script),  # noqa: S704 - our own file
            style_hash=_hash(style),
            script_hash=_hash(script),
        )
        # Candidates may contain URLs. A colon written as an entity looks the same, but no browser extension turns it
        # into a link, and a search for `://` shows that the page refers to nothing outside it.
        body = body.replace("://", "&#58;//")
        details = island.in_full(page, len(cards), size / REPORT_BYTES)
        return body.replace(ISLANDS, "\n".join(self._islands(size - len(body.encode()), details)))

    def _islands(self, room: int, details: list[Candidate]) -> list[str]:
        """The islands that fit into the room: rows, pictures and earlier runs always, then details, then sources."""
        page = self._page
        always = {"rows": island.rows_island(page, details), "history": island.runs_island(self._ledger, page)}
        pictures = [trends.section(self._ledger, page), *map(self._charts, page.boards)]
        always |= {f"pictures-{number}": island.fragment(text) for number, text in enumerate(pictures)}
        found = [_island(name, text) for name, text in always.items()]
        room -= sum(map(len, found))
        article: Any = vars(self._environment.get_template("card.html").module)["article"]
        for number, start in enumerate(range(0, len(details), island.CASES)):
            cards = self._cards.of(details[start : start + island.CASES])
            room = _add(found, f"details-{number}", [article(card, scripted=True) for card in cards], room)
            if not room:
                break
        kept = list(self._sources)
        for number, start in enumerate(range(0, len(kept), island.SOURCES)):
            some = kept[start : start + island.SOURCES]
            texts = sources.kept(self._ledger, some)
            shown = [self._source(digest, texts[digest][1] or "") for digest in some]
            room = _add(found, f"sources-{number}", shown, room)
            if not room:
                break
        return found

    def _run(self, run_id: str) -> Markup:
        """A run with when it began."""
        rows = self._ledger.remembered(
            ("began", run_id), lambda: self._ledger.rows("SELECT started_at FROM runs WHERE run_id = ?", run_id)
        )
        began = f" ({template.moment(rows[0]['started_at'][:16])})" if rows else ""
        return Markup("run ") + element("code", run_id) + began

    def _gate(self, gate: Row) -> tuple[Row, list[GateCase], str]:
        """A gate of the run, its cases, and what it observed in the run compared with."""
        before = value_before(self._ledger, self._page.changes.against, gate["expression"])
        return gate, gate_cases(self._ledger, self._page.run["run_id"], gate), before

    def _charts(self, board: Board) -> str:
        """The pictures of a suite."""
        pareto = boards.pareto(self._ledger, self._page, board, route)
        shown = [
            figure(name, value, scripted=True)
            for name, value in sorted(
                views.of_board(self._ledger, self._page, board), key=lambda one: is_absent(one[1])
            )
        ]
        return str(element("div", *([pareto] if pareto else []), *shown, class_="exhibits"))

    def _shelf(self, source: tuple[str, str, int | None]) -> int:
        """The number of a source among those of the page."""
        digest, language, line = source
        number, *_ = self._sources.setdefault(digest, (len(self._sources), language, line))
        return number

    def _source(self, digest: str, text: str) -> str:
        _, language, line = self._sources[digest]
        self._highlighted += len(text)
        if self._highlighted > MAX_HIGHLIGHTED:
            language = ""
        return str(highlight.numbered(text, language, marked=line, around=AROUND))


def _add(found: list[str], name: str, texts: list[str], room: int) -> int:
    """Add an island of fragments, or of their first half, quarter, … that fits; returns the room for more, if any."""
    count = len(texts)
    while count:
        text = island.fragments(texts[:count])
        if len(text) <= room:
            found.append(_island(name, text))
            return max(0, room - len(text)) if count == len(texts) else 0
        count //= 2
    return 0


def _island(name: str, text: str) -> str:
    return f'<script type="application/octet-stream" id="{name}">{text}</script>'


def route(*parts: str) -> str:
    """The address of a place of the page, which is also the HTML id of that place."""
    return "/" + "/".join(part.translate(ESCAPES) if part.isascii() else quote(part, safe=PLAIN) for part in parts)


def style() -> str:
    """The style sheet of the page."""
    return _text("style.css")


def _text(name: str) -> str:
    return (template.FOLDER / name).read_text(encoding="utf-8").strip()


def _compact(text: str) -> str:
    """Style or script without indentation, comments, line breaks, and spaces around operators and in braces."""
    lines = [line.strip() for line in text.split("\n")]
    text = "\n".join(line for line in lines if line and not line.startswith("//"))
    return SPACED.sub(r"\1", CONTINUED.sub("", text)).replace(";}", "}")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
