"""Toolbox: dispatches each request to its tool."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from harness.core.clip import clip
from harness.core.status import Status
from harness.dsl.eventlog.canonical import normalize
from harness.dsl.plain import field, mutable
from harness.dsl.tools import trace_lines
from harness.dsl.tools.command import Finished, run_command
from harness.dsl.tools.fault import ToolFault
from harness.dsl.tools.folder import Folder
from harness.dsl.tools.random_stream import random_stream
from harness.dsl.tools.recordings import Recorded, RecordingFile, key_of
from harness.dsl.tools.request import Request, Response

if TYPE_CHECKING:
    from harness.dsl.tools.boxed_script import Boxed

SECONDS = 60.0  # default limit of a command's wall time
MAX_TEXT = 10 << 20  # maximum bytes of a text result

REPORTS = ("trace.json", "metrics.json")
"""Files that every run writes about itself, next to its work folder: a program may say that they exist."""

Tool = Callable[[Request], Response]
"""Performs one effect; raises `ToolFault` if it cannot."""


@mutable
class Toolbox:
    """The tools of one run. Thread-safe.

    Attributes:
        live: Whether effects are performed; otherwise they answer from recordings, and no file is written.
        boxed: Returns what runs Python scripts; None without boxes: then only granted programs run.
        granted: Names of programs that may run outside a box.
        recordings: Replayed when not live, added to when live.
        seconds: Limit of a command's wall time; the program may set a shorter one.
        hash_seed: PYTHONHASHSEED of commands.
        mocks: What tools answer when not live and without a recording: tool, command or path, result.
        plugins: Other tools by full name (`tool.fetch`).
    """

    folder: Folder
    live: bool = False
    boxed: Callable[[], Boxed] | None = None
    granted: Collection[str] = ()
    recordings: RecordingFile | None = None
    seconds: float = SECONDS
    hash_seed: int = 0
    mocks: tuple[tuple[str, str, str], ...] = ()
    plugins: Mapping[str, Tool] = field(default_factory=dict)

    def perform(self, request: Request, *, interrupted: threading.Event | None = None) -> Response:
        """Perform one effect; a fault becomes a response, not an exception.

        Args:
            interrupted: When it is set, a command is ended.
        """
        if request.name in _PURE:
            return _PURE[request.name](request)
        arguments = dict(request.arguments)
        key = key_of(request.label, request.name, arguments)
        if not self.live:
            return self._recorded(request, key)
        try:
            response = self._perform(request, interrupted)
        except ToolFault as fault:
            response = Response(str(fault.status), why=clip(fault.why))
        if self.recordings is not None:
            self.recordings.add(
                Recorded(
                    key=key,
                    occurrence=request.occurrence,
                    name=request.name,
                    arguments=arguments,
                    status=response.status,
                    value=response.value,
                    why=response.why,
                    items=response.items,
                )
            )
        return response

    def _recorded(self, request: Request, key: str) -> Response:
        found = self.recordings.find(key, request.occurrence) if self.recordings is not None else None
        mocked = self._mocked(request) if found is None else None
        if mocked is not None:
            return mocked
        if found is None and request.name == "tool.run" and _is_echo(request.arguments.get("cmd")):
            return self._perform(request, None)  # it has no effect
        if found is None:
            return Response("simulated", why=f"no recording of this {request.name}, and effects are off (--live)")
        return Response(found.status, found.value, why=found.why, items=found.items, source={"provider": "recording"})

    def _mocked(self, request: Request) -> Response | None:
        """The answer of the first mock that fits; its numbers count as not measured."""
        stated = request.arguments.get("cmd", request.arguments.get("path", ""))
        asked = " ".join(map(str, stated)) if isinstance(stated, list) else str(stated)
        for tool, pattern, result in self.mocks:
            if request.name == f"tool.{tool}" and _fits(pattern, asked):
                text, items, _ = trace_lines.from_output(result)
                value: Any = text.removesuffix("\n") if items else result
                if tool == "exists":
                    value = result.strip().lower() in ("true", "yes", "1")
                source = {"provider": "mock", "unmeasured": "a mock answered"}
                return Response("ok", value, items=tuple(items), source=source)
        return None

    def _perform(self, request: Request, interrupted: threading.Event | None) -> Response:
        match request.name:
            case "tool.write":
                path, content = _text(request, "path"), request.arguments.get("content")
                if content is not None or not self.folder.exists(path):
                    text = content if isinstance(content, str) else "" if content is None else _json(content)
                    self.folder.write(path, _encoded(text))
                return Response("ok", "")
            case "tool.exists":
                path = _text(request, "path")
                return Response("ok", path in REPORTS or self.folder.exists(path))
            case "tool.read":
                return Response("ok", _decoded(self.folder.read(_text(request, "path")), "the file"))
            case "tool.run":
                return self._run(request, interrupted)
        plugin = self.plugins.get(request.name)
        if plugin is None:
            known = ", ".join(sorted([*_PURE, "tool.exists", "tool.read", "tool.write", "tool.run", *self.plugins]))
            raise ToolFault(Status.WRONG, f"there is no {request.name}; there are {known}")
        response = plugin(request)
        return Response(
            response.status, normalize(response.value), response.why, response.items, response.source, response.tokens
        )

    def _run(self, request: Request, interrupted: threading.Event | None) -> Response:
        command = request.arguments.get("cmd")
        if not isinstance(command, list) or not command or not all(isinstance(word, str) for word in command):
            raise ToolFault(Status.WRONG, "a command is a list of strings: the program, then its arguments")
        if any("\0" in word for word in command):
            raise ToolFault(Status.WRONG, "a command cannot hold a zero byte")
        seconds = min(self.seconds, request.timeout_s) if request.timeout_s is not None else self.seconds
        name = command[0]
        source: dict[str, Any] = {}
        if name in self.granted:
            self.folder.recount()
            finished = run_command(
                _resolve_command(command),
                self.folder.root,
                seconds=seconds,
                hash_seed=self.hash_seed,
                interrupted=interrupted,
            )
            source["box"] = False
        elif name == "echo":
            finished = Finished(0, _encoded(" ".join(command[1:]) + "\n"), b"", b"")
        elif name in ("python", "python3") and self.boxed is not None:
            finished = self.boxed().run(command[1:], self.folder, seconds=seconds, hash_seed=self.hash_seed)
        else:
            raise ToolFault(Status.FORBIDDEN, f"{name!r} runs outside a box only if it is granted (--grant {name})")
        return self._response(finished, command, source)

    def _response(self, finished: Finished, command: list[str], source: dict[str, Any]) -> Response:
        if finished.code:
            how = (
                f"was ended by signal {-finished.code}" if finished.code < 0 else f"exited with status {finished.code}"
            )
            # The last line of its output, without the folder's path, which differs between runs.
            output = finished.err if finished.err.strip() else finished.out
            text = output[-4000:].decode("utf-8", "replace").replace(str(self.folder.root), ".").strip()
            last = f": {text.splitlines()[-1]}" if text else ""
            raise ToolFault(Status.CRASH, f"{command[0]} {how}{last}")
        text = _decoded(finished.out, "the output")
        text, marked, wrong = trace_lines.from_output(text)
        items, problems = trace_lines.from_channel(finished.trace)
        if problems or wrong:
            source["trace_problems"] = [*problems, *wrong][:20]
        return Response("ok", text.removesuffix("\n"), items=(*items, *marked), source=source)


def _fits(pattern: str, asked: str) -> bool:
    """Whether a mock's pattern is the command or path; `*` matches any characters."""
    import re

    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), asked, re.DOTALL) is not None


def _is_echo(command: Any) -> bool:
    return isinstance(command, list) and command[:1] == ["echo"] and all(isinstance(word, str) for word in command)


def _resolve_command(command: list[str]) -> list[str]:
    """Replace `crucible` by this interpreter and package: it may not be in PATH, and a work file may have its name."""
    return [sys.executable, "-P", "-m", "harness", *command[1:]] if command[0] == "crucible" else command


def _text(request: Request, name: str) -> str:
    value = request.arguments.get(name)
    if not isinstance(value, str):
        raise ToolFault(Status.WRONG, f"{request.name} needs {name}, a string")
    return value


def _json(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _encoded(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ToolFault(Status.WRONG, f"half a surrogate pair at character {error.start}") from error


def _decoded(data: bytes, what: str) -> str:
    if len(data) > MAX_TEXT:
        raise ToolFault(Status.OUTPUT, f"{what} has {len(data)} bytes, at most {MAX_TEXT} are taken")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ToolFault(Status.OUTPUT, f"{what} is not UTF-8 at byte {error.start}") from error
    return str(normalize(text))


def _random(request: Request) -> Response:
    low, high = request.arguments.get("low", 0.0), request.arguments.get("high", 1.0)
    generator = random_stream(request.seed, request.label, request.occurrence)
    if type(low) is int and type(high) is int:
        return Response("ok", generator.randint(low, high)) if low <= high else _empty(low, high)
    if not all(isinstance(bound, int | float) for bound in (low, high)) or low > high:
        return _empty(low, high)
    return Response("ok", low + (high - low) * generator.random())


def _empty(low: Any, high: Any) -> Response:
    return Response("wrong", why=f"there is nothing between {low} and {high}")


def _now(request: Request) -> Response:
    return Response("ok", request.time)


_PURE: dict[str, Tool] = {"tool.random": _random, "tool.now": _now}
"""Tools without an effect; they give the same results in every run, live or not."""
