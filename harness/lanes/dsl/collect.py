"""Suite to cases: one case for each part of a program."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.core.case import Case, Subject
from harness.core.digest import digest_bytes
from harness.core.errors import SuiteError, UsageError
from harness.core.slug import slug
from harness.dsl.analysis.inputs import refuse_unknown
from harness.dsl.analysis.load import MAX_BYTES, plugin_tools_named
from harness.dsl.ir import Program
from harness.dsl.language.diagnostic import ProgramError
from harness.dsl.values import MismatchError, conform
from harness.lane.pinned_file import read_text_file
from harness.lanes.dsl.options import WALL_SECONDS, DslOptions
from harness.lanes.dsl.parts import PROGRAM, Part, list_parts
from harness.lanes.dsl.pinned_inputs import pin_file, pin_work_file
from harness.lanes.dsl.programs import Programs
from harness.providers.file import read_answers
from harness.suites.suite import Suite

LANE = "dsl"


def collect_cases(suite: Suite, programs: Programs) -> list[Case]:
    """One case per part of the suite's program; a program with errors becomes one case that reports them.

    Args:
        programs: Where the checked program is kept for `evaluate`.

    Raises:
        SuiteError: if a file is missing, an input does not fit, or the program holds nothing to judge.
    """
    options = suite.options
    if not isinstance(options, DslOptions):
        raise TypeError(type(options).__name__)
    suite.resolve(options.program, "program")
    named = suite.path.parent / options.program
    path = named.parent.resolve() / named.name  # a link stays one: the program is untrusted, and none is followed
    file = read_text_file(path, max_bytes=MAX_BYTES, is_checked=False)
    data = file.data
    foreign = plugin_tools_named(data.decode("utf-8", "replace"))
    inputs: dict[str, Any] = {
        "program": {"path": str(path), "digest": file.digest},
        "answers": pin_file(suite, options.answers, "answers"),
        "recordings": pin_file(suite, options.recordings, "recordings"),
        "files": [pin_work_file(suite, name, number) for number, name in enumerate(options.files)],
        "inputs": options.inputs,
        **{name: getattr(options, name) for name in ("live", "entry", "repeatable")},
        "grants": list(options.grants),
        **({"wall_seconds": options.wall_seconds} if options.wall_seconds != WALL_SECONDS else {}),
        **({"plugin_tools": foreign} if foreign else {}),
    }
    if inputs["answers"] is not None:
        read_answers(Path(inputs["answers"]["path"]))
    try:
        program = programs.load(inputs)
        found = list(list_parts(program))
        _check_suite(suite, program, found)
    except UsageError as error:
        raise SuiteError(error.what, where=suite.where("entry"), fix=error.fix) from error
    except ProgramError as error:
        stem = slug(path.stem)
        text = data.decode("utf-8", "replace")
        found = [Part(stem, f"program {stem}", PROGRAM, "", text, error.line)]
    return [
        _case(suite, part, inputs | {"kind": part.kind, "label": part.label, "first": number == 0}, path, data)
        for number, part in enumerate(found)
    ]


def _case(suite: Suite, part: Part, inputs: dict[str, Any], path: Path, data: bytes) -> Case:
    subject = Subject.from_bytes(f"{slug(path.stem)}.{part.name}", part.source.encode("utf-8"), path=path)
    parents = () if part.kind == PROGRAM else (digest_bytes(data),)
    return Case(
        lane=LANE,
        suite=suite.name,
        name=part.name,
        title=part.title,
        subject=subject.model_copy(update={"parents": parents, "line": part.line}),
        inputs=inputs,
        policy=suite.policy,
        line=part.line,
    )


def _check_suite(suite: Suite, program: Program, found: Sequence[Part]) -> None:
    """Refuse a program that holds nothing to judge, and inputs that are missing or do not fit."""
    options = suite.options
    unit = program.units[program.main] if program.main >= 0 else None
    if unit is None and not (found and (program.rules or program.invariants or program.prose)):
        where = suite.where("program")
        raise SuiteError("the program holds nothing to judge", where=where, fix="write a task, a loop or a law")
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
            what = f"the program's input {variable.name!r} is missing"
            raise SuiteError(what, where=suite.where("inputs"), fix=f"add `inputs: {{{variable.name}: ...}}`")
