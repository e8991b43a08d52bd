"""Tool: a tool's specification (`ToolSpec`) and parsed signature (`Signature`), with its files and digest."""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt, ValidationError

from harness.core.digest import digest_bytes, digest_folder, folder_state
from harness.core.document import read_document
from harness.core.errors import SpecError, SuiteError, position
from harness.core.frozen import Frozen
from harness.core.nearest import did_you_mean
from harness.lanes.toolgen.annotation_kinds import Kind, kind_of
from harness.lanes.toolgen.comparison import Compare, Comparison, Numbers
from harness.lanes.toolgen.signature import Signature, signature_of
from harness.sandbox.codec import CodecError, encode, untag
from harness.sandbox.wire import KEEP_ARGUMENTS

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Example(Frozen):
    """One of the tool's public test cases."""

    input: dict[str, Any]
    """Keyword arguments of the call."""
    expected_output: Any
    description: str = ""


class Constraints(Frozen):
    """Limits set by the tool's author. The suite's annealed budget applies too; the lower limit decides."""

    forbidden_apis: tuple[str, ...] | None = None
    """Dotted names; a final `*` matches a prefix. None: the default list, reduced by `capabilities`."""
    allow_imports: tuple[str, ...] = ()
    """Modules that candidates may import, in addition to those that only compute; a package includes its modules."""
    max_runtime_sec: Positive | None = None
    """Time limit of one call, in seconds."""
    max_memory_mb: Positive | None = None


class ToolSpec(Frozen):
    """A tool's specification: `tool.yaml`, or a JSON file with the same keys."""

    tool_id: Annotated[str, Field(min_length=1)]
    id: str = ""
    """Another name of the tool; kept, not used."""
    description: str = ""
    signature: str
    """A Python `def` line without a body; its name is the candidate's entry point."""
    docstring: str = ""
    test_cases: tuple[Example, ...] = ()
    constraints: Constraints = Constraints()
    performance_targets: dict[str, Any] = {}
    """The author's targets; kept, not judged."""
    capabilities: tuple[str, ...] = ()
    """`file_io`, `network`: removed from the default list of forbidden APIs."""
    compare: Compare = Comparison()
    """When an answer is the same as the expected one: `exact`, or tolerances and types that count as plain ones."""
    properties: tuple[Literal["no_mutation", "idempotent"], ...] = ()
    """no_mutation: a call leaves its arguments unchanged. idempotent: the tool's answer to its own answer, given as the
    first parameter, is the same answer."""
    workload_size: PositiveInt = 256
    """n: workloads of sizes n, 2n, 4n and 8n are timed."""
    version: str = ""
    license: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """A validated tool.

    Attributes:
        path: The folder or file that the suite names, absolute.
        kinds: The kind of each parameter; parameters without a kind are missing, since their inputs cannot be sampled.
        oracle: The trusted `oracle.py`; None for a tool with examples only.
        digest: Hex SHA-256 over the bytes of both files.
    """

    path: Path
    spec: ToolSpec
    signature: Signature
    kinds: dict[str, Kind]
    oracle: Path | None
    digest: str

    @property
    def examples_only(self) -> bool:
        """Whether only examples define the right answers."""
        return self.oracle is None

    @property
    def limits(self) -> dict[str, float | None]:
        """The tool's own limits of a call, by name of the gate; None for the suite's."""
        seconds, memory = self.spec.constraints.max_runtime_sec, self.spec.constraints.max_memory_mb
        return {"time_ms": None if seconds is None else seconds * 1e3, "memory_mb": memory}

    @property
    def answer_rules(self) -> tuple[str, ...]:
        """What a box does with the answers, see `wire`."""
        kept = (KEEP_ARGUMENTS,) if "no_mutation" in self.spec.properties else ()
        return (*kept, *sorted(self.spec.compare.forms))


def digest_of_files(tool: Tool) -> str:
    """The `digest_folder` of a tool's folder; its files are read again only if they may have changed."""
    try:
        state = folder_state(tool.path)
    except OSError:
        return digest_folder(tool.path)
    if _FILES.get(tool.path, ((), ""))[0] != state:
        _FILES[tool.path] = state, digest_folder(tool.path)
    return _FILES[tool.path][1]


_FILES: dict[Path, tuple[tuple[object, ...], str]] = {}


def read_tool(path: Path) -> Tool:
    """Read and validate a tool; the oracle is parsed but not run.

    Raises:
        SpecError: with the `file:line` of the first problem.
    """
    # A run reads the same tool thousands of times; the files are read again only if they may have changed.
    held = _READ.get(path)
    if held is not None and held[0] == _states(held[1]):
        return held[2]
    path = path.absolute()
    file, oracle = _files(path)
    read = tuple(map(str, (file.parent, file, oracle or file)))  # a folder changes with the names of its files
    try:
        states = _states(read)
        for one in filter(None, (file, oracle)):
            if one.is_fifo() or one.is_char_device():  # reading one may never end
                raise SpecError("it is not a plain file", where=position(one), fix="name a file")
        data = file.read_bytes()
        code = oracle.read_bytes() if oracle else b""
    except OSError as error:
        raise SpecError(f"cannot be read: {error.strerror}", where=position(path)) from None
    tool = _build(path, file, data, oracle, code)
    if states:
        _READ[path] = states, read, tool
    return tool


_SHAPE = "`crucible schema tool` prints what a tool has"
States = list[tuple[int, int, int]]
_READ: dict[Path, tuple[States, tuple[str, ...], Tool]] = {}


def _states(paths: Iterable[str]) -> States:
    """What changes with a file, or with the names in a folder; empty if one of them is gone."""
    try:
        found = [os.stat(path) for path in paths]  # noqa: PTH116 - a Path for each file takes longer than the call
    except OSError:
        return []
    return [(state.st_mtime_ns, state.st_size, state.st_ino) for state in found]


def _files(path: Path) -> tuple[Path, Path | None]:
    if path.is_dir():
        file = path / "tool.yaml"
        if not file.is_file():
            where = position(path)
            raise SpecError("the tool's folder has no tool.yaml", where=where, fix="add tool.yaml, or name a JSON file")
        oracle = path / "oracle.py"
        return file, oracle if oracle.is_file() else None
    if path.name == "tool.yaml":
        return _files(path.parent)
    if path.suffix not in (".json", ".yaml", ".yml"):
        what = "a tool is a folder with tool.yaml, or a JSON file"
        raise SpecError(what, where=position(path), fix="name one of them")
    return path, None


def _build(path: Path, file: Path, data: bytes, oracle: Path | None, code: bytes) -> Tool:
    spec, where = _parse(file, data)
    signature, kinds = _signature(spec, where)
    if oracle is None and not spec.test_cases:
        raise SpecError(
            "neither test_cases nor oracle.py define the right answers", where=where("tool_id"), fix="add one of them"
        )
    for index, example in enumerate(spec.test_cases):
        misfit = signature.misfit(example.input)
        if misfit:
            raise SpecError(f"test case {index + 1}: {misfit}", where=where("test_cases", index, "input"))
        for key, value in (("input", example.input), ("expected_output", example.expected_output)):
            try:
                encode(value)
            except CodecError as error:
                raise SpecError(f"test case {index + 1}: {error}", where=where("test_cases", index, key)) from None
    if "idempotent" in spec.properties and not signature.parameters:
        raise SpecError("a tool without parameters cannot be idempotent", where=where("properties"))
    provides_inputs = check_oracle(oracle, code) if oracle else False
    if not provides_inputs:
        for parameter in signature.parameters:
            if parameter.name not in kinds and parameter.required:
                what = f"no inputs can be sampled for {parameter.name}: {parameter.annotation}"
                fix = "annotate it with JSON types, or add inputs() to oracle.py"
                raise SpecError(what, where=where("signature"), fix=fix)
    parts = f"{len(data)}:{len(code)}:{oracle is not None}:".encode()
    return Tool(path, spec, signature, kinds, oracle, digest_bytes(parts + data + code))


def _parse(file: Path, data: bytes) -> tuple[ToolSpec, _Where]:
    where = _Where(file)
    if file.suffix == ".json":  # YAML does not accept all JSON escapes, nor tabs as indentation
        try:
            value = json.loads(data.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise SpecError(f"not UTF-8 at byte {error.start}", where=position(file), fix="save it as UTF-8") from None
        except json.JSONDecodeError as error:
            at = position(file, error.lineno, error.colno)
            raise SpecError(f"not JSON: {error.msg}", where=at, fix=_SHAPE) from None
        except (ValueError, RecursionError) as error:  # a number with thousands of digits, or thousands of levels
            raise SpecError(f"not JSON: {error}", where=position(file), fix=_SHAPE) from None
    else:
        try:
            value = read_document(file).value
        except SuiteError as error:
            raise SpecError(error.what, where=error.where, fix=error.fix) from None
    if not isinstance(value, dict):
        raise SpecError("a tool spec is a mapping of keys", where=position(file, 1), fix=_SHAPE)
    if isinstance(value.get("test_cases"), list):  # a copy: the document is cached and shared
        value = {**value, "test_cases": [untag(case) for case in value["test_cases"]]}
    try:
        return ToolSpec.model_validate(value), where
    except ValidationError as error:
        # A misspelt key often explains a missing one, so unknown keys are reported first.
        first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
        location = tuple(part for part in first["loc"] if isinstance(part, str | int))
        what = "unknown key" if first["type"] == "extra_forbidden" else _said(first["msg"])
        fix = _hint(first, location)
        raise SpecError(f"{'.'.join(map(str, location))}: {what}", where=where(*location), fix=fix) from None


class _Where:
    """Finds the line of a key; it reads the file again, since only errors need positions."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __call__(self, *keys: str | int) -> str:
        """`file:line:column` of the innermost of `keys` that exists."""
        try:
            positions = read_document(self._file).positions
        except SuiteError:
            return position(self._file)
        found = next((positions[keys[:end]] for end in range(len(keys), 0, -1) if keys[:end] in positions), (1, 1))
        return position(self._file, *found)


def _said(message: str) -> str:
    """Pydantic's message in the words of a YAML file."""
    message = message.removeprefix("Value error, ").replace("a valid tuple", "a list")
    return re.sub(r"a valid dictionary( or instance of \w+)?", "a mapping", message)


def _hint(first: Any, location: tuple[str | int, ...]) -> str:
    if first["type"] == "literal_error":
        return did_you_mean(first["input"], re.findall("'([^']*)'", first["ctx"]["expected"]))
    if first["type"] != "extra_forbidden":
        return ""
    model: type[Frozen] = ToolSpec
    for part in location[:-1]:
        if isinstance(part, str):
            model = _INNER[part]
    names = list(model.model_fields)
    return did_you_mean(location[-1], names) or f"the keys are {', '.join(names)}"


_INNER: dict[str, type[Frozen]] = {
    "test_cases": Example, "constraints": Constraints, "compare": Comparison, "numbers": Numbers
}  # fmt: skip


def _signature(spec: ToolSpec, where: _Where) -> tuple[Signature, dict[str, Kind]]:
    text = spec.signature.strip().rstrip(":")
    try:
        body = ast.parse(f"{text}: ...").body
    except (SyntaxError, ValueError) as error:
        fix = "write e.g. def run(text: str) -> str"
        raise SpecError(f"signature is not Python: {error}", where=where("signature"), fix=fix) from None
    if len(body) != 1 or not isinstance(body[0], ast.FunctionDef):
        raise SpecError("signature must be one plain def", where=where("signature"))
    function = body[0]
    if function.args.posonlyargs or function.args.vararg or function.args.kwarg:
        what = "signature must not use `/`, *args or **kwargs: candidates are called by keyword"
        raise SpecError(what, where=where("signature"))
    kinds: dict[str, Kind] = {}
    for argument in (*function.args.args, *function.args.kwonlyargs):
        try:
            kinds[argument.arg] = kind_of(argument.annotation)
        except (ValueError, SyntaxError):
            continue  # valid if the oracle provides the inputs; `_build` reports the error otherwise
    return signature_of(function), kinds


def check_oracle(path: Path, code: bytes) -> bool:
    """Check an oracle without running it; return whether it defines `inputs`.

    Raises:
        SpecError: on a syntax error, or if the oracle defines no `reference`.
    """
    try:
        tree = ast.parse(code, filename=str(path))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise SpecError(f"oracle.py is not Python: {error}", where=position(path, line)) from None
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update((alias.asname or alias.name) for alias in node.names)
        else:
            names.update(n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    if "reference" not in names and "*" not in names:
        where = position(path, 1)
        raise SpecError("oracle.py defines no reference(**kwargs)", where=where, fix="define reference(**kwargs)")
    return "inputs" in names or "*" in names
