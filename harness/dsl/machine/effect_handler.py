"""Surroundings: what there is beyond the machine of one session: tools, whoever answers, events, points."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.dsl.machine.external_effects import Points, Query, Request, Response

if TYPE_CHECKING:
    from harness.dsl.machine.session import Session
    from harness.dsl.tools.folder import Folder
    from harness.dsl.tools.toolbox import Toolbox

POINTS = "points.db"


class Surroundings:
    """What there is beyond the machine of one session; see `Outside`."""

    def __init__(
        self, session: Session, work: Path, *, progress: Callable[[str], None] | None, retry_failed: bool
    ) -> None:
        self.workers, self.retry_failed, self.progress = session.settings.workers, retry_failed, progress
        self._session, self._work = session, work
        self._tools: Toolbox | None = None
        self._lock = threading.Lock()
        self._events: Any = None

    @property
    def _toolbox(self) -> Toolbox:
        """The tools, made at first use: most of a program's steps need none."""
        with self._lock:
            if self._tools is None:
                self._tools = self._made()
            return self._tools

    def _made(self) -> Toolbox:
        from harness.dsl.tools.folder import Folder
        from harness.dsl.tools.recordings import RecordingFile
        from harness.dsl.tools.registry import plugin_tools
        from harness.dsl.tools.toolbox import Toolbox

        settings, session = self._session.settings, self._session
        return Toolbox(
            Folder(self._work),
            live=settings.live,
            boxed=lambda: session.boxed,
            granted=settings.grants,
            recordings=RecordingFile(Path(settings.recordings)) if settings.recordings else None,
            seconds=settings.seconds,
            hash_seed=settings.hash_seed,
            plugins={name: tool.perform for name, tool in plugin_tools().items()},
        )

    @property
    def folder(self) -> Folder:
        """The program's files."""
        return self._toolbox.folder

    def recorded(self, key: str) -> None:
        """Nothing is known beforehand: this is no replay."""
        del key

    def perform(self, request: Request) -> Response:
        """Have an effect."""
        return self._toolbox.perform(request)

    def ask(self, query: Query) -> Response | None:
        """The answer to a question, if somebody answers now."""
        return self._session.answering.ask(query)

    def event(self, skip: int) -> tuple[str, dict[str, Any]] | None:
        """The next event from outside."""
        if self._events is None:
            from harness.dsl.machine.events import source_of

            self._events = source_of(self._session.settings.events)
        found: tuple[str, dict[str, Any]] | None = self._events.event(skip)
        return found

    def points(self, key: str) -> AbstractContextManager[Points]:
        """The points of a search."""
        from harness.dsl.machine.sweep_points import PointRuns

        return PointRuns(self._session.folder / POINTS, key, durability=self._session.settings.durability)

    def close(self) -> None:
        """Stop listening."""
        if hasattr(self._events, "close"):
            self._events.close()
