"""BareHooks: pytest's hooks without those of its own plugins that have nothing to do for a case."""

from __future__ import annotations

from typing import Any

import _pytest.logging
import pytest

IDLE = frozenset({"capturemanager", "logging-plugin", "threadexception", "unraisableexception"})
"""They wait for output and exceptions of a test, and of its fixtures."""
KNOWN = IDLE | {"runner", "skipping", "tmpdir", "unittest", "benchmark", "crucible-session", "crucible-timing"}
RECORDS: pytest.StashKey[dict[str, list[Any]]] | None = getattr(_pytest.logging, "caplog_records_key", None)


class BareHooks:
    """Hooks for cases: without what pytest does around the setup and the teardown of a test, which a case lacks.

    Only for runs that consist of cases: in others, fixtures of ordinary tests may end, and print, in the teardown of
    the last case. A hook that any other plugin implements, such as a conftest.py, is called in full.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.all = config.hook
        manager = config.pluginmanager
        # Its hook for the call needs a place for records; where that has another name, its setup makes it.
        names = IDLE if RECORDS is not None else IDLE - {"logging-plugin"}
        idle = [plugin for plugin in map(manager.get_plugin, names) if plugin is not None]
        self._setup = manager.subset_hook_caller("pytest_runtest_setup", idle)
        self._teardown = manager.subset_hook_caller("pytest_runtest_teardown", idle)
        if self._are_known("pytest_runtest_setup", "pytest_runtest_teardown"):
            self.pytest_runtest_setup, self.pytest_runtest_teardown = self._set_up, self._tear_down
        if self._are_known("pytest_runtest_makereport"):
            self.pytest_runtest_makereport = self._make_report

    def __getattr__(self, name: str) -> Any:
        caller = getattr(self.all, name)
        setattr(self, name, caller)
        return caller

    def _are_known(self, *hooks: str) -> bool:
        found = [one for name in hooks for one in getattr(self.all, name).get_hookimpls()]
        return all(one.plugin_name in KNOWN for one in found)

    def _set_up(self, *, item: pytest.Item) -> None:
        if RECORDS is not None:
            item.stash[RECORDS] = {}
        self._setup(item=item)

    def _tear_down(self, *, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        if RECORDS is not None:
            del item.stash[RECORDS]
        self._teardown(item=item, nextitem=nextitem)

    def _make_report(self, *, item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport:
        if call.when == "call" or call.excinfo is not None:
            report: pytest.TestReport = self.all.pytest_runtest_makereport(item=item, call=call)
            return report
        return pytest.TestReport.from_item_and_call(item, call)
