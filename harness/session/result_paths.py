"""Result paths: where a run writes, checked before anything runs."""

from __future__ import annotations

from harness.core.errors import UsageError
from harness.report.page_file import require_page
from harness.session.untrusted import Seal
from harness.suites.settings import Settings


def require_own_paths(settings: Settings, seal: Seal | None) -> None:
    """Refuse a ledger or a report among candidates, and a report in place of another file.

    The author of the candidates could have put a link there, or a ledger whose verdicts this run would reuse.

    Raises:
        UsageError: if a path of the settings is one of these.
    """
    for option, path in (("--ledger", settings.ledger), ("--report", settings.report)):
        if seal is not None and (seal.covers(path) or seal.covers(path.parent)):
            fix = f"name a file outside of the candidates' folders with {option}"
            why = "it is among untrusted files, whose authors could have put it there"
            raise UsageError(why, where=str(path), fix=fix)
    require_page(settings.report)
