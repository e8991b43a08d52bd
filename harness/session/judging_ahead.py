"""JudgingAhead: judges the cases of a run in judge processes, ahead of the order in which their items are run.

The controller owns it. An item takes the evaluation of its case: in the controller directly, in an xdist worker through
a socket in the folder that the processes of the run share.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path

import pytest

from harness.core.case import Case
from harness.core.errors import CrucibleError, InfraError
from harness.core.resources import start_thread
from harness.judge.judges import Judges
from harness.judge.placement import CaseJudges, judges_for
from harness.lane.context import Context
from harness.lane.protocol import Lane
from harness.suites.settings import Settings

SOCKET = "judging"
"""Name of the socket in the folder of the run."""
AHEAD = 64
"""Cases for each judge process that may be judged before their items ask for them."""
CLUSTER_AHEAD = 4096
"""The same for all workers of a cluster together."""
MIN_CASES = 8
"""Fewer cases are judged by the items themselves: starting a judge process would cost more."""


def cases_for_judges(
    cases: Mapping[str, Case], lanes: Mapping[str, Lane], *, is_cluster: bool = False
) -> dict[str, Case]:
    """The cases that judge processes judge, by node id; empty if they are too few. A timed case runs in its item."""
    used = {case.lane for case in cases.values()}  # no others: asking for a lane imports it
    judged = {name for name in used if (lane := lanes.get(name)) is not None and Judges.can_judge(lane)}
    found = {nodeid: case for nodeid, case in cases.items() if case.lane in judged and not case.timed}
    return found if is_cluster or len(found) >= MIN_CASES else {}


def judging_ahead(
    cases: Mapping[str, Case],
    lanes: Mapping[str, Lane],
    *,
    settings: Settings,
    context: Context,
    processes: int,
    option: argparse.Namespace,
) -> JudgingAhead:
    """Judges for the cases of a run, on this machine or on a cluster.

    Args:
        cases: The cases by node id, in the order of their items.
        context: Its values are those of the judges' own contexts.
        option: pytest's, with `--cluster` and `--insecure`.

    Raises:
        pytest.UsageError: if the cluster cannot be used.
    """
    ours = [lanes[name] for name in sorted({case.lane for case in cases.values()})]
    try:
        judges = judges_for(
            ours,
            context=context,
            count=processes,
            cluster=option.crucible_cluster,
            insecure=bool(option.crucible_insecure),
            examples={(case.lane, case.suite): case for case in cases.values()}.values(),
            min_tier=max(settings.tier_for(lane.min_tier) for lane in ours),
        )
    except CrucibleError as error:
        raise pytest.UsageError(str(error)) from None
    return JudgingAhead(cases, judges, ahead=CLUSTER_AHEAD if option.crucible_cluster else AHEAD * processes)


def judge_count(config: pytest.Config) -> int:
    """The number of judge processes of a run: that of its xdist workers; 1 without xdist."""
    return max(1, len(getattr(config.option, "tx", None) or ()))


class JudgingAhead:
    """Judges cases in the order of their items.

    Args:
        cases: The cases by node id, in the order of their items.
        ahead: Cases that may be judged before their items ask for them.
    """

    def __init__(self, cases: Mapping[str, Case], judges: CaseJudges, *, ahead: int) -> None:
        self._cases, self._order = cases, iter(cases.items())
        self._judges, self._limit = judges, ahead
        self._found: dict[str, Future[str]] = {}
        self._taken: set[str] = set()
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self._refused: list[socket.socket] = []

    def __contains__(self, nodeid: str) -> bool:
        return nodeid in self._cases

    def begin(self) -> None:
        """Have the first cases judged now, before an item asks: cases of other lanes then use both cores to the end."""
        with self._lock, contextlib.suppress(InfraError):  # the items report it
            self._submit({})

    def take(self, nodeid: str) -> str:
        """The evaluation of a case as JSON; waits until it is judged. Taken a second time, it is judged again.

        Raises:
            InfraError: if the run is over.
        """
        with self._lock:
            self._taken.add(nodeid)
            self._submit({} if nodeid in self._found else {nodeid: self._cases[nodeid]})
            found = self._found.pop(nodeid)
        return found.result()

    def _submit(self, wanted: dict[str, Case]) -> None:
        """Have cases judged, and the next ones; the lock is held."""
        for ahead, case in self._order:
            if ahead not in self._taken and ahead not in self._found:
                wanted[ahead] = case
            if len(self._found) + len(wanted) > self._limit:
                break
        self._found |= zip(wanted, self._judges.submit_all(wanted.values()), strict=True)

    def listen(self, folder: Path) -> None:
        """Serve xdist workers through a socket in the folder of the run."""
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / SOCKET))
        self._listener.listen()
        start_thread(self._accept, self._listener, name="crucible-judging")

    def close(self) -> None:
        """End the judge processes; what was judged and not taken is forgotten."""
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        for refused in self._refused:
            refused.close()
        self._judges.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:  # closed
                return
            try:
                start_thread(self._serve, connection, name="crucible-judging")
            except InfraError as error:
                self._refused.append(connection)  # a socket that is closed with unread bytes loses what was sent, too
                with contextlib.suppress(OSError):
                    connection.sendall(_message(str(error), is_refusal=True))
                    connection.shutdown(socket.SHUT_RDWR)

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection, connection.makefile("rwb") as stream:
            for line in stream:
                try:
                    answer = _message(self.take(json.loads(line)))
                except (InfraError, MemoryError) as error:  # without an answer the worker would wait forever
                    answer = _message(str(error) or "out of memory", is_refusal=True)
                stream.write(answer)
                stream.flush()


def _message(text: str, *, is_refusal: bool = False) -> bytes:
    data = text.encode()
    return b"%s%d\n" % (b"-" if is_refusal else b"", len(data)) + data


class JudgingClient:
    """The end of an xdist worker.

    Args:
        folder: The folder that the processes of the run share.

    Raises:
        OSError: if the controller does not judge ahead, or runs on another machine.
    """

    def __init__(self, folder: Path) -> None:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(folder / SOCKET))
        except BaseException:
            connection.close()
            raise
        self._refusal = "the controller has ended"
        self._stream = connection.makefile("rwb")
        connection.close()  # the stream keeps the connection

    def take(self, nodeid: str) -> str:
        """The evaluation of a case as JSON; waits until it is judged.

        Raises:
            InfraError: if the controller has ended, or cannot have the case judged.
        """
        try:
            with contextlib.suppress(BrokenPipeError):  # the reason may have been sent before
                self._stream.write(json.dumps(nodeid).encode() + b"\n")  # a path may have a line feed
                self._stream.flush()
            length = self._stream.readline()
            text = self._stream.read(abs(int(length or b"0")))
        except OSError as error:
            raise InfraError(f"the controller does not answer: {error}") from error
        if not length or len(text) < abs(int(length)):
            raise InfraError(self._refusal)
        if length.startswith(b"-"):
            self._refusal = text.decode()
            raise InfraError(self._refusal)
        return text.decode()

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(OSError):
            self._stream.close()
