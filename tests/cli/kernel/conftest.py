"""Verbs that use the warm processes of this pytest worker, instead of starting their own."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from harness.cli.kernel import bench, check, compile, sweep


@pytest.fixture(autouse=True)
def _shared_processes(monkeypatch: pytest.MonkeyPatch, processes, compilers) -> None:
    for module in (bench, check, compile):  # a sweep measures in threads that end, and its processes end with them
        monkeypatch.setattr(module, "WarmProcesses", lambda: nullcontext(processes))
    monkeypatch.setattr(sweep, "CompilerPool", lambda: nullcontext(compilers))
