"""Waits, deadlines of steps, `on failure` blocks, messages and cancellation: recorded, and equal after a restart."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from harness.core.errors import UsageError
from harness.dsl.analysis.load import check_source, load_source
from harness.dsl.machine import timers
from harness.dsl.machine.bundle import pack_run, unpack_run
from harness.dsl.machine.inbox import Inbox
from harness.dsl.machine.replay import replay
from harness.dsl.machine.session import Session
from harness.dsl.machine.state import Fiber, Intent

NOW = "step now: tool.now { output_var: now }"


def _replays(session: Session) -> None:
    found = replay(session.program, session.log).divergence
    assert found is None, str(found)


@pytest.mark.parametrize(
    ("waits", "expected"),
    [
        ("wait for 90s", 90.0),
        ("wait for 1min wait until 100", 100.0),
        ("wait until 30s wait until 20", 30.0),
        ('wait until "2001-01-01T00:00:00Z"', 0.0),
        ("parallel { branch a { wait for 20s } branch b { wait for 30s wait for 5s } }", 35.0),
        ("let x = 2 wait for x * 3", 6.0),
    ],
)
def test_a_wait_advances_the_logical_time(start, waits, expected) -> None:
    heads = []
    for folder, live in (("a", False), ("b", False)):
        session = start(
            f"task T {{ {waits} {NOW} success: now == {expected} }}", folder=folder, settings={"live": live}
        )
        outcome = session.run()
        assert outcome.passed, outcome.why
        heads.append(outcome.head)
        _replays(session)
    assert heads[0] == heads[1]


def test_a_wait_takes_its_time_and_goes_on_after_a_restart(start, tmp_path) -> None:
    session = start(f"task T {{ wait for 1.2s {NOW} success: now == 1.2 }}")
    began = time.monotonic()

    class Gone(BaseException):
        pass

    def gone():
        if time.monotonic() - began > 0.6:
            raise Gone
        return

    session.handler.cancelled = gone
    with pytest.raises(Gone):
        session.run()
    session.close()
    time.sleep(0.7)
    with Session.resume(tmp_path / "run") as again:
        resumed = time.monotonic()
        assert again.run().passed
        assert time.monotonic() - resumed < 0.6, "the time between the two processes counts"
        _replays(again)


def test_a_wait_in_a_bundle_goes_on_elsewhere(start, tmp_path) -> None:
    text = f"""task T {{ parallel {{ branch a {{ wait for 1h }}
      branch b {{ step q: human.ask {{ prompt: "?" output_var: x }} }} }} {NOW} success: now == 3600 }}"""
    session = start(text, settings={"limits": {"wall_s": 0.2}})
    assert session.run().status == "budget"
    pack_run(session, tmp_path / "b.zip")
    unpack_run(tmp_path / "b.zip", tmp_path / "there")
    with Session.resume(tmp_path / "there") as there:
        armed = next(event for event in there.log.events() if event.value.get("name") == "tool.wait")
        assert armed.wall == next(e.wall for e in session.log.events() if e.seq == armed.seq)
        there.machine.settings.real_time = False
        there.grant("wall_s", 100)
        assert there.run().status == "suspended"
        there.answer(there.outcome.questions[0].id, "x")
        assert there.run().passed


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        ("let x = 1 / 0 wait for x", "division by zero"),
        ("wait for 0 - 1", "a wait of -1 s"),
        ('wait until "soon"', "'soon' is not a date"),
        ("wait for 1e300", "a wait of 1e+300 s"),
    ],
)
def test_a_wait_of_a_wrong_length_fails(start, wait, words) -> None:
    session = start(f"task T {{ {wait} }}")
    outcome = session.run()
    assert outcome.status == "failed"
    assert words in outcome.why
    _replays(session)


@pytest.mark.parametrize("text", ['wait for "soon"', "wait for 3GB", "wait until true"])
def test_a_wait_is_checked(text) -> None:
    _, found = check_source(f"task T {{ {text} }}", cache=False)
    assert any(diagnostic.is_error for diagnostic in found)


@pytest.mark.parametrize(
    ("amount", "left"), [({"for": 60}, 60), ({"until": 100}, 90), ({"until": "1970-01-01T01:00Z"}, 3600)]
)
def test_a_clock_that_is_put_back_does_not_prolong_a_wait(amount, left) -> None:
    intent = Intent("key", "tool.wait", {"from": 10.0, **amount}, 1)
    assert timers.rest(intent, 1000.0, 0.0) == left
    assert timers.rest(intent, 0.0, left - 1) == 1
    fiber = Fiber("", [], deadlines=[("T/s", 60.0, 1)])
    assert timers.deadline([fiber], lambda _: 1000.0, 0.0)[0] == 60


def test_a_deadline_ends_a_running_tool_and_is_not_tried_again(start) -> None:
    sleep = 'tool.run { cmd: ["python3", "-c", "import time; time.sleep(600)"] retry: {attempts: 3, backoff: 1h} }'
    session = start(f"task T {{ step slow {{ deadline: 1s {sleep} }} }}", settings={"grants": ("python3",)})
    outcome = session.run()
    assert (outcome.status, outcome.steps[0].status) == ("failed", "timeout")
    assert "the deadline of T/slow (1 s) has passed" in outcome.why
    _replays(session)


def test_a_deadline_holds_across_a_restart_and_only_within_its_step(start, tmp_path) -> None:
    text = """task T { step first { deadline: 0.3s let x = 1 } step open: human.ask { prompt: "?" output_var: a }
      step hurry { deadline: 1h human.ask { prompt: "Now?" output_var: b } } }"""
    session = start(text)
    (question,) = session.run().questions
    time.sleep(0.4)
    session.answer(question.id, "x")
    assert session.run().status == "suspended", "the first step has ended in time"
    session.close()
    with Session.resume(tmp_path / "run") as again:
        again.file.connection.execute("UPDATE events SET wall = wall - 1000")
        assert again.run().status == "suspended"
    with Session.resume(tmp_path / "run") as again:
        again.file.connection.execute("UPDATE events SET wall = wall - 2600")
        outcome = again.run()
        assert "the deadline of T/hurry (3600 s) has passed" in outcome.why
        _replays(again)


def test_a_deadline_ends_a_wait(start) -> None:
    session = start("task T { step s { deadline: 0.2s wait for 1h } }")
    assert "the deadline of T/s" in session.run().why
    _replays(session)


UNDO = 'step %s: tool.write { path: "log" content: "%s {{failure}}" }'


@pytest.mark.parametrize(
    ("body", "undone"),
    [
        ('step a { fail "no" on failure { %s } }', "wrong: no"),
        ('step a { step b { fail "no" } on failure { %s } }', "wrong: no"),
        ("step a { run Sub on failure { %s } }", "wrong: sub"),
        ("step a { run Wrong on failure { %s } }", "wrong: Wrong: 1 == 2 does not hold"),
        ('step a { tool.read { path: "no" retry: 2 output_var: x } on failure { %s } }', "wrong: no cannot be read"),
        ('parallel { branch p { step a { fail "no" on failure { %s } } } branch q { let y = 1 } }', "wrong: no"),
        ('step a { parallel { branch p { fail "no" } branch q { run Sub } } on failure { %s } }', "wrong: no"),
        ('on failure { %s } step a { parallel { branch p { fail "no" } branch q { let y = 1 } } }', "wrong: no"),
        ("step a { wait for 0 - 1 on failure { %s } }", "wrong: a wait of -1 s"),
    ],
)
def test_a_failure_is_compensated_once_and_stays_a_failure(start, tmp_path, body, undone) -> None:
    text = f"""task T {{ {body % (UNDO % ("undo", "undone"))} step never {{ let z = 1 }} }}
    task Sub {{ fail "sub" }} task Wrong {{ let x = 1 success: 1 == 2 }}"""
    session = start(load_source(text, entry="T", cache=False))
    outcome = session.run()
    assert outcome.status == "failed"
    assert session.handler.folder.read("log").decode().startswith(f"undone {undone}")
    assert {step.name: step.times for step in outcome.steps if step.name in ("undo", "never")} == {
        "undo": 1,
        "never": 0,
    }
    _replays(session)
    session.close()
    with Session.resume(tmp_path / "run") as again:
        assert again.outcome.status == "failed"
        assert again.run().head == outcome.head


def test_failures_are_compensated_from_the_inside_out(start) -> None:
    text = """task T { on failure { step t { order = order + "t" } }
      step outer { step inner { fail "no" on failure { step i { order = order + "i" } } }
        on failure { step o { order = order + "o" fail "again" } } } }
    state order: string = "" """
    text = text.replace('order = order + "i"', 'order = "{{order}}i"').replace(
        'order = order + "o"', 'order = "{{order}}o"'
    )
    session = start(text.replace('order = order + "t"', 'order = "{{order}}t"'))
    outcome = session.run()
    assert session.machine.state.values == ["iot"]
    assert (outcome.status, outcome.why) == ("failed", "T/on-failure/t: wrong: again"[:0] or outcome.why)
    assert "again" in outcome.why
    _replays(session)


def test_a_success_is_not_compensated(start) -> None:
    text = (
        'task T { on failure { step t: tool.write { path: "f" content: "1" } } step a { let x = 1 } success: x == 1 }'
    )
    session = start(text)
    assert session.run().passed
    assert not session.handler.folder.files()


def test_an_event_that_is_sent_reaches_a_service_loop_once(start, tmp_path) -> None:
    text = "state n: int = 0 service_loop S { budget { events: 2 } on add(k: int) { n = n + k } success: n == 5 }"
    session = start(text, settings={"events": "inbox"})
    outcome = session.run()
    assert (outcome.status, outcome.why) == ("suspended", "it waits for events: `crucible dsl send`")
    inbox = Inbox(tmp_path / "run")
    inbox.send(b'{"event": "add", "k": 2}')
    assert session.run().status == "suspended"
    session.close()
    inbox.send(b'{"event": "add", "k": 3}')
    with Session.resume(tmp_path / "run") as again:
        assert again.run().passed
        _replays(again)
    assert not inbox.messages([])
    with pytest.raises(UsageError, match="not an event"):
        inbox.send(b"[1]")


def test_a_run_is_cancelled_while_a_tool_runs(start, tmp_path) -> None:
    text = (
        'task T { step s: tool.run { cmd: ["python3", "-c", "open(\'begun\', \'w\'); import time; time.sleep(600)"] } }'
    )
    session = start(text, settings={"grants": ("python3",)})

    def cancel() -> None:
        while not (tmp_path / "run/work/begun").exists():
            time.sleep(0.01)
        Inbox(tmp_path / "run").cancel("enough")

    helper = threading.Thread(target=cancel)
    helper.start()
    outcome = session.run()
    helper.join()
    assert (outcome.status, outcome.why) == ("cancelled", "cancelled: enough")
    _replays(session)
    session.close()
    with Session.resume(tmp_path / "run") as again:
        assert again.run().status == "cancelled"
    assert Inbox(tmp_path / "run").cancelled() is None


def test_cancel_and_send_from_the_command_line(tmp_path: Path, capsys) -> None:
    from harness.cli import main

    program, folder = tmp_path / "p.spak", tmp_path / "run"
    program.write_text('task T { step q: human.ask { prompt: "?" output_var: x } }')
    (tmp_path / "e.json").write_text('{"event": "hello"}')
    assert main(["dsl", "run", str(program), "--state", str(folder), "--quiet"]) == 0
    assert main(["dsl", "send", str(folder), str(tmp_path / "e.json"), "--json"]) == 0
    assert main(["dsl", "cancel", str(folder), "--why", "no need"]) == 0
    capsys.readouterr()
    assert main(["dsl", "resume", str(folder), "--json", "--quiet"]) == 1
    shown = json.loads(capsys.readouterr().out)
    assert (shown["status"], shown["why"]) == ("cancelled", "cancelled: no need")
    assert main(["dsl", "replay", str(folder)]) == 0
    assert main(["dsl", "send", str(folder), str(tmp_path / "e.json")]) == 4
    assert "has ended (cancelled)" in capsys.readouterr().err
