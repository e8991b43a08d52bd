"""Delete old runs and free their disk space. A run stays if --keep or --newer-than protects it.

--rejected deletes sources and evidence of rejected candidates, as `keep_rejected` of [tool.crucible] does for each run;
their verdicts stay.

Example:
  crucible prune --keep 50
  crucible prune --newer-than 30d --dry-run
  crucible prune --rejected leaders
"""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime, timedelta

from harness.cli import output
from harness.core.errors import UsageError
from harness.core.number import whole
from harness.ledger.prune import prune
from harness.ledger.retention import shorten_rejected
from harness.report import words

UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--keep", type=whole(), metavar="N", help="the newest N runs stay")
    parser.add_argument("--newer-than", metavar="AGE", help="runs younger than 12h, 30d, 8w, or since 2026-11-01 stay")
    parser.add_argument(
        "--rejected",
        choices=("all", "leaders", "none"),
        default="all",
        help="which rejected candidates keep sources and evidence: all, those that led a board once, or none",
    )
    parser.add_argument("--dry-run", action="store_true", help="only report what would be deleted")
    output.add_ledger(parser)
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    only_rejected = args.rejected != "all" and args.keep is None and args.newer_than is None
    if args.keep is None and args.newer_than is None and not only_rejected:
        raise UsageError("no option selects what to keep", fix="use --keep N, --newer-than AGE or --rejected leaders")
    if args.rejected != "all" and args.dry_run:
        raise UsageError("--dry-run does not count rejected candidates", fix="leave out --rejected")
    since = None if args.newer_than is None else parse_moment(args.newer_than, datetime.now(UTC))
    with output.open_ledger(args.ledger) as ledger:
        deleted = [] if only_rejected else prune(ledger, keep=args.keep, newer_than=since, dry_run=args.dry_run)
        shortened = 0 if args.rejected == "all" else shorten_rejected(ledger, args.rejected)
        if shortened:
            ledger.compact()
    if args.json:
        output.print_json({"dropped": deleted, "dry_run": args.dry_run, "shortened": shortened})
    else:
        for run_id in deleted:
            print(run_id)
        print(f"{words.count(len(deleted), 'run')} {'would be ' if args.dry_run else ''}deleted")
        if args.rejected != "all":
            print(f"{words.count(shortened, 'evaluation')} of rejected candidates shortened")
    return 0


def parse_moment(text: str, now: datetime) -> datetime:
    """Convert an age (`12h`, `30d`, `8w`) or an ISO 8601 date to a moment; UTC without a time zone.

    Raises:
        UsageError: if the string is neither.
    """
    if age := re.fullmatch(r"(\d{1,5})([hdw])", text):
        return now - int(age[1]) * UNITS[age[2]]
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is neither an age nor a date", fix="write 12h, 30d, 8w or 2026-11-01") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
