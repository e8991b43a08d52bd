"""Targets: every reader of bytes from outside, by name; `python -m tests.fuzz` searches for inputs that break one."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from harness.core.errors import LedgerError, SpecError, SuiteError, UsageError
from harness.dsl.eventlog.chain import genesis_hash, next_hash
from harness.dsl.eventlog.fault import LogError
from harness.grammar.patch import PatchError
from harness.suites.settings import Settings
from tests.fuzz.target import ROOT, Target

TARGETS: dict[str, Target] = {}
OPEN = ExitStack()
"""What targets hold open in this process: close it at the end."""
CHOICE_BYTES = 8192  # of a program that Hypothesis makes: its own maximum
_MEMORY = Path("/dev/shm")
_numbers = itertools.count()


def target(*refusals: type[Exception], seeds: tuple[str, ...] = ()) -> Callable[[Callable[[bytes], None]], Any]:
    """Register a function as a target under its name."""

    def register(check: Callable[[bytes], None]) -> Callable[[bytes], None]:
        TARGETS[check.__name__] = Target(check.__name__, check, refusals, seeds)
        return check

    return register


@cache
def _folder(process: int) -> Path:
    found = tempfile.mkdtemp(prefix=f"crucible-fuzz-{process}-", dir=_MEMORY if _MEMORY.is_dir() else None)
    OPEN.callback(shutil.rmtree, found, ignore_errors=True)
    return Path(found)


@contextmanager
def file_of(data: bytes, suffix: str, folder: Path | None = None) -> Iterator[Path]:
    """The input as a file under a name that was never used: readers cache by name, size and time."""
    path = (folder or _folder(os.getpid())) / f"input-{next(_numbers)}{suffix}"
    path.write_bytes(data)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


# Files of suites, tools, searches and hand-offs


@target(SuiteError, seeds=("suites/*/*.suite.yaml",))
def suite(data: bytes) -> None:
    """A suite file of any lane, with the files that it names: sealed, read, and collected."""
    from harness.lane.registry import Registry
    from harness.session.untrusted_area import Area
    from harness.suites.loader import collect_cases, load_suite

    lanes = _once(Registry).lanes
    with file_of(data, ".suite.yaml", _once(_project) / "suites" / "any") as path:
        made = load_suite(path, name="x", lanes=lanes, settings=_SETTINGS)
        lane = lanes[made.options.lane]
        for key in lane.untrusted:
            named = getattr(made.options, key, ())
            Area(str(path), [named] if isinstance(named, str) else named or ())
        collect_cases(made, lane)


def _project() -> Path:
    """A folder in which suites find the files of the repository."""
    made = _folder(os.getpid())
    (made / "suites" / "any").mkdir(parents=True)
    for name in ("specs", "candidates", "kernels", "tests", "constraints.txt"):
        (made / name).symlink_to(ROOT / name)
    return made


_SETTINGS = Settings(secret_seed=1, ledger=Path("l.db"), report=Path("r.html"))


@cache
def _once(make: Callable[[], Any]) -> Any:
    return make()


@target(SpecError, seeds=("specs/tools/*.json",))
def tool_json(data: bytes) -> None:
    """A tool as one JSON file."""
    _read_tool(data, ".json")


@target(SpecError, seeds=("specs/tools/*/tool.yaml",))
def tool_yaml(data: bytes) -> None:
    """A tool as one YAML file."""
    _read_tool(data, ".yaml")


def _read_tool(data: bytes, suffix: str) -> None:
    from harness.lanes.toolgen import tool_spec

    with file_of(data, suffix) as path:
        tool_spec.read_tool(path)
    tool_spec._READ.clear()


@target(SuiteError, seeds=("specs/kernels/*.yaml",))
def kernel_definition(data: bytes) -> None:
    """A kernel's definition."""
    from harness.lanes.kernel.definition import read_definition

    with file_of(data, ".yaml") as path:
        read_definition(path)


@target(SuiteError, seeds=("examples/*.yaml",))
def evolve_file(data: bytes) -> None:
    """The file of a search."""
    from harness.evolve.config import read_experiments

    with file_of(data, ".yaml") as path:
        for experiment in read_experiments(path):
            assert experiment.schedule.tools
            assert experiment.key


@target()
def handoff(data: bytes) -> None:
    """A hand-off of the tournament: read, or named as a problem."""
    from harness.repair.bundles import read_handoffs

    with file_of(data, ".json") as path:
        found, problems = read_handoffs([path])
        assert len(found) + len(problems) == 1
        assert all(map(str.strip, problems))


@target(SpecError)
def problems_jsonl(data: bytes) -> None:
    """Problems in the form of HumanEval, as tools."""
    from harness.adapters.humaneval import read_problems, write_tool

    with file_of(data, ".jsonl") as path, tempfile.TemporaryDirectory(dir=path.parent) as out:
        for problem in read_problems(path):
            write_tool(problem, Path(out))


@target(SpecError, seeds=("specs/programs/*.answers.json",))
def answers(data: bytes) -> None:
    """A file of answers to a program's questions."""
    from harness.providers.file import read_answers

    with file_of(data, ".json") as path:
        for answer in read_answers(path).answers:
            assert isinstance(answer.text, str)


@target(SpecError)
def cassette(data: bytes) -> None:
    """Recorded answers of a model."""
    from harness.providers.cassette import CassetteProvider

    with file_of(data, ".json") as path:
        CassetteProvider(path)


@target(UsageError, LedgerError)
def durations(data: bytes) -> None:
    """Durations of cases, as JSON or as a ledger."""
    from harness.session.partition import divide, read_durations

    with file_of(data, ".json") as path:
        found = read_durations(path)
    assert set(divide({"a": "0" * 64, "b": "1" * 64}, 2, found)) == {"a", "b"}


# What candidates and models write


@target(seeds=("candidates/*/*.py", "kernels/softmax/*.py"))
def candidate(data: bytes) -> None:
    """A candidate's source: metadata, static check, style, hash dependence, entry."""
    from harness.lanes.kernel.kernel_metadata import read_kernel_file
    from harness.lanes.toolgen.metadata import read_metadata
    from harness.lanes.toolgen.reading import answer

    text = data.decode("utf-8", "replace")
    read_metadata(text)
    read_kernel_file(text)
    request = {"do": "read", "data": data.decode("latin-1"), "rules": _once(_rules)}
    assert answer(request)["reading"]


def _rules() -> dict[str, Any]:
    from harness.lanes.toolgen.reading import rules_of
    from harness.lanes.toolgen.tool_spec import read_tool

    return rules_of(read_tool(ROOT / "specs/tools/text_deduplicate"))


@target()
def candidate_metadata(data: bytes) -> None:
    """The block of claims in a candidate or a kernel."""
    from harness.lanes.kernel.kernel_metadata import read_kernel_file
    from harness.lanes.toolgen.metadata import read_metadata

    text = data.decode("utf-8", "replace")
    json.dumps(read_metadata(text).to_wire())
    json.dumps(read_kernel_file(text).to_wire())


@target(TypeError)
def completion(data: bytes) -> None:
    """The completion of a model, as text or as a conversation."""
    from harness.providers.completion import code_of

    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        value = data.decode("utf-8", "surrogateescape")
    assert isinstance(code_of(value, entry="run"), str)


@target(SuiteError, PatchError, seeds=("candidates/*_patches/*.yaml", "candidates/*_patches/*.json"))
def patch(data: bytes) -> None:
    """A patch, applied to a grammar and checked."""
    from harness.core.document import read_text
    from harness.grammar.language.lint import lint_value
    from harness.grammar.patch import apply_patch, read_patch

    value = read_text(data.decode("utf-8", "replace"), Path("p")).value
    lint_value(apply_patch(read_patch(value), _once(_grammar_of_patches)).document)


def _grammar_of_patches() -> Any:
    from harness.core.document import read_document

    return read_document(ROOT / "specs/grammars/png.yaml").value


@target(seeds=("specs/grammars/*.yaml",))
def grammar(data: bytes) -> None:
    """A grammar, a zero byte, and a file that is read with it: two engines agree, and the bytes add up."""
    from harness.grammar.engine.limits import Limits
    from harness.grammar.engine.parser import parse
    from harness.grammar.engine.session import Session
    from harness.grammar.engine.tally import tally
    from harness.grammar.language.lint import lint_text

    text, _, content = data.partition(b"\0")
    made = lint_text(text.decode("utf-8", "replace"))
    assert (made.grammar is None) == bool(made.errors)
    if made.grammar is None:
        return
    content = content or bytes(range(64))
    limits = Limits(records=20_000, items=200_000, steps=100_000, seconds=5, inflated=1 << 20)
    found = parse(made.grammar, content, limits=limits)
    covered = sum(end - start for start, end in found.covered)
    assert covered + sum(end - start for start, end in found.gaps) == len(content), "spans and gaps do not add up"
    counted = Session(content).tally(made.grammar, limits=limits).to_wire()
    assert counted == tally(found).to_wire(), "two engines disagree"


@target(SuiteError)
def ksy(data: bytes) -> None:
    """A Kaitai Struct file: imported, and what was imported is exported again."""
    from harness.kaitai.importer import import_ksy

    with file_of(data, ".ksy") as path:
        found = import_ksy(path)
    assert (found.grammar is None) <= bool(found.findings), "refused without a finding"


@target(seeds=("specs/programs/*.spak", "tests/specs/programs/*.spak"))
def program(data: bytes) -> None:
    """A program: parsed, printed, parsed again, checked, and coded."""
    from harness.dsl.analysis.load import check_source
    from harness.dsl.ir.codec import decode, encode
    from harness.dsl.language.diagnostic import render
    from harness.dsl.language.parser import parse
    from harness.dsl.language.printer import print_module

    text = data.decode("utf-8", "replace")
    module, problems = parse(text)
    assert all(render(problems, text, "p")), "an empty message"
    if not problems:
        assert parse(print_module(module)) == (module, []), "the printed source parses to another tree"
    made, found = check_source(text, cache=False)
    assert made is not None or found, "neither a program nor a diagnostic"
    if made is not None and not any(problem.is_error for problem in found):
        assert decode(json.loads(json.dumps(encode(made)))) == made, "the codec changes the program"


@target(UsageError)
def gate(data: bytes) -> None:
    """A gate, evaluated on a few rows."""
    from harness.gates.expression import evaluate_gate, parse_gate
    from harness.gates.syntax import baselines

    made = parse_gate(data.decode("utf-8", "replace"))
    named = dict.fromkeys(baselines(made.root), _ROWS)
    for rows in ((), _ROWS):
        found = evaluate_gate(made, rows, baseline=_ROWS, named=named)
        json.dumps(found.to_wire())
        assert found.why


_ROWS: tuple[dict[str, Any], ...] = tuple(
    {
        "run_id": "r", "nodeid": f"s.suite.yaml::{n}", "lane": "toolgen", "suite": "s.suite.yaml", "subject": f"c{n}",
        "digest": str(n) * 64, "status": status, "score": score, "passed": status == "ok", "median_ms": median,
        "peak_mb": None, "cohort": "mine", "components": {"correctness": score}, "expected": None,
    }
    for n, (status, score, median) in enumerate((("ok", 0.9, 1.5), ("wrong", 0.0, None), ("skipped", None, None)))
)  # fmt: skip


# What processes and machines send


@target()
def box_frames(data: bytes) -> None:
    """The output of a box: frames, and the values in them; the fast path and the careful one agree."""
    from harness.sandbox.codec import CodecError, decode, encode
    from harness.sandbox.fault import BoxFault
    from harness.sandbox.frame_reader import FrameReader
    from harness.sandbox.limits import Limits

    limits = Limits(output_bytes=1 << 12)
    single, careful = FrameReader(limits), FrameReader(limits)
    fast = single.take_single(data)
    careful.buffer += data
    try:
        frames = []
        while (frame := careful.take("in a test")) is not None:
            frames.append(frame)
    except BoxFault as fault:
        frames = []
        assert fault.why, "a fault without a reason"  # noqa: PT017
    assert fast is None or [fast] == frames, "the fast path reads another frame"
    for _, _, body in frames:
        try:
            value = decode(body)
        except CodecError:
            continue
        assert encode(decode(encode(value))) == encode(value), "coding changes the value"


@target()
def trace_lines(data: bytes) -> None:
    """Lines that a command reports, on both channels."""
    from harness.dsl.tools.trace_lines import from_channel, from_output

    from_channel(data)
    from_output("\n".join("__SPAK_TRACE__" + line for line in data.decode("utf-8", "replace").split("\n")))


@target()
def journal(data: bytes) -> None:
    """The journal of a run that was killed: read, or left; what is read can go into a ledger."""
    from harness.ledger import journal as journals
    from harness.ledger.store import Ledger

    ledger = _folder(os.getpid()) / "journalled.db"
    path = journals.folder_of(ledger) / "run.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (0, 0))
    if (found := journals.read(path)) is not None:
        list(found.records())
    with Ledger.open(ledger) as opened:
        opened.rows("SELECT * FROM leaderboard")
        with opened.writing() as connection:
            connection.execute("DELETE FROM evaluations")
            connection.execute("DELETE FROM runs")
    shutil.rmtree(path.parent, ignore_errors=True)


@target(LedgerError)
def ledger_record(data: bytes) -> None:
    """The record of an evaluation, as it stands in a ledger that came from elsewhere."""
    from harness.cli.rescore import rescore
    from harness.lane.registry import Registry
    from harness.ledger import queries

    ledger, run_id, nodeid = _once(_ledger_of_one)
    with ledger.writing() as connection:
        connection.execute("UPDATE evaluations SET record = ?", (data.decode("utf-8", "replace"),))
    found = queries.load(ledger, run_id, nodeid)
    if found.case.lane in ("toolgen", "spec", "dsl"):
        list(rescore([found], _once(Registry).lanes))


def _ledger_of_one() -> Any:
    from harness.ledger.store import Ledger
    from tests.ledger.factory import fill, make_evaluation

    path, evaluation = _folder(os.getpid()) / "one.db", make_evaluation()
    (run_id,) = fill(path, [evaluation])
    return OPEN.enter_context(Ledger.open(path)), run_id, evaluation.case.nodeid


@target(UsageError, LogError, SpecError)
def bundle(data: bytes) -> None:
    """A suspended run from another machine: unpacked, verified, and looked at."""
    from harness.dsl.machine.bundle import unpack_run
    from harness.dsl.machine.stored_run import open_log, stored_outcome, stored_program
    from harness.dsl.machine.verify import verify

    folder = Path(tempfile.mkdtemp(dir=_folder(os.getpid())))
    try:
        with file_of(data, ".zip") as path:
            unpack_run(path, folder)
        with open_log(folder) as log:
            assert verify(log).problems == ()
            run = log.open_run(None)
            stored_outcome(stored_program(log, run), run)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@target(UsageError, LogError, SpecError, seeds=("tests/fuzz/corpus/bundle/*.zip",))
def forged_bundle(data: bytes) -> None:
    """A suspended run whose events were rewritten, and whose sums are right again."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as old:
            entries = {name: old.read(name) for name in old.namelist()}
        manifest = json.loads(entries["manifest.json"])
        head, lines = genesis_hash(manifest["genesis"]), []
        for line in entries["events.jsonl"].splitlines():
            entry = json.loads(line)
            head = next_hash(head, entry["body"].encode("ascii"))
            lines.append(entry | {"hash": head.hex()})
        manifest |= {"head": head.hex(), "events": len(lines)}
    except Exception:
        return  # for `bundle`
    entries["manifest.json"] = json.dumps(manifest).encode()
    entries["events.jsonl"] = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as new:
        for name, content in entries.items():
            new.writestr(zipfile.ZipInfo(name), content)
    bundle(made.getvalue())


@target()
def http_body(data: bytes) -> None:
    """The body of a request to `crucible serve`: judged, or refused with a reason."""
    status, answer = _once(_server)(data)
    assert status in (200, 400, 413, 422, 429), f"status {status}: {answer[:200]!r}"
    value = json.loads(answer)
    assert value["verdicts"] is not None if status == 200 else value["error"]


def _server() -> Callable[[bytes], tuple[int, bytes]]:
    """The service over a pool for a small tool, asked through its ASGI face."""
    import asyncio

    from harness import JudgePool
    from harness.rewards.checked_judge import CheckedJudge
    from harness.rewards.service import Service
    from tests.judge.conftest import write_tool

    tool = write_tool(_folder(os.getpid()) / "double")
    made = JudgePool(tool, workers=1, jitter_ms=(0, 0), timing="none", attempts=1)
    application = Service(CheckedJudge(OPEN.enter_context(made), every=0), token="t", queue=8).application()
    loop = asyncio.new_event_loop()
    OPEN.callback(loop.close)

    async def ask(body: bytes) -> tuple[int, bytes]:
        waiting = [{"type": "http.request", "body": body, "more_body": False}]
        sent: list[Any] = []

        async def receive() -> Any:
            return waiting.pop() if waiting else await asyncio.Event().wait()

        async def send(message: Any) -> None:
            sent.append(message)

        headers = [(b"authorization", b"Bearer t"), (b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": "/v1/screen", "headers": headers, "query_string": b""}
        await application(scope, receive, send)
        return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])

    return lambda body: loop.run_until_complete(ask(body))


# Grammars of whole programs: the bytes are the choices of a Hypothesis strategy


def _whole(check: Any) -> Callable[[bytes], Any]:
    """The bytes of an input are the first choices, and its digest gives all others: no program ends too early."""
    fuzz = check.hypothesis.fuzz_one_input
    return lambda data: fuzz(data[:CHOICE_BYTES] + hashlib.shake_256(data).digest(CHOICE_BYTES))


@target()
def evasion(data: bytes) -> None:
    """A program of the grammar of evasions does not get past the reader and the guard."""
    _once(_evasion)(data)


def _evasion() -> Callable[[bytes], Any]:
    from hypothesis import given

    from harness.sandbox.pool import BoxPool
    from tests.attacks.evasions import Evasion, evasions, gets_through

    pool = OPEN.enter_context(BoxPool())

    @given(evasions())
    def check(made: Evasion) -> None:
        assert not gets_through(made, pool), f"{made.how}\n{made.source.decode()}"

    return _whole(check)


@target()
def killed_run(data: bytes) -> None:
    """A program that is killed at any place: run = resume = replay = upgrade to the same text."""
    _once(_killed_run)(data)


def _killed_run() -> Callable[[bytes], Any]:
    from hypothesis import given

    from tests.dsl.machine.program_fuzzer import Case, cases, check_case

    @given(cases())
    def check(case: Case) -> None:
        check_case(case, _folder(os.getpid()) / "case")

    return _whole(check)
