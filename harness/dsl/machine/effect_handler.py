"""EffectHandler: the external effects of one session: tools, questions, events and measured points."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.dsl.eventlog.runlog import Files
from harness.dsl.machine.answers import QuestionHandler
from harness.dsl.machine.external_effects import Interrupted, Points, Query
from harness.dsl.machine.file_versions import FileVersions
from harness.dsl.machine.inbox import INBOX, Inbox, Message
from harness.dsl.machine.settings import RunSettings
from harness.dsl.tools.request import Request, Response

if TYPE_CHECKING:
    from harness.dsl.tools.boxed_script import Boxed
    from harness.dsl.tools.folder import Folder
    from harness.dsl.tools.toolbox import Toolbox

POINTS = "points.db"
_NO_FILES = ("tool.read", "tool.exists", "tool.random", "tool.now")  # tools that change no file


class EffectHandler:
    """Performs the external effects of one session; see `ExternalEffects`.

    Args:
        folder: Where the log is; the points of searches are kept next to it.
        versions: What the log knows of them.
        boxed: Returns what runs Python scripts; called at first use.
        mocks: What tools answer while effects are off.
        progress: Takes a short line during long work.
        retry_failed: Whether points that failed before are measured again.
    """

    def __init__(
        self,
        settings: RunSettings,
        folder: Path,
        work: Path,
        *,
        versions: FileVersions,
        boxed: Callable[[], Boxed],
        questions: QuestionHandler,
        mocks: tuple[tuple[str, str, str], ...],
        progress: Callable[[str], None] | None,
        retry_failed: bool,
    ) -> None:
        self.workers, self.retry_failed, self.progress = settings.workers, retry_failed, progress
        self._settings, self._folder, self._work = settings, folder, work
        self._boxed, self._questions, self._mocks = boxed, questions, mocks
        self.is_interactive = questions.is_interactive
        self._tools: Toolbox | None = None
        self._lock = threading.Lock()
        self._inbox = Inbox(work.parent)
        self._searching, self._interrupted = threading.Lock(), threading.Event()
        self._events: Any = None
        self._versions, self._performed = versions, list[Request]()

    @property
    def _toolbox(self) -> Toolbox:
        """The tools, made at first use: most steps of a program need none."""
        with self._lock:
            if self._tools is None:
                self._tools = self._make_toolbox()
            return self._tools

    def _make_toolbox(self) -> Toolbox:
        from harness.dsl.tools.folder import Folder
        from harness.dsl.tools.recordings import RecordingFile
        from harness.dsl.tools.registry import plugin_tools
        from harness.dsl.tools.toolbox import Toolbox

        settings = self._settings
        return Toolbox(
            Folder(self._work),
            live=settings.live,
            boxed=self._boxed,
            granted=settings.grants,
            recordings=RecordingFile(Path(settings.recordings)) if settings.recordings else None,
            seconds=settings.seconds,
            hash_seed=settings.hash_seed,
            mocks=self._mocks,
            plugins={name: tool.perform for name, tool in plugin_tools().items()},
        )

    @property
    def folder(self) -> Folder:
        """The work folder of the program."""
        return self._toolbox.folder

    def perform(self, request: Request) -> Response:
        """Perform an effect with the run's tools."""
        interrupted = self._interrupted
        response = self._toolbox.perform(request, interrupted=interrupted)
        if interrupted.is_set():
            raise Interrupted
        if self._settings.live and request.name not in _NO_FILES:
            with self._lock:
                self._performed.append(request)
        return response

    def changed_files(self) -> dict[str, Files]:
        """The changed work files; if several commands ran at the same time, the last one is named."""
        if not self._performed:
            return {}
        performed, self._performed = self._performed, []
        return self._versions.changes_by_key(performed)

    def interrupt(self) -> None:
        """End the commands that are running."""
        self._interrupted.set()
        self._interrupted = threading.Event()

    def ask(self, query: Query) -> Response | None:
        """The provider's answer to a question; None if there is no answer now."""
        return self._questions.ask(query)

    def messages(self, known: list[str]) -> list[Message]:
        """Messages from other processes that are not known."""
        return self._inbox.messages(known)

    def cancelled(self) -> str | None:
        """The reason of a request to cancel the run; None if there is none."""
        return self._inbox.cancelled()

    def forget_messages(self, known: list[str]) -> None:
        """Remove the messages that the log of an ended run contains, and the request to cancel it."""
        self._inbox.forget(known)
        self._inbox.clear_cancel()

    def event(self, skip: int, seconds: float) -> tuple[str, dict[str, Any]] | None:
        """The event after the first `skip` ones of the run's source; None at its end.

        Raises:
            TimeoutError: if none comes within some seconds.
        """
        if self._settings.events == INBOX:
            raise TimeoutError
        if self._events is None:
            from harness.dsl.machine.events import event_source

            self._events = event_source(self._settings.events)
        found: tuple[str, dict[str, Any]] | None = self._events.event(skip, seconds)
        return found

    @contextmanager
    def points(self, key: str) -> Iterator[Points]:
        """The stored points of the search with this key; one search at a time has the file."""
        from harness.dsl.machine.sweep_points import PointRuns

        path = self._folder / POINTS
        with self._searching, PointRuns(path, key, durability=self._settings.durability) as store:
            yield store

    def close(self) -> None:
        """Close the event source, if it was opened."""
        if hasattr(self._events, "close"):
            self._events.close()
