"""Verbs that use the warm processes of this pytest worker, instead of starting their own."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from harness.cli.kernel import adapt, bench, check, compile, sweep


@pytest.fixture(autouse=True)
def _shared_processes(monkeypatch: pytest.MonkeyPatch, processes) -> None:
    for module in (adapt, bench, check, compile, sweep):
        monkeypatch.setattr(module, "WarmProcesses", lambda: nullcontext(processes))
