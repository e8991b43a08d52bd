"""Questions, answers, bundles, forks, upgrades, replay: a run that other processes continue."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from pathlib import Path

import pytest

from harness.core.errors import UsageError
from harness.dsl.analysis.load import load_source
from harness.dsl.eventlog.canonical import encode
from harness.dsl.eventlog.chain import genesis_hash, next_hash
from harness.dsl.eventlog.fault import LogError
from harness.dsl.eventlog.logfile import LogFile
from harness.dsl.machine import export
from harness.dsl.machine.bundle import pack_run, unpack_run
from harness.dsl.machine.fork import fork, upgrade
from harness.dsl.machine.replay import replay
from harness.dsl.machine.run_files import LOG
from harness.dsl.machine.session import Session
from harness.dsl.machine.verify import verify
from harness.providers.cassette import CassetteProvider
from tests.script_provider import ScriptProvider

ASK = """task T {
    step a: tool.write { path: "a.txt" content: "one" }
    step b: llm.query { role: "oracle" prompt: "How many?" answer: int output_var: n }
    step c: tool.write { path: "n.txt" content: "{{n}}" }
    step d: tool.read { path: "n.txt" output_var: back }
    success: n == 3 back == "3"
}"""


def test_a_question_stops_the_run_and_its_answer_continues_it_elsewhere(start, tmp_path) -> None:
    session = start(ASK)
    outcome = session.run()
    assert (outcome.status, outcome.passed) == ("suspended", False)
    (question,) = outcome.questions
    assert (question.prompt, question.role, question.schema) == ("How many?", "oracle", {"type": "integer"})
    bundle = tmp_path / "moved.zip"
    pack_run(session, bundle)
    session.close()
    unpack_run(bundle, tmp_path / "elsewhere")
    with Session.resume(tmp_path / "elsewhere") as there:
        assert there.settings.live, "live mode survives"
        with pytest.raises(UsageError, match="not int"):
            there.answer(question.id, '"three"')
        with pytest.raises(UsageError, match="asked no question"):
            there.answer("ffff", "3")
        assert there.answer(question.id, "3", source="Ada") == "answered"
        assert there.run().passed
        assert there.answer(question.id, "3") == "known"
        with pytest.raises(UsageError, match="already has a different answer"):
            there.answer(question.id, "4")
        assert replay(there.program, there.log).divergence is None
    with Session.resume(tmp_path / "elsewhere") as there:
        assert there.outcome.passed
        assert "Ada" in json.dumps(export.trace(there.program, there.log))


def test_an_answer_never_reaches_another_question(start) -> None:
    text = """task T { step a: llm.query { prompt: "A?" output_var: x }
      step b: llm.query { prompt: "B? {{x}}" output_var: y } }"""
    session = start(text)
    (one,) = session.run().questions
    session.answer(one.id, "first")
    (two,) = session.run().questions
    assert one.id != two.id
    assert session.answer(one.id, "first") == "known"
    session.answer(two.id, "second {{x}}")
    assert session.run().passed
    assert session.machine.state.root.call.slots[-1] == "second {{x}}", "an answer is never a template"


def test_two_questions_of_parallel_branches_wait_together(start) -> None:
    text = """agent_loop T { parallel { branch a { step q: llm.query { prompt: "A?" output_var: x } }
      branch b { step r: llm.query { prompt: "B?" output_var: y } } } success: x == "1" y == "2" }"""
    session = start(text)
    first_, second = session.run().questions
    session.answer(second.id, "2")
    assert session.run().status == "suspended"
    session.answer(first_.id, "1")
    assert session.run().passed


def test_a_cassette_continues_counting_after_a_resume(start, tmp_path) -> None:
    text = """agent_loop T { let i = 0 repeat 3 { step q: llm.query { prompt: "Same?" output_var: x } i = i + 1
      if i == 2 { step h: llm.query { prompt: "Other?" output_var: z } } } success: x == "three" }"""
    tape = tmp_path / "tape.json"
    inner = ScriptProvider(in_order=["one", "two", "other", "three"])
    program = load_source(text, cache=False)
    from harness.dsl.machine.settings import RunSettings

    with Session.start(
        program, tmp_path / "rec", settings=RunSettings(), provider=CassetteProvider(tape, inner=inner)
    ) as s:
        head = s.run().head

    class Half(CassetteProvider):
        def answer(self, question):
            return None if question.prompt == "Other?" else super().answer(question)

    with Session.start(program, tmp_path / "run", settings=RunSettings(), provider=Half(tape)) as s:
        assert s.run().status == "suspended"
    with Session.resume(tmp_path / "run", provider=CassetteProvider(tape)) as s:
        outcome = s.run()
        assert outcome.passed, outcome.why
        assert outcome.head == head


def test_a_replay_stops_at_the_first_event_that_differs(start) -> None:
    session = start(ASK, answers=["3"])
    assert session.run().passed
    changed = load_source(
        ASK.replace('"n.txt" content: "{{n}}"', '"n.txt" content: "({{n}})"'), path="x.spak", cache=False
    )
    found = replay(changed, session.log, run=session.log.run_hash).divergence
    assert found is not None
    assert found.where.startswith("x.spak:4:"), found.where
    assert {(d.path, d.recorded, d.produced) for d in found.differences} >= {("args.content", "'3'", "'(3)'")}
    assert "args.content" in str(found)


def _rewrite(path: Path, seq: int, change) -> None:
    """A forger who knows the format: changes one event and makes the chain whole again."""
    with sqlite3.connect(path) as connection:
        genesis = json.loads(connection.execute("SELECT genesis FROM runs WHERE run = 1").fetchone()[0])
        rows = connection.execute("SELECT id, body FROM events ORDER BY id").fetchall()
        head = genesis_hash(genesis)
        for index, (row, body) in enumerate(rows):
            forged = encode(change(json.loads(body))) if index == seq else body
            head = next_hash(head, forged)
            connection.execute("UPDATE events SET body = ?, hash = ? WHERE id = ?", (forged, head, row))
    connection.close()


def test_verify_finds_damage_and_replay_finds_a_forged_chain(start, tmp_path) -> None:
    session = start(ASK, answers=["3"])
    head = session.run().head
    session.close()
    path = tmp_path / "run" / LOG
    with LogFile(path, read_only=True) as file:
        assert verify(file).problems == ()
        assert dict(verify(file).runs) == {"main": head}
    _rewrite(path, 2, lambda event: event | {"args": {"content": "two", "path": "a.txt"}})
    with LogFile(path, read_only=True) as file:
        assert verify(file).problems == (), "the chain alone cannot know"
        assert dict(verify(file).runs)["main"] != head, "but the head is another"
        log = file.open_run()
        found = replay(session.program, log).divergence
        assert found is not None
        assert found.seq == 2
    with sqlite3.connect(path) as connection:
        connection.execute('UPDATE events SET body = CAST(\'{"k":"ran"}\' AS BLOB) WHERE id & 1023 = 5')
    connection.close()
    with LogFile(path, read_only=True) as file:
        assert [(p.run, p.seq) for p in verify(file).problems] == [("main", 5)]
    with pytest.raises(LogError, match="chain is broken at event 5"):
        Session.resume(tmp_path / "run")


def test_a_fork_tries_another_answer_and_the_old_run_stays(start, tmp_path) -> None:
    session = start(ASK)
    (question,) = session.run().questions
    session.answer(question.id, "4")
    assert session.run().status == "wrong"
    asked = next(event.seq for event in session.log.events() if event.value["k"] == "asked")
    session.close()
    with LogFile(tmp_path / "run" / LOG) as file:
        old = file.open_run()
        name = fork(file, old, asked).name
        with pytest.raises(LogError, match="no event 999"):
            fork(file, old, 999)
    with Session.resume(tmp_path / "run", run=name) as forked:
        forked.answer(question.id, "3")
        assert forked.run().passed
        assert verify(forked.file).problems == ()
        assert {row.name: row.status for row in forked.file.runs()} == {"main": "wrong", name: "ok"}


def test_a_record_has_the_same_text_before_and_after_a_resume(start, tmp_path) -> None:
    text = """task T { let r = {b: 1, a: {z: 1, y: [{d: 1, c: 2}]}} step one { let before = "{{r}}" }
      step ask: human.ask { prompt: "{{r}}" output_var: said }
      step two { let after = "{{r}}" }
      evaluation { check in: tool.run { cmd: ["echo", "<{{r}}>"] contains: r } }
      success: before == after passed("in") }"""
    session = start(text)
    (question,) = session.run().questions
    session.close()
    with Session.resume(tmp_path / "run") as again:
        again.answer(question.id, "x")
        assert again.run().passed
        assert replay(again.program, again.log).divergence is None


def test_an_upgrade_is_allowed_only_if_the_events_replay_equal(start, tmp_path) -> None:
    session = start(ASK)
    (question,) = session.run().questions
    session.close()
    later = ASK.replace('back == "3"', 'back == "3" n > 2').replace("step d:", "step more: tool.now { }\n    step d:")
    earlier = ASK.replace('content: "one"', 'content: "another"')
    with LogFile(tmp_path / "run" / LOG) as file:
        log = file.open_run()
        log.load()
        none, found = upgrade(file, log, load_source(earlier, path="new.spak", cache=False))
        assert none is None
        assert found.divergence is not None
        assert found.divergence.where.startswith("new.spak:2:")
        new, found = upgrade(file, log, load_source(later, path="new.spak", cache=False))
        assert new is not None
        name = new.name
    with Session.resume(tmp_path / "run", run=name) as upgraded:
        upgraded.answer(question.id, "3")
        outcome = upgraded.run()
        assert outcome.passed
        assert "more" in [step.name for step in outcome.steps]
        assert replay(upgraded.program, upgraded.log).divergence is None


@pytest.mark.parametrize(
    ("entry", "data", "words"),
    [
        ("events.jsonl", b"nonsense\n", "event 0 cannot be read"),
        ("events.jsonl", b"", "events are missing"),
        ("manifest.json", b"{}", "manifest"),
        ("manifest.json", b'{"format": 99}', "format 99"),
        ("work/../../evil", b"x", "in no event"),
        ("work/link/../x", b"x", "in no event"),
        ("work/b.txt", b"x", "in no event"),
        ("work/a.txt", b"two", "not as its event left it"),
        ("work/a.txt", None, "work/a.txt is missing"),
        ("program.spak", b"task T { step a { let b = 1 } success: b == 1 }", "is not the program of its run"),
        ("blobs/00", b"x", "is damaged"),
        ("program.spak", None, "program.spak is missing"),
    ],
)
def test_a_damaged_bundle_is_refused(start, tmp_path, entry, data, words) -> None:
    session = start(ASK)
    session.run()
    good, bad = tmp_path / "good.zip", tmp_path / "bad.zip"
    pack_run(session, good)
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(bad, "w") as new:
        for name in old.namelist():
            if name != entry:
                new.writestr(name, old.read(name))
        if data is not None:
            new.writestr(entry, data)
    with pytest.raises(LogError, match=words):
        unpack_run(bad, tmp_path / "there")
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("place", ["../../evil", "link/../x", "/etc/x"])
def test_a_bundle_whose_events_name_a_file_outside_is_refused(start, tmp_path, place) -> None:
    session = start(ASK)
    session.run()
    good, bad = tmp_path / "good.zip", tmp_path / "bad.zip"
    pack_run(session, good)
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(bad, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "events.jsonl":
                data = data.replace(b'"a.txt":[', json.dumps(place).encode() + b":[")
                assert place.encode() in data
            new.writestr(f"work/{place}" if name == "work/a.txt" else name, data)
    with pytest.raises(LogError, match="outside"):
        unpack_run(bad, tmp_path / "there")
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 not really", b"x" * 1000])
def test_a_file_that_is_not_a_bundle(tmp_path, data) -> None:
    (tmp_path / "b.zip").write_bytes(data)
    with pytest.raises(LogError, match="not a valid bundle"):
        unpack_run(tmp_path / "b.zip", tmp_path / "there")
    assert not (tmp_path / "there").exists()


def test_equal_runs_give_equal_bundles(start, tmp_path) -> None:
    for name in ("a", "b"):
        session = start(ASK, folder=name)
        session.run()
        pack_run(session, tmp_path / f"{name}.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_a_program_that_changed_on_disk_does_not_matter_and_a_stored_one_that_changed_does(start, tmp_path) -> None:
    start(ASK).close()
    path = tmp_path / "run" / LOG
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE blobs SET data = zeroblob(length(data))")
    connection.close()
    with pytest.raises(LogError, match="program's text is missing"):
        Session.resume(tmp_path / "run")


def test_without_live_no_file_is_written_and_no_value_is_known(start, tmp_path) -> None:
    session = start(ASK, settings={"live": False}, answers=["3"])
    outcome = session.run()
    assert (outcome.status, outcome.passed, outcome.used["simulated"]) == ("wrong", False, 3)
    assert outcome.criteria[1][1] == "undefined"
    assert list((tmp_path / "run/work").iterdir()) == []
    assert json.loads(json.dumps(export.metrics(outcome, session.log)))["passed"] is False


def test_recordings_replace_effects(start, tmp_path) -> None:
    tape = tmp_path / "effects.json"
    live = start(ASK, answers=["3"], settings={"recordings": str(tape)})
    assert live.run().passed
    quiet = start(ASK, folder="quiet", answers=["3"], settings={"recordings": str(tape), "live": False})
    outcome = quiet.run()
    assert outcome.passed, outcome.why
    assert list((tmp_path / "quiet/work").iterdir()) == []


def test_exports_have_the_documented_formats(start, rich) -> None:
    session = start(rich, answers=["7"])
    outcome = session.run()
    entries = export.trace(rich, session.log)
    assert {"timestamp", "step_id", "type", "details"} <= entries[0].keys()
    assert {entry["type"] for entry in entries} == {"tool", "llm"}
    checks = export.metrics(outcome, session.log)["checks"]
    assert checks["reads"] == {"value": "round 3", "held": True, "why": ""}
    spans = export.timeline(rich, session.log)
    assert all(span["end"] is None or span["end"] >= span["start"] >= 0 for span in spans)
    assert {"effect", "question", "item", "stop"} <= {span["kind"] for span in spans}


def test_a_folder_holds_one_run(start) -> None:
    start(ASK)
    with pytest.raises((UsageError, LogError)):
        start(ASK)


def test_a_bundle_of_an_earlier_version_continues(tmp_path) -> None:
    # Kept for ever: a change that breaks it fibers everybody's suspended runs and needs a new engine version.
    unpack_run(Path(__file__).with_name("golden") / "suspended-1.zip", tmp_path / "run")
    with Session.resume(tmp_path / "run") as session:
        (question,) = session.outcome.questions
        assert replay(session.program, session.log).divergence is None
        session.answer(question.id, "3")
        assert session.run().passed


@pytest.mark.parametrize(
    ("kind", "said", "status", "words"),
    [
        ("[int]", "[" * 100_000, "failed", "not JSON"),
        ("[int]", '[1, "two"]', "failed", "not int"),
        ('"yes" | "no"', "maybe", "failed", "protocol"),
        ('"yes" | "no"', "```\nyes\n```", "ok", ""),
        ("float", "NaN", "failed", "protocol"),
        ("int", "99999999999999999999", "failed", "64 bits"),
        ("string", "half \ud800 pair", "failed", "surrogate"),
        ("string", "[" * 100_000, "ok", ""),
    ],
)
def test_a_models_answer_is_checked_against_the_type(start, kind, said, status, words) -> None:
    text = f'task T {{ step a: llm.query {{ prompt: "?" answer: {kind} output_var: x }} }}'
    outcome = start(text, answers=[said]).run()
    assert outcome.status == status, outcome.why
    assert words in outcome.why


@pytest.mark.parametrize("said", ["$(rm -rf /); `id`", "a \"b\" 'c'", "--help", "über"])
def test_a_models_answer_is_one_argument_of_a_command(start, said) -> None:
    text = """task T { step a: llm.query { prompt: "?" output_var: x }
      step b: tool.run { cmd: "python -c 'import sys; print(sys.argv[1:])' {{x}}" output_var: y }
      success: y == "%s" }"""
    escaped = str([said]).replace("\\", "\\\\").replace('"', '\\"')
    outcome = start(text % escaped, answers=[said]).run()
    assert outcome.passed, outcome.why


def test_a_bundle_drops_settings_that_reach_out_of_the_box(start, tmp_path) -> None:
    reach = {"grants": ("sh",), "recordings": str(tmp_path / "r"), "events": "tcp:0.0.0.0:9", "durability": "power",
             "backend": {"backend": "openai", "model": "m", "base_url": "http://evil.example/v1"}}  # fmt: skip
    session = start('task T { step a: human.ask { prompt: "?" output_var: x } }', settings=reach)
    assert session.run().status == "suspended"
    pack_run(session, tmp_path / "b.zip")
    left = unpack_run(tmp_path / "b.zip", tmp_path / "there")
    assert set(left) == {"grants", "recordings", "events", "base_url"}
    with Session.resume(tmp_path / "there") as there:
        settings = there.settings
        assert (settings.live, settings.durability, settings.backend.backend, settings.backend.model) == (
            True, "power", "openai", "m",
        )  # fmt: skip
        assert (settings.grants, settings.recordings, settings.events, settings.backend.base_url) == ((), "", "", "")


def test_a_fork_changes_its_own_files_and_exports(start, tmp_path) -> None:
    """Whatever a fork, or a fork of it, or an upgrade writes: the run that was left has what it had."""
    text = """task T { step a: tool.write { path: "sub/x" content: "1" }
      step b: human.ask { prompt: "?" output_var: said }
      step c: tool.write { path: "sub/x" content: said } step d: tool.read { path: "sub/x" output_var: seen }
      success: seen == said }"""
    session = start(text)
    (question,) = session.run().questions
    session.close()
    folder = tmp_path / "run"
    (folder / "work/link").symlink_to("/etc/passwd")
    names = []
    with LogFile(folder / "log.db") as file:
        names.append(fork(file, file.open_run("main"), file.open_run("main").load()[1][-1].seq).name)
        upgraded, _ = upgrade(file, file.open_run("main"), load_source(text + " // more", cache=False))
        names.append(upgraded.name)
    for said, name in zip("23", names, strict=True):
        with Session.resume(folder, run=name) as other:
            other.answer(question.id, said)
            assert other.run().passed
            assert (other.place / "work/sub/x").read_text() == said
            assert other.place.parent == folder / "forks"
            assert not (other.place / "work/link").exists()
    assert (folder / "work/sub/x").read_text() == "1"
    with LogFile(folder / "log.db") as file:
        second = file.open_run(names[0])
        last = next(event.seq for event in second.events() if event.value["k"] == "answered")
        third, before = fork(file, second, last), fork(file, second, 1)
    assert (folder / "forks" / str(third.number) / "work/sub/x").read_text() == "1", "the files of its event"
    assert not (folder / "forks" / str(before.number) / "work/sub").exists(), "nothing was written yet"
    assert (folder / "forks" / str(second.number) / "work/sub/x").read_text() == "2"
