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
    from harness.hooks import Lane, Registry
    from harness.ledger.store import Ledger


def add_plugins(parser: argparse.ArgumentParser) -> None:
    """Add `--plugin`; see `load_lanes`."""
    what = "a file or module that defines a lane or gates (repeatable)"
    parser.add_argument("--plugin", action="append", default=[], metavar="FILE", help=what)


def load_lanes(plugins: Iterable[str]) -> Mapping[str, Lane]:
    """The built-in lanes and those of plugins; raises as `load_registry`."""
    return load_registry(plugins).lanes


def load_registry(plugins: Iterable[str]) -> Registry:
    """A registry with the plugins that files or modules are.

    Raises:
        UsageError: if a file or module cannot be imported.
    """
    from harness.core.module_file import import_named
    from harness.hooks import Registry

    registry = Registry()
    for place in plugins:
        registry.register(import_named(place))
    return registry


def run_again(ledger: Ledger, run_id: str, **changes: Any) -> Run:
    """A new run of this command after a stored one, with the given changes."""
    from harness.core.run import Run, new_run_id

    record = json.loads(ledger.rows("SELECT record FROM runs WHERE run_id = ?", run_id)[0]["record"])
    started = datetime.now(UTC)
    new: dict[str, Any] = {"run_id": new_run_id(started, int.from_bytes(os.urandom(3), "big")), "started_at": started}
    new["command"] = shlex.join(["crucible", *sys.argv[1:]])
    # It is neither a part nor the whole of parts.
    new |= {"shard": "", "gates": (), "gate_plugins": (), "parts": (), "selected": None}
    return Run.from_wire(record).model_copy(update=new | changes)
