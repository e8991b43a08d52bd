"""Watcher: takes hand-offs from the queue, one after another, and stores what became of each."""

from __future__ import annotations

import os
import socket
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.core.closing import Closing
from harness.core.digest import digest_bytes, short
from harness.core.errors import CrucibleError
from harness.ledger.handoffs import INVALID, QUARANTINED, Handoff, Handoffs
from harness.repair.bundles import (
    InvalidHandoffError,
    candidate_of,
    challenger_path,
    find_equal,
    spec_of,
    write_challenger,
)
from harness.repair.patterns import Patterns
from harness.repair.repairer import Proposer, Repair, repair
from harness.repair.workbench import Workbench

SLACK = 120.0
"""Seconds that a lease is longer than the time of a repair: pools start, the last batch ends, bytes are confirmed."""

CHALLENGER = "challenger: "  # before the path of the repaired bytes, in messages and logs


class Watcher(Closing):
    """Works on the queue of a ledger. Use it as a context manager.

    Args:
        seconds: Limit on the wall seconds of one repair.
        logs: Folder of the logs, one file for each hand-off.
        workers: Judge processes; by default one for each core.
        proposer: Asked when no edit helps; given the workbench's tool.
        say: Called with one line for each hand-off, and one for the file of its repair.

    Attributes:
        failures: How many hand-offs could not be worked on.
    """

    def __init__(
        self,
        queue: Handoffs,
        *,
        seconds: float,
        logs: Path,
        workers: int | None = None,
        proposer: Callable[[Workbench], Proposer] | None = None,
        say: Callable[[str], None] = print,
    ) -> None:
        self._queue, self._seconds, self._logs, self._workers = queue, seconds, logs, workers
        self._proposer, self._say = proposer, say
        self.holder = f"{socket.gethostname()}:{os.getpid()}"
        self.failures = 0
        self._bench: tuple[tuple[Path, int, str], Workbench] | None = None

    def work(self) -> bool:
        """Take the next hand-off and store what became of it; False if none waits.

        Raises:
            LedgerError: if the ledger cannot be written.
        """
        one = self._queue.take(self.holder, seconds=self._seconds + SLACK)
        if one is None:
            return False
        name = f"{one.tool or one.lane} {short(one.digest)}"
        try:
            state, lines = self._work_on(one)
        except InvalidHandoffError as error:
            state, lines = INVALID, [str(error)]
            self._queue.finish(one, self.holder, INVALID, {"state": INVALID, "why": str(error)})
        except (CrucibleError, OSError) as error:
            state, lines = self._fail(one, str(error)), [str(error)]
        except Exception as error:
            sentence = f"{type(error).__name__}: {error}"
            state, lines = self._fail(one, sentence), traceback.format_exc().splitlines()
        except BaseException:  # Ctrl-C, or the service is stopped: another one may take it at once
            self._queue.release(one, self.holder)
            raise
        self._log(one, state, lines)
        self._say(f"{name}: {state}: {lines[0] if lines else ''}")
        for line in lines[1:2]:
            if line.startswith(CHALLENGER):
                self._say(f"  {line}")
        return True

    def close(self) -> None:
        """End all processes."""
        if self._bench is not None:
            self._bench[1].close()
            self._bench = None

    def _work_on(self, one: Handoff) -> tuple[str, list[str]]:
        path, data = candidate_of(one)
        bench = self._bench_for(*spec_of(one), one.tool_digest)
        patterns = Patterns.learn(self._queue.repairs())
        proposer = self._proposer(bench) if self._proposer is not None else None
        found = repair(bench, data, seconds=self._seconds, patterns=patterns, proposer=proposer)
        result, child = found.to_wire(), ""
        lines = describe(found)
        if found.source is not None:
            challenger = find_equal(path, found.source)
            if challenger is None:
                challenger = challenger_path(path, found.source)
                write_challenger(challenger, found.source)
            child = digest_bytes(found.source)
            result |= {"challenger": str(challenger), "challenger_sha256": child}
            lines.insert(1, f"{CHALLENGER}{os.path.relpath(challenger)}")
        if not self._queue.finish(one, self.holder, found.state, result, child=child):
            lines.insert(0, "the lease ended before: another worker has this hand-off, and nothing was stored")
        return found.state, lines

    def _bench_for(self, spec: Path, epoch: int, tool_digest: str) -> Workbench:
        key = spec, epoch, tool_digest
        if self._bench is None or self._bench[0] != key:
            self.close()
            bench = Workbench(spec, epoch=epoch, workers=self._workers)
            if tool_digest and bench.tool.digest != tool_digest:
                bench.close()
                raise InvalidHandoffError(f"{bench.tool.path}: the tool changed since the candidate was handed off")
            self._bench = key, bench
        return self._bench[1]

    def _fail(self, one: Handoff, why: str) -> str:
        self.failures += 1
        self.close()  # the next one gets processes of its own
        state = self._queue.fail(one, self.holder, why)
        return state if state == QUARANTINED else "failed"

    def _log(self, one: Handoff, state: str, lines: list[str]) -> None:
        self._logs.mkdir(parents=True, exist_ok=True)
        moment = datetime.now(UTC).isoformat(timespec="seconds")
        text = "\n".join([f"{moment} attempt {one.attempts}: {state}", *(f"  {line}" for line in lines)])
        with (self._logs / f"{short(one.handoff_id)}.log").open(
            "a", encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.write(f"{text}\n")


def describe(found: Repair) -> list[str]:
    """A result as lines, the sentence first."""
    counts = f"{found.screened} proposals screened, {found.passed} passed, {found.seconds:.1f} s"
    lines = [found.why, f"{found.strategy}: {counts}" if found.strategy else counts]
    return [*lines, *found.change.splitlines()]


def summarise(results: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Success rates of stored results (`Handoffs.results`) by tool, and by tool and strategy."""
    tools: dict[str, dict[str, Any]] = {}
    strategies: dict[tuple[str, str], dict[str, Any]] = {}
    for row in results:
        tool = tools.setdefault(row["tool"], {"tool": row["tool"], "handoffs": 0, "states": {}})
        tool["handoffs"] += 1
        tool["states"][row["state"]] = tool["states"].get(row["state"], 0) + 1
        tried, won = row["result"].get("tried"), row["result"].get("strategy")
        for name in tried if isinstance(tried, list) else ():
            key = row["tool"], str(name)
            found = strategies.setdefault(key, {"tool": key[0], "strategy": key[1], "tried": 0, "repaired": 0})
            found["tried"] += 1
            found["repaired"] += row["state"] == "repaired" and won == name
    for tool in tools.values():
        states = tool["states"]
        ended = sum(states.get(name, 0) for name in ("repaired", "exhausted", "unconfirmed"))
        tool["success"] = states.get("repaired", 0) / ended if ended else None
    for found in strategies.values():
        found["success"] = found["repaired"] / found["tried"]
    return {
        "tools": sorted(tools.values(), key=lambda one: one["tool"]),
        "strategies": sorted(strategies.values(), key=lambda one: (one["tool"], one["strategy"])),
    }
