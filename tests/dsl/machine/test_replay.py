"""A replay takes what came from outside in the order of the log; everything else follows from the state."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.errors import UsageError
from harness.dsl.analysis.load import load_source
from harness.dsl.eventlog.fault import LogError
from harness.dsl.eventlog.logfile import LogFile
from harness.dsl.machine.fork import fork, upgrade
from harness.dsl.machine.replay import _ReplayMachine, replay
from harness.dsl.machine.run_files import LOG
from harness.dsl.machine.session import Session
from harness.dsl.machine.verify import verify

TWO = """task T {
    parallel {
        branch left { step one: human.ask { prompt: "left?" output_var: a } }
        branch right { step two: human.ask { prompt: "right?" output_var: b } step more { let c = "{{b}}!" } }
    }
    evaluation { check both: a == "L" && c == "R!" }
    success: passed("both")
}"""
ONE = """task T {
    parallel {
        branch ask { step q: human.ask { prompt: "Go?" output_var: a } }
        branch work { step r: tool.now { output_var: b } step s: tool.random { low: 1 high: 9 output_var: c } }
    }
    success: exists("a") exists("c")
}"""


def _answered(session: Session, *answers: str) -> None:
    """Answer the newest question first, going on between the answers or not."""
    for number, said in enumerate(answers):
        if number % 2 == 0:
            session.run()
        session.answer(session.outcome.questions[-1].id, said)


@pytest.mark.parametrize(("text", "answers"), [(TWO, ("R", "L")), (ONE, ("x",))])
def test_branches_that_are_answered_in_any_order_replay_equal(start, tmp_path, text, answers) -> None:
    session = start(text)
    _answered(session, *answers)
    session.close()
    program = load_source(text, cache=False)
    with LogFile(tmp_path / "run" / LOG) as file:
        upgraded, found = upgrade(file, file.open_run(), program)
        assert upgraded is not None, found.divergence
        name = upgraded.name
    for run in ("main", name):
        with Session.resume(tmp_path / "run", run=run) as again:
            assert again.run().passed
            assert replay(again.program, again.log).divergence is None
    with LogFile(tmp_path / "run" / LOG) as file:
        for run in ("main", name):  # they have ended: an upgrade only compares
            same, found = upgrade(file, file.open_run(run), load_source(text + "// same", cache=False))
            assert (same.name, found.divergence) == (run, None)
            none, found = upgrade(
                file, file.open_run(run), load_source(text.replace('"{{b}}!"', '"{{b}}?"'), cache=False)
            )
            assert (none is None) == (text == TWO)
        assert len(file.runs()) == 2


def test_an_upgrade_gives_no_valid_hashes_to_a_damaged_log(start, tmp_path) -> None:
    session = start(TWO)
    _answered(session, "R", "L")
    session.close()
    with LogFile(tmp_path / "run" / LOG) as file:
        file.connection.execute("""UPDATE events SET body = replace(body, '"R"', '"X"')""")
        with pytest.raises(LogError, match="chain is broken"):
            upgrade(file, file.open_run(), load_source(TWO, cache=False))


@pytest.mark.parametrize(("text", "answers"), [(TWO, ("R", "L")), (ONE, ("x",))])
def test_a_replay_without_the_order_of_the_log_diverges(start, monkeypatch, text, answers) -> None:
    """The negative control: answers taken only when nothing else can move give other events."""
    session = start(text)
    _answered(session, *answers)
    assert session.run().passed
    assert replay(session.program, session.log).divergence is None

    def late(machine):
        event = machine._compared.next
        return super(_ReplayMachine, machine)._advance() or (event is not None and machine._take(event))

    monkeypatch.setattr(_ReplayMachine, "_take_result" if text is ONE else "_advance", late if text is TWO else _never)
    assert replay(session.program, session.log).divergence is not None


def _never(machine, event) -> bool:
    return False


@pytest.mark.parametrize(
    "call",
    [
        'tool.run { cmd: "echo {{x}}" equals: "1" }',
        'llm.query { prompt: "Is {{x}} good?" equals: "yes" }',
        'tool.fetch { given: {inner: [x]} equals: "1" }',
    ],
)
def test_a_check_whose_call_has_an_undefined_argument_stops_nothing(start, call, monkeypatch) -> None:
    if "fetch" in call:
        from harness.dsl.tools import registry

        class Fetch:
            semantics = "pure"

            def perform(self, request):
                raise AssertionError("an effect with an undefined argument is not performed")

        monkeypatch.setattr(registry, "plugin_tools", lambda: {"fetch": Fetch()})
    if "tool.write" in call:
        body = f"step wrong {{ {call} }}"
    else:
        body = f'evaluation {{ check printed: {call} check fine: 1 + 1 == 2 }} success: passed("fine")'
    session = start(f"task T {{ let x = 1 / 0 {body} }}")
    outcome = session.run()
    assert (outcome.status, outcome.passed) == ("ok", True), outcome.why
    assert replay(session.program, session.log).divergence is None
    events = session.log.seq
    assert session.run().status == outcome.status
    assert session.log.seq == events, "nothing is left to do"


def test_nothing_begins_after_a_stop(start, tmp_path) -> None:
    text = """task T { step a: tool.run { cmd: "echo 1" output_var: x } step b: tool.run { cmd: "echo 2" output_var: y }
      success: y == "2" }"""
    session = start(text, settings={"limits": {"steps": 1}})
    assert session.run().status == "budget"
    session.close()
    with Session.resume(tmp_path / "run", change={"limits": {}}) as again:
        assert [event.value["k"] for event in again.log.events()][-1] == "stopped"
        again.grant("steps", 1000)
        outcome = again.run()
        assert (outcome.passed, outcome.in_doubt) == (True, ())
        assert replay(again.program, again.log).divergence is None


def test_nothing_begins_after_a_stop_between_two_tries(start, tmp_path) -> None:
    text = """task T { step flaky: tool.read { path: "late" retry: {attempts: 4, backoff: 1s} output_var: x } }"""
    session = start(text, settings={"limits": {"wall_s": 100}})
    session.machine.settings.sleep = lambda _: setattr(session.machine, "_started", -1e9)
    assert session.run().why.endswith("wall_s reached")
    session.close()
    with Session.resume(tmp_path / "run") as again:
        again.handler.folder.write("late", b"here")
        again.grant("wall_s", 1e6)
        assert again.run().passed
        assert replay(again.program, again.log).divergence is None


@pytest.mark.parametrize("shape", ["%s %s %s", "parallel { branch a { %s } branch b { %s } branch c { %s } }"])
@pytest.mark.parametrize("outer", [False, True])
def test_no_more_questions_are_asked_than_the_budget_says(start, shape, outer) -> None:
    asks = [f'step s{n}: llm.query {{ prompt: "{n}" output_var: v{n} }}' for n in range(3)]
    budget = "" if outer else "budget { queries: 1 }"
    limits = {"queries": 1} if outer else {}
    session = start(
        f"agent_loop A {{ {budget} {shape % tuple(asks)} }}", answers=list("abc"), settings={"limits": limits}
    )
    outcome = session.run()
    assert (outcome.status, outcome.used["queries"]) == ("budget", 1)
    kinds = [event.value["k"] for event in session.log.events()]
    assert kinds.count("asked") == 1
    assert replay(session.program, session.log).divergence is None
    session.grant("queries", 3)
    assert session.run().passed


def test_a_stopped_run_can_be_answered(start) -> None:
    text = """agent_loop A { budget { steps: 1 } step s: human.ask { prompt: "?" output_var: x }
      step t { let y = x } success: y == "yes" }"""
    session = start(text.replace("steps: 1", "wall: 1s"))
    session.machine._started = -1e9
    session.run()
    session = start(text, folder="steps")
    (question,) = session.run().questions
    session.answer(question.id, "yes")
    assert session.run().status == "budget"
    session.grant("steps", 9)
    assert session.run().passed
    assert replay(session.program, session.log).divergence is None


def test_a_run_that_has_ended_takes_no_answer(start) -> None:
    text = """task T { parallel { branch a { step q: human.ask { prompt: "?" output_var: x } }
      branch b { step r: tool.read { path: "no" output_var: y } } } }"""
    session = start(text)
    outcome = session.run()
    assert (outcome.status, outcome.questions) == ("failed", ())
    with pytest.raises(UsageError, match="has ended"):
        session.answer(session.machine.questions[0].id, "late")
    assert replay(session.program, session.log).divergence is None


def test_a_service_loop_ends_when_it_has_taken_its_events(start, tmp_path) -> None:
    text = "state n: int = 0 service_loop A { budget { events: 3 } on e(k: int) { n = n + 1 } success: n == 3 }"
    events = tmp_path / "events.jsonl"
    events.write_text("".join(f'{{"event": "e", "k": {n}}}\n' for n in range(5)))
    session = start(text, settings={"events": str(events)})
    outcome = session.run()
    assert (outcome.status, outcome.passed, outcome.used["events"]) == ("ok", True, 3)
    assert replay(session.program, session.log).divergence is None


def test_a_service_loop_waits_for_a_branch_that_can_still_post(start) -> None:
    text = """state n: int = 0
    service_loop Listen { budget { events: 9 } on go(by: int) { n = n + by } }
    agent_loop A { parallel { branch listen { run Listen }
      branch ask { step q: human.ask { prompt: "By?" answer: int output_var: by } emit go { by: by } } }
      success: n == 5 }"""
    session = start(load_source(text, entry="A", cache=False))
    (question,) = session.run().questions
    session.answer(question.id, "5")
    assert session.run().passed
    assert replay(session.program, session.log).divergence is None


def test_a_fork_has_the_files_of_its_event(start, tmp_path) -> None:
    text = """task T { step a: tool.write { path: "x" content: "1" }
      step b: tool.run { cmd: ["python3", "-c", "import os; os.remove('x'); open('y', 'w').write('made')"] }
      step c: tool.write { path: "d/z" content: "3" } }"""
    session = start(text, settings={"grants": ("python3",)}, files={"given": b"in", "x": b"0"})
    assert session.run().passed
    session.close()
    expected = {0: {"given": "in", "x": "0"}}
    with LogFile(tmp_path / "run" / LOG) as file:
        log = file.open_run()
        states = {
            "a": {"given": "in", "x": "1"},
            "b": {"given": "in", "y": "made"},
            "c": {"given": "in", "y": "made", "d/z": "3"},
        }
        for event in log.events():
            if event.value["k"] == "result":
                expected[event.seq] = states[event.value["at"].split("/")[1]]
        last: dict[str, str] = {}
        for event in list(log.events()):
            last = expected.get(event.seq, last)
            work = tmp_path / "run/forks" / str(fork(file, log, event.seq).number) / "work"
            assert {p.relative_to(work).as_posix(): p.read_text() for p in work.rglob("*") if p.is_file()} == last
        again = fork(file, file.open_run("main/fork-5"), 0)
        work = tmp_path / "run/forks" / str(again.number) / "work"
        assert (work / "x").read_text() == "0", "a fork of a fork too"
        assert not verify(file).problems


def test_a_file_too_large_to_keep_is_named_when_it_is_missed(start, tmp_path, monkeypatch) -> None:
    from harness.dsl.eventlog.fault import LogError
    from harness.dsl.tools import folder

    session = start('task T { step a: tool.write { path: "big" content: "12345" } }')
    monkeypatch.setattr(folder, "MAX_FOLDER_BYTES", 4)
    assert session.run().passed
    session.close()
    with LogFile(tmp_path / "run" / LOG) as file:
        with pytest.raises(LogError, match="big was too large"):
            fork(file, file.open_run(), file.open_run().load()[1][-1].seq)
        fork(file, file.open_run(), 0)


@pytest.mark.parametrize("said", ["e\u0301te\u0301", "a\r\nb\rc\n", "\ufeffx\u200d", "\u212b\u00c5"])
def test_text_keeps_its_code_points(start, said: str, tmp_path: Path) -> None:
    """From an input, through a file, a command, a question and an answer."""
    text = """agent_loop T { input said: string
      step a: tool.write { path: "f" content: said } step b: tool.read { path: "f" output_var: read }
      step c: tool.run { cmd: ["echo", said] output_var: echoed } step d: llm.query { prompt: said output_var: answer }
      success: read == said answer == said len(read) == len(said) starts_with(echoed, said) }"""
    program = load_source(text, inputs=["said"], cache=False)
    session = start(program, answers=[said], inputs={"said": said})
    outcome = session.run()
    assert outcome.passed, outcome.why
    session.close()
    with Session.resume(tmp_path / "run") as again:
        assert again.outcome.passed
        assert replay(again.program, again.log).divergence is None
