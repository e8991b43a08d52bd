"""Loader: reads a `.suite.yaml` as a `Suite`, or raises one `SuiteError` with every problem and its position."""

from __future__ import annotations

import inspect
import itertools
import json
import re
import typing
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from harness.core.case import Case
from harness.core.document import Document, Key, read_document
from harness.core.errors import SuiteError, position
from harness.core.nearest import nearest, nearest_name, nearest_names
from harness.core.policy import Need
from harness.core.status import Status
from harness.suites.settings import Settings
from harness.suites.suite import Suite, SuiteLane

SUFFIX = ".suite.yaml"
_MARKER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_KNOWN_NEEDS = get_args(Need)
MAX_PROBLEMS = 12
SUM_TOLERANCE = 1e-6  # thirds written with six digits are accepted


def load_suite(path: Path, *, name: str, lanes: Mapping[str, SuiteLane], settings: Settings) -> Suite:
    """Read and validate one suite file.

    Args:
        name: The name of the file in node ids.
        settings: The settings of the session; the suite's policy is merged from both.

    Raises:
        SuiteError: with every problem found, each with file, line and column.
    """
    document = read_document(path)
    if document.value is None:
        raise SuiteError("the file is empty", where=str(path), fix="add at least `lane:` and a subject to judge")
    if not isinstance(document.value, dict):
        raise SuiteError("a suite is a mapping of keys to values", where=position(path, 1, 1))
    lane = _lane(path, document, lanes)
    problems = _Problems(path, document, lane)
    options = None
    try:
        # Strict JSON rules: a list is valid for a tuple and a string for an enum, but "3" is not valid for 3.
        options = lane.options.model_validate_json(json.dumps(document.value), strict=True)
    except ValidationError as error:
        problems.add_validation(error)
    problems.check_names()
    if options is None or problems.found:
        raise problems.error()
    return Suite(
        path=path,
        name=name,
        options=options,
        policy=settings.policy(options),
        positions=document.positions,
        untrusted=lane.untrusted,
    )


def collect_cases(suite: Suite, lane: SuiteLane) -> list[Case]:
    """The cases of a suite with their expected statuses.

    Raises:
        SuiteError: if there is no case, one subject has two cases of one name, or `expect` names a case that does not
            exist.
    """
    cases = _numbered(lane.collect(suite))
    if not cases:
        raise SuiteError("the suite has no case", where=str(suite.path), fix="add a subject to judge")
    names: dict[str, Case] = {}
    for case in cases:
        if case.name in names:
            subjects = f"{names[case.name].subject.path or 'a subject'} and {case.subject.path or 'another'}"
            fix = "rename one of the files"
            raise SuiteError(f"two cases are named {case.name!r}: {subjects}", where=suite.where(), fix=fix)
        names[case.name] = case
    expect = suite.options.expect
    strange = [name for name in expect if name not in names]
    if strange:
        found = [
            f"{suite.where('expect', name)}: `expect` names no case {name!r}{nearest(name, names)}" for name in strange
        ]
        raise SuiteError(f"{len(found)} problems:\n" + "\n".join(found)) if len(found) > 1 else SuiteError(found[0])
    for name, status in expect.items():
        case = names[name]
        policy = case.policy.model_copy(update={"expect": status})
        names[name] = case.model_copy(update={"policy": policy})
    return list(names.values())


def _numbered(cases: Iterable[Case]) -> list[Case]:
    """Cases of several files with one name are numbered: no author's file name keeps another from being judged.

    The file that has exactly this name keeps it.
    """
    found = list(cases)
    if len({case.name for case in found}) == len(found):
        return found
    taken: dict[str, Case] = {}
    for case in sorted(found, key=lambda one: Path(one.subject.path or "").stem != one.name):
        taken.setdefault(case.name, case)
    numbered: list[Case] = []
    for case in found:
        first = taken[case.name]
        if case is not first and case.subject.path and case.subject.path != first.subject.path:
            number = next(n for n in itertools.count(2) if f"{case.name}-{n}" not in taken)
            other = taken[f"{case.name}-{number}"] = case.model_copy(update={"name": f"{case.name}-{number}"})
            numbered.append(other)
        else:
            numbered.append(case)
    return numbered


def _lane(path: Path, document: Document, lanes: Mapping[str, SuiteLane]) -> SuiteLane:
    value = document.value
    if "lane" not in value:
        near = nearest_name("lane", value)
        hint = f"; {near!r} is not a key, did you mean 'lane'?" if near else ""
        raise SuiteError(f"the key 'lane' is missing{hint}", where=position(path, 1, 1), fix=_choices(lanes))
    where = position(path, *document.positions.get(("lane",), (1, 1)))
    lane = value["lane"]
    if not isinstance(lane, str):
        raise SuiteError(f"'lane' must be a string, not {_kind(lane)}", where=where, fix=_choices(lanes))
    if lane not in lanes:
        raise SuiteError(f"unknown lane {lane!r}{nearest(lane, lanes)}", where=where)
    return lanes[lane]


def _choices(lanes: Mapping[str, SuiteLane]) -> str:
    return f"`lane:` is one of {', '.join(sorted(lanes))}" if lanes else "no lane is installed"


class _Problems:
    """Collects the problems of one file, in the order of its lines."""

    def __init__(self, path: Path, document: Document, lane: SuiteLane) -> None:
        self.path, self.document, self.lane = path, document, lane
        self.found: list[tuple[tuple[int, int], str]] = []

    def add(self, key: Key, what: str) -> None:
        at = next(
            (self.document.positions[key[:n]] for n in range(len(key), 0, -1) if key[:n] in self.document.positions),
            (1, 1),
        )
        text = f"{position(self.path, *at)}: {what}"
        if (at, text) not in self.found:
            self.found.append((at, text))

    def add_validation(self, error: ValidationError) -> None:
        found = error.errors(include_url=False)
        meant: set[Key] = set()
        for problem in found:
            key = problem["loc"]
            if problem["type"] == "extra_forbidden":
                fields = list(_fields(self.lane.options, key[:-1]))
                meant.update((*key[:-1], name) for name in nearest_names(key[-1], fields))
                self.add(key, f"unknown key {_path(key)!r}{nearest(key[-1], fields)}")
        for problem in found:
            key = problem["loc"]
            if problem["type"] == "extra_forbidden" or (problem["type"] == "missing" and key in meant):
                continue
            if problem["type"] == "missing":
                self.add(key[:-1], f"the key {_path(key)!r} is missing")
            else:
                name = f"{_path(self._real(key))}: " if key else ""  # a rule about several keys has no key of its own
                self.add(key, f"{name}{_say(problem['msg'])}{self._got(key) if key else ''}")

    def check_names(self) -> None:
        """Check the names of components, markers and requirements, which the options model does not know."""
        value = self.document.value
        components = getattr(self.lane, "components", None)
        if components and isinstance(value.get("gates"), dict):
            for name in value["gates"]:
                if name not in (*components, "score"):
                    self.add(("gates", name), f"no component {name!r} to gate{nearest(name, (*components, 'score'))}")
        weights, known = value.get("weights"), getattr(self.lane, "weights", None)
        if known and isinstance(weights, dict) and weights:
            for name in weights:
                if name not in known:
                    self.add(("weights", name), f"no component {name!r} to weigh{nearest(name, known)}")
            numbers = [weight for weight in weights.values() if isinstance(weight, int | float)]
            if len(numbers) == len(weights) and abs(sum(numbers) - 1) > SUM_TOLERANCE:
                self.add(("weights",), f"the weights sum to {sum(numbers):.10g}, not to 1")
        if isinstance(value.get("expect"), dict):
            for name, status in value["expect"].items():
                if status == Status.INFRA:
                    self.add(("expect", name), "`infra` is a failure of Crucible and cannot be expected")
        for index, tag in enumerate(_strings(value.get("tags"))):
            if not _MARKER.fullmatch(tag):
                self.add(("tags", index), f"{tag!r} cannot be a pytest marker: use letters, digits and `_`")
        for index, need in enumerate(_strings(value.get("require"))):
            if need not in _KNOWN_NEEDS:
                self.add(("require", index), f"unknown requirement {need!r}{nearest(need, _KNOWN_NEEDS)}")

    def error(self) -> SuiteError:
        lines = [text for _, text in sorted(self.found)]
        if len(lines) == 1:
            return SuiteError(lines[0])
        more = [f"... and {len(lines) - MAX_PROBLEMS} more"] if lines[MAX_PROBLEMS:] else []
        return SuiteError("\n".join([f"{len(lines)} problems:", *lines[:MAX_PROBLEMS], *more]))

    def _real(self, key: Key) -> Key:
        # pydantic adds the names of union branches to the path; the file does not contain them.
        return next((key[:n] for n in range(len(key), 0, -1) if key[:n] in self.document.positions), key)

    def _got(self, key: Key) -> str:
        value: Any = self.document.value
        for part in self._real(key):
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return ""
        text = json.dumps(value, ensure_ascii=False)
        return f" (it is {text if len(text) <= 60 else f'{text[:57]}...'})"


def _strings(value: Any) -> Sequence[str]:
    return [part for part in value if isinstance(part, str)] if isinstance(value, list) else ()


def _path(key: Key) -> str:
    return ".".join(str(part) for part in key)


def _say(message: str) -> str:
    message = message.removeprefix("Value error, ")
    return message[:1].lower() + message[1:] if message.startswith("Input ") else message


def _kind(value: Any) -> str:
    words = {dict: "a mapping", list: "a list", type(None): "nothing", bool: "true or false"}
    return words.get(type(value), "a number")


def _fields(model: type[BaseModel], key: Key) -> Iterable[str]:
    """The field names that a model allows below a key path."""
    for part in key:
        info = model.model_fields.get(str(part))
        inner = _model_of(info.annotation) if info else None
        if inner is None:
            return ()
        model = inner
    return model.model_fields


def _model_of(annotation: Any) -> type[BaseModel] | None:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in typing.get_args(annotation) if (found := _model_of(part))), None)
