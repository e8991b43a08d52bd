"""The dsl lane: does a program do what it states, and the same every time?"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harness.core.case import Case, Subject
from harness.core.clip import clip
from harness.core.digest import digest_bytes, digest_folder, digest_json
from harness.core.errors import InfraError, SuiteError, UsageError
from harness.core.evidence import Evidence
from harness.core.policy import Policy
from harness.core.score import Component, Score, judge
from harness.core.slug import slug
from harness.core.status import Status
from harness.core.tier import Tier
from harness.dsl.analysis.inputs import refuse_unknown
from harness.dsl.analysis.load import load_source, read
from harness.dsl.ir import Effect, Program, Sweep
from harness.dsl.language.diagnostic import ProgramError
from harness.dsl.machine.input_files import read_input_files
from harness.dsl.machine.settings import RunSettings
from harness.dsl.values import MismatchError, conform
from harness.hooks import Lane, hookimpl
from harness.lane.context import Context
from harness.lanes.dsl.evaluate import evidence, knowledge
from harness.lanes.dsl.limits import ANNEALED, limits_at
from harness.lanes.dsl.options import DslOptions
from harness.lanes.dsl.parts import PROGRAM, Part, parts
from harness.lanes.dsl.shared_run import shared
from harness.lanes.dsl.trial import Trial, run
from harness.providers.file import Answers, read_answers
from harness.suites.suite import Suite, SuiteOptions

_WEIGHTS = {"success": 0.5, "determinism": 0.3, "invariants": 0.1, "budget": 0.1}
_MAX_PROBLEMS = 20


class DslLane:
    """Programs; each step, check, expectation, success condition and invariant is a case of its own."""

    name = "dsl"
    options: type[SuiteOptions] = DslOptions
    untrusted: tuple[str, ...] = ("program",)
    boxed = True
    min_tier: Tier | None = None
    components = tuple(_WEIGHTS)
    """What a suite's `gates` may name besides `score`."""

    def __init__(self) -> None:
        self._programs: dict[str, Program] = {}

    def collect(self, suite: Suite) -> Sequence[Case]:
        """One case per part; a program that is none becomes one case that says so."""
        options = suite.options
        if not isinstance(options, DslOptions):
            raise TypeError(type(options).__name__)
        path = suite.resolve(options.program, "program")
        data = path.read_bytes()
        inputs: dict[str, Any] = {
            "program": {"path": str(path), "digest": digest_bytes(data)},
            "answers": _file(suite, options.answers, "answers"),
            "recordings": _file(suite, options.recordings, "recordings"),
            "files": [_listed(suite, name, number) for number, name in enumerate(options.files)],
            "inputs": options.inputs,
            **{name: getattr(options, name) for name in ("live", "entry", "repeatable")},
            "grants": list(options.grants),
        }
        if inputs["answers"] is not None:
            read_answers(Path(inputs["answers"]["path"]))
        try:
            program = self._program(inputs)
            found = list(parts(program))
            _complete(suite, program, found)
        except UsageError as error:
            raise SuiteError(error.what, where=suite.where("entry"), fix=error.fix) from error
        except ProgramError as error:
            stem = slug(path.stem)
            text = data.decode("utf-8", "replace")
            found = [Part(stem, f"program {stem}", PROGRAM, "", text, error.line)]
        return [
            self._case(suite, part, inputs | {"kind": part.kind, "label": part.label, "first": number == 0}, data)
            for number, part in enumerate(found)
        ]

    def evaluate(self, case: Case, context: Context) -> Evidence:
        """Look at the case's part of the program's runs, which are made when the first case asks for them."""
        started = time.perf_counter()
        given = case.inputs
        try:
            program = self._program(given)
        except ProgramError as error:
            listed = [clip(line.replace("\n", " ")) for line in str(error).split("\n") if " | " not in line]
            why = listed[0] + (f" (and {len(listed) - 1} more)" if len(listed) > 1 else "")
            facts = {"problems": listed[:_MAX_PROBLEMS], "kind": given["kind"]}
            return Evidence(status=Status.WRONG, why=why, facts=facts, seconds=time.perf_counter() - started)
        if program.main < 0:
            return knowledge(case, program, seconds=time.perf_counter() - started)
        answers = Answers() if given["answers"] is None else read_answers(Path(_same(given["answers"])))
        key = digest_json(
            [
                {name: value for name, value in given.items() if name not in ("kind", "label", "first")},
                case.policy.to_wire(),
                context.secret_seed,
            ]
        )
        boxes = context.boxes if given["live"] and _runs_commands(program) else None

        def make(index: int, folder: Path) -> dict[str, Any]:
            files = read_input_files(Path(_same(entry, digest_folder)) for entry in given["files"])
            trial = Trial(program, given["inputs"], answers, _settings(case, program, index), seed=0, files=files)
            return run(trial, folder, boxes)

        trials = [
            shared(context.scratch, f"{key[:32]}-{index}", lambda folder, index=index: make(index, folder))  # type: ignore[misc]
            for index in range(case.policy.attempts)
        ]
        tier = boxes.tier if boxes is not None else None
        return evidence(case, program, trials, tier=tier, seconds=time.perf_counter() - started)

    def score(self, evidence: Evidence, policy: Policy) -> Score:
        """Success of this part, agreement of its runs, and how it kept laws and budget."""
        facts = evidence.facts
        reached = evidence.status not in (Status.REVIEW, Status.SKIPPED)
        same = None
        if evidence.attempts:
            same = float(not facts["diverged"] and not facts["differ"] and evidence.stable)
        laws = [state for state in facts.get("invariants", {}).values() if state in ("held", "broken")]
        used = facts.get("budget")
        values = {
            "success": float(evidence.status in (Status.OK, Status.FLAKY)) if reached else None,
            "determinism": same if evidence.attempts else 0.0,
            "invariants": laws.count("held") / len(laws) if laws else None,
            "budget": None if used is None else min(1.0, 2.0 * (1.0 - used)),
        }
        if facts.get("knowledge"):
            del values["determinism"]  # nothing runs
        # What a program does not have (laws, a budget) takes no part; what was not reached is undefined, not absent.
        asked = ("success", "determinism")
        present = {n: w for n, w in _WEIGHTS.items() if n in values and (values[n] is not None or n in asked)}
        whole = sum(present.values())
        why = {
            "success": evidence.why,
            "determinism": facts.get("diverged") or facts.get("differ") or ("" if evidence.attempts else evidence.why),
            "invariants": ", ".join(name for name, state in facts.get("invariants", {}).items() if state == "broken"),
            "budget": "" if used is None else f"{used:.0%} of the tightest budget used ({facts['tightest']})",
        }
        return judge(
            evidence,
            policy,
            [Component(name=n, value=values[n], weight=w / whole, why=why[n]) for n, w in present.items()],
            explanation=evidence.why
            or f"{facts.get('events', 0)} events, {len(evidence.attempts)} equal runs, each replayed",
        )

    def _case(self, suite: Suite, part: Part, inputs: dict[str, Any], data: bytes) -> Case:
        path = Path(inputs["program"]["path"])
        subject = Subject.from_bytes(f"{slug(path.stem)}.{part.name}", part.source.encode("utf-8"), path=path)
        parents = () if part.kind == PROGRAM else (digest_bytes(data),)
        return Case(
            lane=self.name,
            suite=suite.name,
            name=part.name,
            title=part.title,
            subject=subject.model_copy(update={"parents": parents}),
            inputs=inputs,
            policy=suite.policy,
            line=part.line,
        )

    def _program(self, inputs: dict[str, Any]) -> Program:
        """The checked program; read once in each process."""
        entry = inputs["program"]
        key = digest_json([entry, sorted(inputs["inputs"]), inputs["entry"]])
        known = self._programs.get(key)
        if known is None:
            path = Path(_same(entry))
            text = read(path)
            known = load_source(text, path=path.name, inputs=tuple(inputs["inputs"]), entry=inputs["entry"])
            self._programs[key] = known
        return known


def _complete(suite: Suite, program: Program, found: Sequence[Part]) -> None:
    """Refuse a suite from which nothing could come.

    Raises:
        SuiteError: if the program holds nothing to judge, or an input it needs is not given.
    """
    options = suite.options
    unit = program.units[program.main] if program.main >= 0 else None
    if unit is None and not (found and (program.rules or program.invariants or program.prose)):
        raise SuiteError(
            "the program holds nothing to judge", where=suite.where("program"), fix="write a task, a loop or a law"
        )
    given = options.inputs if isinstance(options, DslOptions) else {}
    try:
        refuse_unknown(given, program, where=program.path)
    except UsageError as error:
        raise SuiteError(error.what, where=suite.where("inputs"), fix=error.fix) from error
    for variable in (*program.state, *(unit.slots if unit else ())):
        if variable.is_input and variable.name in given:
            try:
                conform(given[variable.name], variable.type, path=variable.name)
            except MismatchError as error:
                fix = f"give {variable.type}"
                raise SuiteError(f"the program's input {error}", where=suite.where("inputs"), fix=fix) from error
        elif variable.is_input and variable.initial is None:
            raise SuiteError(
                f"the program's input {variable.name!r} is missing",
                where=suite.where("inputs"),
                fix=f"add `inputs: {{{variable.name}: ...}}`",
            )


def _file(suite: Suite, name: str, key: str) -> dict[str, str] | None:
    if not name:
        return None
    path = suite.resolve(name, key)
    return {"path": str(path), "digest": digest_bytes(path.read_bytes())}


def _listed(suite: Suite, name: str, number: int) -> dict[str, str]:
    path = suite.resolve(name, "files", number)
    return {"path": str(path), "digest": digest_folder(path)}


def _same(entry: dict[str, str], digest: Callable[[Path], str] = lambda path: digest_bytes(path.read_bytes())) -> str:
    """The path of a file (or of a folder), which must still be what was collected."""
    if digest(Path(entry["path"])) != entry["digest"]:
        raise InfraError("the file changed since it was collected", where=entry["path"], fix="run again")
    return entry["path"]


def _settings(case: Case, program: Program, index: int) -> RunSettings:
    """The budget of the epoch: a command's time and memory, and the program's own limits shrunk in proportion."""
    policy, given = case.policy, case.inputs
    now = policy.budget
    recordings = given["recordings"]
    return RunSettings(
        live=given["live"],
        grants=tuple(given["grants"]),
        recordings=_same(recordings) if recordings is not None else "",
        seconds=now.time_ms / 1000,
        memory_mb=now.memory_mb,
        hash_seed=index,
        limits={name: limit for name, limit in limits_at(policy, program).items() if name in ANNEALED},
    )


def _runs_commands(program: Program) -> bool:
    commands = (i for unit in program.units for i in unit.code if isinstance(i, Effect | Sweep))
    return any(isinstance(i, Sweep) or i.name == "run" for i in commands)


@hookimpl
def crucible_lanes() -> list[Lane]:
    """The built-in lane of programs."""
    return [DslLane()]
