"""Write a run as one offline page: program next to log, branches in columns, timeline, budgets and forks.

Example:
  crucible dsl view reports/dsl/hello-1
  crucible dsl view reports/dsl/hello-1 --follow
  crucible dsl view reports/dsl/hello-1 --json
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli import output
from harness.cli.dsl import run_folders
from harness.dsl.machine.run_files import LOG, folder_of_run

if TYPE_CHECKING:
    from markupsafe import Markup

PAGE = "view.html"
POLL_S = 0.5
REFRESH_S = 2  # seconds after which a browser loads a page again that is being followed
MAX_SPANS = 200
MAX_TEXT = 20_000  # maximum number of characters of one value on the page
_OPEN = ("running", "suspended")
_SCRIPT = """for (const card of document.querySelectorAll(".card")) {
  const line = document.getElementById("l" + card.dataset.at);
  if (line) {
    card.addEventListener("mouseenter", () => line.classList.add("at"));
    card.addEventListener("mouseleave", () => line.classList.remove("at"));
  }
}
for (const span of document.querySelectorAll("a[data-line]")) {
  span.setAttribute("href", "#l" + span.dataset.line);
}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    run_folders.add_run(parser, verb="show")
    parser.add_argument("--out", type=Path, metavar="FILE", help=f"the page (default: {PAGE} in the run's folder)")
    parser.add_argument(
        "--follow", action="store_true", help="write it again after each change, until the run has ended"
    )
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    folder = run_folders.find_folder(args.run_folder)
    seen: object = None
    while True:
        view, number, chart = _read(folder, args.run)
        if args.json:
            output.print_json(view)
            return 0
        path = args.out or folder_of_run(folder, number) / PAGE
        going = args.follow and view["status"] in _OPEN
        if (view["events"], view["status"]) != seen:
            output.write_file(path, render(view, chart, refresh=REFRESH_S if going else 0))
            if seen is None:
                print(path, flush=True)
            seen = view["events"], view["status"]
        if not going:
            return 0
        time.sleep(POLL_S)


def _read(folder: Path, name: str | None) -> tuple[dict[str, Any], int, Markup]:
    """The data of a run, its number, and its timeline as the report draws it; another process may be writing it."""
    from markupsafe import Markup

    from harness.dsl.eventlog.logfile import LogFile
    from harness.dsl.machine.run_view import view_of
    from harness.dsl.machine.stored_run import stored_outcome, stored_program
    from harness.lanes.dsl.exhibits import timeline_of
    from harness.report.charts.timeline import draw

    with LogFile(folder / LOG, read_only=True) as file:
        log = file.open_run(name)
        program = stored_program(file, log)
        outcome = stored_outcome(program, log)
        view = view_of(file, log, program, outcome)
        spans = view["timeline"][:MAX_SPANS]
        return view, log.number, draw(timeline_of(program, spans)) if spans else Markup("")


def render(view: dict[str, Any], chart: Markup, *, refresh: int = 0) -> str:
    """The page of a run's data; text of programs, tools and models is escaped.

    Args:
        view: From `view_of`.
        chart: Its timeline; empty without one.
        refresh: Seconds after which a browser loads it again; 0 for never.
    """
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: _shown(value) if type(value) is str else value,
    )
    template = environment.from_string(Path(__file__).with_name(PAGE).read_text(encoding="utf-8"))
    columns = {branch["name"]: number for number, branch in enumerate(view["branches"], 1)}
    cards = [{**card, "bad": any(tone == "bad" for *_, tone in card["parts"])} for card in view["cards"]]
    _arrange(cards, columns)
    script_hash = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
    return template.render(
        v={**view, "cards": cards},
        labels={branch["name"]: branch["label"] for branch in view["branches"]},
        used={card["line"] for card in cards},
        chart=chart,
        refresh=refresh,
        script=Markup(_SCRIPT),  # noqa: S704 - a constant
        script_hash=f"sha256-{script_hash}",
    )


def _shown(text: str) -> str:
    """A string on the page: cut if it is long, with its lines, and without what steers a terminal."""
    from harness.core.clip import visible

    return visible(text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…", keep="\n\t")


def _arrange(cards: list[dict[str, Any]], columns: dict[str, int]) -> None:
    """Give each card its row and column: branches run down next to each other, the rest takes the whole width."""
    rows = dict.fromkeys(columns, 1)
    for card in cards:
        branch = card["branch"]
        row = rows[branch] + 1 if branch else max(rows.values(), default=1) + 1
        rows = rows | {branch: row} if branch else dict.fromkeys(rows, row)
        card |= {"row": row, "column": columns[branch]}
