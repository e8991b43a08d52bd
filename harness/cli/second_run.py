"""Second run: what verbs share that judge a stored run again: lanes of plugins, and the run after it."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.core.run import Run
    from harness.hooks import Lane
    from harness.ledger.store import Ledger


def add_plugins(parser: argparse.ArgumentParser) -> None:
    """Add `--plugin`; see `load_lanes`."""
    what = "a file or module that defines a lane (repeatable)"
    parser.add_argument("--plugin", action="append", default=[], metavar="FILE", help=what)


def load_lanes(plugins: Iterable[str]) -> Mapping[str, Lane]:
    """Load the built-in lanes and those that files or modules define.

    Raises:
        UsageError: if a file or module cannot be imported.
    """
    from harness.core.module_file import import_named
    from harness.hooks import Registry

    registry = Registry()
    for place in plugins:
        registry.register(import_named(place))
    return registry.lanes


def run_again(ledger: Ledger, run_id: str, **changes: Any) -> Run:
    """A new run of this command after a stored one, with the given changes."""
    from harness.core.run import Run, new_run_id

    record = json.loads(ledger.rows("SELECT record FROM runs WHERE run_id = ?", run_id)[0]["record"])
    started = datetime.now(UTC)
    new: dict[str, Any] = {"run_id": new_run_id(started, int.from_bytes(os.urandom(3), "big")), "started_at": started}
    new["command"] = shlex.join(["crucible", *sys.argv[1:]])
    new |= {"shard": "", "gates": (), "parts": (), "selected": None}  # it is neither a part nor the whole of parts
    return Run.from_wire(record).model_copy(update=new | changes)
