"""Random programs, killed at random places: run = resume after any kill = replay = upgrade to the same text.

Everything from outside is a function of what is asked, and never of the process that asks: a question is answered by
its wording, now or only after the run was suspended, rightly or wrongly. So every way to the end has the same events.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from harness.dsl.analysis.load import load_source
from harness.dsl.eventlog import runlog
from harness.dsl.eventlog.logfile import LogFile
from harness.dsl.ir import Program
from harness.dsl.machine import export
from harness.dsl.machine.bundle import pack_run, unpack_run
from harness.dsl.machine.events import parse_line
from harness.dsl.machine.fork import fork, upgrade
from harness.dsl.machine.inbox import Inbox
from harness.dsl.machine.recorder import Listener
from harness.dsl.machine.replay import replay
from harness.dsl.machine.run_files import LOG
from harness.dsl.machine.run_view import view_of
from harness.dsl.machine.session import Session
from harness.dsl.machine.settings import RunSettings
from harness.dsl.machine.stored_run import stored_outcome
from harness.dsl.machine.value_storage import restore_value
from harness.dsl.machine.verify import verify
from harness.providers.fault import ProviderError
from harness.providers.question import Question, Reply

HEAD = """variant V { case C { n: int, ms: float > 0 } }
fact slow(c: V.C) { return c.ms > 2.0 }
invariant Small { assert: all(c.n < 3 for c in trace(V.C)) }
hint H { trigger: slow suggestion: "faster" }
state total: int = 0
tools { run "echo v2*" -> "mock" read "a" -> "mocked" }
task Sub {
  input n: int step twice { let m = n * 2 } step keep: tool.write { path: "sub{{n}}" content: "{{m}}" } return m }
service_loop Loop {
  budget { events: %d } on add(n: int) { total = total + n } on bad(n: int) { let u = 1 / (n - n) } }
"""
EVENTS = ('{"event":"add","n":2}', '{"event":"no"}', "{", '{"event":"bad","n":1}')
WORDS = ("x", "cafe\u0301 \U0001f600", 'a %s \\" \\u00e9 \\n', "long " * 300)
"""Plain, decomposed and beyond the first plane, escaped, and longer than a value that stays in its event."""
TUNER = """engineering_loop Tuner {
  parameter A: [1, 2] measure { cmd: ["echo", "cost: {{A}}"] metric: cost objective: minimize repeats: 1 } }
"""
UNDO = 'on failure { step undo: tool.write { path: "undo" content: "{{failure}}" } }'
WRONG_WAIT = "wait for 1 / (1 - v0)"
MAX_TURNS = 60
Opener = Callable[..., Session]
MAX_DEPTH = 8  # of statements in statements


class Killed(BaseException):
    """The process is gone: nothing after it runs."""


@dataclass
class Case:
    """A program, what comes from outside, and where its processes are killed."""

    text: str
    kills: list[int]
    events: list[str]
    limits: dict[str, float]
    fork: int
    group: int
    late: int
    """A question whose wording has this hash modulo 3 is answered only after the run was suspended."""
    live: bool
    """Whether effects are performed; otherwise they are mocked or simulated."""
    sent: list[tuple[int, str]]
    """Messages from other processes, each with the number of events after which it is there."""
    cancel: int
    """Number of questions that a user answers before the run is cancelled."""
    snapshot: int
    """Events after which the run that is killed makes a snapshot."""


@dataclass
class _Names:
    count: int = 0
    is_parallel: bool = False
    """Branches read the files from before them and write others: otherwise it depends on the time what they read."""
    known: list[str] = field(default_factory=list)

    def fresh(self) -> str:
        self.count += 1
        return f"v{self.count}"


@st.composite
def cases(draw: st.DrawFn) -> Case:
    names = _Names()
    budget = draw(st.sampled_from(["", "steps: 4", "queries: 1", "queries: 2", "iterations: 2", "tokens: 9"]))
    statements = draw(st.integers(2, 6))
    body = "\n  ".join(_statement(draw, names, 0) for _ in range(statements))
    text = HEAD % draw(st.integers(1, 3)) + TUNER + "agent_loop T {\n  "
    text += f"budget {{ {budget} }}\n  " if budget else ""
    handler = draw(st.sampled_from(["", "", UNDO]))
    text += f"let v0 = 1\n  {handler}\n  {body}\n  {_evaluation(draw, names)}\n  success: total < 5\n}}\n"
    return Case(
        text,
        draw(st.lists(st.integers(1, 14), max_size=4)),
        draw(st.lists(st.sampled_from(EVENTS), max_size=3)),
        draw(st.sampled_from([{}, {}, {"steps": 3}, {"queries": 1}, {"events": 1}, {"tokens": 4}])),
        draw(st.integers(0, 10_000)),
        draw(st.sampled_from([1, 3, 64])),
        draw(st.integers(0, 3)),
        draw(st.integers(0, 5)) > 0,
        draw(st.lists(st.tuples(st.integers(0, 20), st.sampled_from(EVENTS)), max_size=2)),
        draw(st.sampled_from([99, 99, 99, 0, 1])),
        draw(st.sampled_from([2, 9, 256])),
    )


def _statement(draw: st.DrawFn, names: _Names, depth: int) -> str:
    kinds = ["pure", "write", "echo", "read", "question", "question", "undefined", "emit", "post", "loop", "if", "sub"]
    kinds += ["random", "retry", "calculated", "wait", "handled", "deadline", "words"]
    kinds += ["match", "tools", "until", "state"]
    if depth < 2:
        kinds += ["parallel"] * 4
    if depth > MAX_DEPTH:
        kinds = kinds[:6]
    if depth == 0:
        kinds += ["service", "tune"]
    kind, name = draw(st.sampled_from(kinds)), names.fresh()
    seen = draw(st.sampled_from([*names.known, "v0"]))
    match kind:
        case "pure":
            text = f"step s{name} {{ let {name} = {draw(st.integers(0, 9))} }}"
        case "write":
            path = f"d/{name}" if names.is_parallel else draw(st.sampled_from(["a", "b", f"d/{name}"]))
            return f'step s{name}: tool.write {{ path: "{path}" content: "{name} {{{{{seen}}}}}" }}'
        case "echo":
            text = f'step s{name}: tool.run {{ cmd: ["echo", "{name}", "{{{{{seen}}}}}"] output_var: {name} }}'
        case "read":
            text = f'step s{name}: tool.read {{ path: "{draw(st.sampled_from(["a", "b"]))}" output_var: {name} }}'
        case "retry":
            text = f'step s{name}: tool.read {{ path: "a" retry: {{attempts: 3, backoff: 1s}} output_var: {name} }}'
        case "question":
            kind = draw(st.sampled_from(["string", "int", '"yes" | "no"', "boolean"]))
            who = draw(st.sampled_from(["llm.query", "human.ask"]))
            wording = draw(st.sampled_from(["Same?", f"{name}?", f"{name} {{{{{seen}}}}}?"]))
            tries = draw(st.sampled_from(["", "retry: 2"]))
            text = f'step s{name}: {who} {{ prompt: "{wording}" answer: {kind} {tries} output_var: {name} }}'
        case "words":
            path = f"d/{name}" if names.is_parallel else "a"
            words = draw(st.sampled_from(WORDS))
            write = f'tool.write {{ path: "{path}" content: "{words} {{{{{seen}}}}}" }}'
            text = f'step s{name} {{ {write} tool.read {{ path: "{path}" output_var: {name} }} }}'
        case "match":
            one, other = _inside(draw, names, depth), _inside(draw, names, depth)
            ask = f'llm.query {{ prompt: "Which {name}?" answer: "yes" | "no" output_var: {name} }}'
            text = f'step s{name}: {ask} match {name} {{ case "yes" {{ {one} }} case "no" {{ {other} }} }}'
        case "tools":
            more = draw(st.sampled_from(["", "max_calls: 1", "max_calls: 3"]))
            asked = f'prompt: "Look {name}" tools: [read, write, exists, run] {more} output_var: {name}'
            text = f"step s{name}: llm.query {{ {asked} }}"
        case "until":
            count = names.fresh()
            body = f"{count} = {count} + 1 {_inside(draw, names, depth)}"
            return f"let {count} = 0 repeat 3 until {count} >= 2 {{ {body} }}"
        case "state":
            return "" if names.is_parallel else "total = total + 1"
        case "tune":
            text = f"run Tuner -> {name}"
        case "undefined":
            text = f"let {name} = 1 / 0"
        case "calculated":
            text = f'step s{name} {{ let {name} = "{{{{{seen}}}}}x" }}'
        case "emit":
            return f"emit V.C {{ n: {draw(st.integers(0, 4))} ms: {draw(st.sampled_from(['1.0', '3.0', '0.0']))} }}"
        case "post":
            return f"emit {draw(st.sampled_from(['add', 'bad']))} {{ n: {draw(st.integers(0, 2))} }}"
        case "random":
            text = f"step s{name}: tool.random {{ low: 1 high: 100 output_var: {name} }}"
        case "loop":
            if draw(st.booleans()):
                inner = _statement(draw, names, max(2, depth + 1))
            else:
                inner = f"step a{name} {{ let {name} = {draw(st.integers(0, 9))} + {names.count} }}"
            return f"repeat {draw(st.integers(1, 7))} {{ {inner} }}"
        case "if":
            one, other = (_statement(draw, names, max(2, depth + 1)) for _ in range(2))
            return f"if defined({seen}) {{ {one} }} else {{ {other} }}"
        case "wait":
            return draw(st.sampled_from([f"wait for {names.count}s", "wait for 2s", "wait until 9", WRONG_WAIT]))
        case "handled":
            inner = _statement(draw, names, depth + 1)
            block = _inside(draw, names, depth)
            return f"step s{name} {{ {inner} on failure {{ {block} }} }}"
        case "deadline":
            return f"step s{name} {{ deadline: 1h {_statement(draw, names, depth + 1)} }}"
        case "sub":
            text = f"run Sub {{ n: {names.count} }} -> {name}"
        case "service":
            return "run Loop"
        case _:
            before, branches, outer = list(names.known), [], names.is_parallel
            names.is_parallel = True
            written: list[str] = []
            for number in range(draw(st.integers(2, 3))):
                names.known = list(before)
                inner = " ".join(_statement(draw, names, depth + 1) for _ in range(draw(st.integers(1, 3))))
                if depth == 0 and number == 0 and draw(st.integers(0, 3)) == 0:
                    inner += " run Loop"
                branches.append(f"branch b{number} {{ {inner} }}")
                written += names.known[len(before) :]
            names.known, names.is_parallel = before + written, outer
            return "parallel { " + " ".join(branches) + " }"
    names.known.append(name)
    return text


def _inside(draw: st.DrawFn, names: _Names, depth: int) -> str:
    """A statement of a block that may not run: nothing after it reads what it binds."""
    known = list(names.known)
    text = _statement(draw, names, max(2, depth + 1))
    names.known = known
    return text


def _evaluation(draw: st.DrawFn, names: _Names) -> str:
    checks = []
    for number in range(draw(st.integers(0, 3))):
        seen = draw(st.sampled_from([*names.known, "v0"]))
        checks.append(
            draw(
                st.sampled_from(
                    [
                        f"check c{number}: total < 4",
                        f'check c{number}: tool.run {{ cmd: ["echo", "{{{{{seen}}}}}"] contains: "v" }}',
                        f'check c{number}: text({seen}) == "1"',
                        f'check c{number}: tool.read {{ path: "a" equals: "x" }}',
                        f'check c{number}: llm.query {{ prompt: "Good? {{{{{seen}}}}}" equals: "no" }}',
                    ]
                )
            )
        )
    return f"evaluation {{ {' '.join(checks)} }}" if checks else ""


class _Provider:
    """Answers a question by its wording and occurrence."""

    name = "script"

    def __init__(self, case: Case) -> None:
        self._case = case

    def answer(self, question: Question) -> Reply | None:
        if question.to == "human" or sum(question.prompt.encode()) % 3 == self._case.late:
            return None
        if "tools" in question.parameters and len(question.parameters["said"]) < sum(question.prompt.encode()) % 4:
            return Reply(text=json.dumps({"tool_calls": _calls(question)}), provider=self.name, tokens=1)
        said, number = answer_of(question.prompt, question.answer_schema), question.occurrence
        if number == 2 and "?" in question.prompt[:4]:
            raise ProviderError("no answer", status="timeout" if len(question.prompt) % 2 else "crash")
        return Reply(text=said, provider=self.name, tokens=number)


def _calls(question: Question) -> list[dict[str, Any]]:
    """Calls of a model: right, wrong, and more than one at a time."""
    name = question.prompt.rpartition(" ")[2]
    path, tool = f"d/{name}", ("read", "run", "rm")[sum(name.encode()) % 3]
    return [
        {"tool": "write", "arguments": {"path": path, "content": name}},
        {"tool": tool, "arguments": {"path": path, "cmd": ["echo", "x"]}},
    ]


def answer_of(prompt: str, schema: Mapping[str, Any], *, is_right: bool = False) -> str:
    """The answer to a question; some are not what was asked for."""
    number = sum(prompt.encode())
    if number % 7 == 0 and not is_right and schema.get("type") != "string":
        return "{"
    if "enum" in schema:
        return str(schema["enum"][number % len(schema["enum"])])
    words = WORDS[number % len(WORDS)]
    return {"integer": str(number), "boolean": "true"}.get(str(schema.get("type")), f"said {number} {words}")


def load(case: Case) -> Program:
    return load_source(case.text, path="fuzzed.spak", entry="T", cache=False)


def check_case(case: Case, folder: Path) -> None:
    """Run, kill, resume and replay; then upgrade, fork, move or show. Every way has the same events."""
    program = load(case)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "events.jsonl").write_text("".join(line + "\n" for line in case.events))
    bodies, status = _to_the_end(_opener(case, program, folder / "calm"), [], is_calm=True)
    steps = 1 if case.fork % 4 == 0 else None
    shown = case.fork % 2 == 0  # events that are shown are made one by one, others by prepared paths
    killed = _opener(case, program, folder / "killed", listener=(lambda *_: None) if shown else None)
    with _snapshots_every(case.snapshot):
        again, ended = _to_the_end(killed, case.kills, steps=steps)
        assert (again, ended) == (bodies, status), "a killed run, or one that stops after each step, has other events"
        for name in ("calm", "killed"):
            _replays(program, folder / name, "main")
        match case.fork // 4 % 4:
            case 0:
                _upgrades(case, program, folder / "cut", bodies)
            case 1:
                _forks(case, program, folder / "calm", case.fork % len(bodies))
            case 2:
                _moves(case, program, folder / "moved", bodies)
            case _:
                _is_shown(program, folder / "killed")


@contextlib.contextmanager
def _snapshots_every(events: int) -> Iterator[None]:
    usual, runlog.SNAPSHOT_AFTER_EVENTS = runlog.SNAPSHOT_AFTER_EVENTS, events
    try:
        yield
    finally:
        runlog.SNAPSHOT_AFTER_EVENTS = usual


def _opener(
    case: Case, program: Program, folder: Path, *, run: str | None = None, listener: Listener | None = None
) -> Opener:
    def opened(probe: Callable[[str], None] | None = None) -> Session:
        events = str(folder.parent / "events.jsonl")
        more: dict[str, Any] = {"provider": _Provider(case), "probe": probe, "listener": listener}
        if (folder / LOG).exists() and _has_run(folder):
            session = Session.resume(folder, run=run, change={"events": events}, **more)
        else:
            settings = RunSettings(live=case.live, group=case.group, limits=case.limits, events=events)
            session = Session.start(program, folder, settings=settings, **more)
        session.machine.settings.sleep = lambda _: None
        session.case = case  # type: ignore[attr-defined]
        log, sent = session.log, [(at, f"m{n}", *parse_line(line.encode())) for n, (at, line) in enumerate(case.sent)]
        session.handler.messages = lambda known: [m[1:] for m in sent if m[0] <= log.seq and m[1] not in known]  # type: ignore[method-assign]
        session.machine.settings.real_time = False
        return session

    return opened


def _has_run(folder: Path) -> bool:
    with LogFile(folder / LOG) as file:
        return bool(file.runs())


def _to_the_end(
    opened: Opener, kills: list[int], *, turns: int = MAX_TURNS, steps: int | None = None, is_calm: bool = False
) -> tuple[list[bytes], str]:
    """The events and status of a run whose processes are killed after so many writes and effects each."""
    for left in [*kills, 1 << 30]:
        counter = [left]

        def tick(_point: str = "", counter: list[int] = counter) -> None:
            counter[0] -= 1
            if counter[0] == 0:
                raise Killed

        session: Session | None = None
        try:
            session = opened(tick)
            _watch(session, tick)
            _drive(session, turns, steps=steps, is_calm=is_calm)
        except Killed:
            if session is not None:
                session.file.connection.close()  # rolls back what was not committed, as a dead process would
                session.file._release()
                session.handler.close()
            continue
        with session:
            return [_without_source(event.body) for event in session.log.events()], session.machine.status
    raise AssertionError("the last process is never killed")


def _without_source(body: bytes) -> bytes:
    """An event without the note that a person resolved it."""
    return body.replace(b'"source":{"provider":"person"},', b"")


def _watch(session: Session, tick: Callable[[], None]) -> None:
    perform, ask = session.handler.perform, session.handler.ask

    def performing(request: Any) -> Any:
        tick()
        response = perform(request)
        tick()
        return response

    def asking(query: Any) -> Any:
        tick()
        response = ask(query)
        tick()
        return response

    session.handler.perform, session.handler.ask = performing, asking  # type: ignore[method-assign]


def _drive(session: Session, turns: int, *, steps: int | None = None, is_calm: bool = False) -> None:
    """What a user does: resolve, answer the newest question, raise the budget, cancel; until the end.

    Where no process was killed, no effect is in doubt, whatever stopped the run; so a resume finds none either.
    """
    case: Case = session.case  # type: ignore[attr-defined]
    for _ in range(turns):
        outcome, before = session.run(steps=steps), -1
        while steps is not None and session.log.seq != before:
            before = session.log.seq
            outcome = session.run(steps=steps)
        if is_calm:
            begun, session.machine._receiver.begun = session.machine._receiver.begun, set()
            assert outcome.status != "budget" or not session.machine.in_doubt, "a stop leaves an effect in doubt"
            session.machine._receiver.begun = begun
        if outcome.in_doubt:
            for number, key in enumerate(outcome.in_doubt):
                value = _said(session, key) if case.live else None
                session.resolve(key, "done" if value is not None and number % 2 else "repeat", value)
        elif outcome.status == "budget":
            session.grant(str(session.machine.state.ended["which"]), 10_000)
        elif outcome.status == "suspended":
            if _answered(session) >= case.cancel:
                Inbox(session.place).cancel("enough")
                continue
            query = outcome.questions[-1]
            session.answer(query.id, answer_of(query.prompt, query.schema, is_right=True))
        else:
            return


def _answered(session: Session) -> int:
    """Number of questions that a user has answered."""
    events = [event.value for event in session.log.events()]
    return sum(event["k"] == "answered" and event["source"]["provider"] == "person" for event in events)


def _said(session: Session, key: str) -> str | None:
    """What an `echo` in doubt printed."""
    for fiber in session.machine.in_doubt:
        if fiber.intent is not None and fiber.intent.key == key:
            return " ".join(map(str, fiber.intent.arguments["cmd"][1:]))
    return None


def _replays(program: Program, folder: Path, run: str) -> None:
    with LogFile(folder / LOG, read_only=True) as file:
        found = replay(program, file.open_run(run)).divergence
        assert found is None, str(found)
        assert not verify(file).problems


def _upgrades(case: Case, program: Program, folder: Path, bodies: list[bytes]) -> None:
    """A run cut by a kill is upgraded to the same text, and goes on to the same events."""
    opened = _opener(case, program, folder)
    try:
        session = opened(_after(case.fork % 25 + 4))
        with session:
            _drive(session, MAX_TURNS)
            if session.machine.status not in ("budget", "suspended", "in_doubt", "running"):
                return
    except Killed:
        if not (folder / LOG).exists() or not _has_run(folder):
            return
    with LogFile(folder / LOG) as file:
        log = file.open_run("main")
        log.load()
        changed = load(replace(case, text="// Another text, with the same steps.\n\n" + case.text))
        new, found = upgrade(file, log, changed)
        assert new is not None, str(found.divergence)
        name = new.name
    again, _ = _to_the_end(_opener(case, changed, folder, run=name), [])
    assert again == bodies, "an upgraded run has other events"
    _replays(changed, folder, name)


def _after(left: int) -> Callable[[str], None]:
    counter = [left]

    def tick(_point: str) -> None:
        counter[0] -= 1
        if counter[0] == 0:
            raise Killed

    return tick


def _forks(case: Case, program: Program, folder: Path, seq: int) -> None:
    """A fork, and a fork of it, has the files of its event, goes on to an end, and replays equal."""
    name = "main"
    for number in (seq, seq + case.fork % 5 - 2):
        with LogFile(folder / LOG) as file:
            log = file.open_run(name)
            log.load()
            at = max(0, min(number, log.seq))
            expected = _files_at(log, at)
            new = fork(file, log, at)
            name, place = new.name, folder / "forks" / str(new.number) / "work"
            paths = [path for path in place.rglob("*") if path.is_file()]
            found = {path.relative_to(place).as_posix(): path.read_text() for path in paths}
            assert found == expected, "a fork has the files of its event"
        _to_the_end(_opener(case, program, folder, run=name), [])
        _replays(program, folder, name)


def _moves(case: Case, program: Program, folder: Path, bodies: list[bytes]) -> None:
    """A run that waits goes on to the same events in another place."""
    with _opener(case, program, folder)() as session:
        if session.run().status != "suspended":
            return
        pack_run(session, folder / "run.zip")
    place = folder.parent / "elsewhere"
    unpack_run(folder / "run.zip", place)
    assert _to_the_end(_opener(case, program, place), [])[0] == bodies, "a run that was moved has other events"
    _replays(program, place, "main")


def _is_shown(program: Program, folder: Path) -> None:
    """What shows a run takes all of its events."""
    with LogFile(folder / LOG, read_only=True) as file:
        log = file.open_run("main")
        outcome = stored_outcome(program, log)
        view, seen = view_of(file, log, program, outcome), export.metrics(outcome, log)
        assert (view["events"], view["status"]) == (len(list(log.events())), seen["status"])
        assert len(export.trace(program, log)) <= len(view["cards"])


def _files_at(log: Any, seq: int) -> dict[str, str]:
    begun: dict[str, dict[str, Any]] = {}
    files: dict[str, str] = {}
    for event in log.events(stop=seq + 1):
        value = event.value
        if value["k"] == "intent":
            begun[value["key"]] = value
        elif value["k"] == "result" and begun[value["key"]]["name"] == "tool.write":
            if value.get("status") == "simulated":
                continue
            given = {name: restore_value(kept, log.blobs) for name, kept in begun[value["key"]]["args"].items()}
            files[str(given["path"])] = str(given["content"])
    return files
