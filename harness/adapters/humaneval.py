"""Problems in the shape of HumanEval become tools: the canonical solution is the oracle, literal asserts are examples.

    python -m harness.adapters.humaneval FILE.jsonl --out specs/tools

Each line is an object with `task_id`, `prompt`, `entry_point`, `canonical_solution` and `test`. The file is trusted as
an oracle is: the canonical solutions are run. Everything that cannot be carried over is listed, with its problem.
"""

from __future__ import annotations

import argparse
import ast
import copy
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.adapters.sampled_shape import shape_of
from harness.core.errors import CrucibleError, SpecError, position
from harness.core.named_path import read_file
from harness.core.slug import slug
from harness.lanes.toolgen.tool_spec import read_tool
from harness.sandbox.codec import CodecError, encode, tag

KEYS = ("task_id", "prompt", "entry_point", "canonical_solution", "test")
UNPARSABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
"""What Python's parser raises; the last two for deep nesting."""
ORACLE = '''"""Oracle of {task}: the canonical solution, and inputs like those of the examples."""

import json
import runpy
from pathlib import Path

from harness.adapters.sampled_shape import strategy_of
from hypothesis import strategies as st

HERE = Path(__file__).parent
CANONICAL = runpy.run_path(str(HERE / "controls" / "honest.py"))[{entry!r}]
SHAPES = json.loads((HERE / "shapes.json").read_text("utf-8"))


def reference(**kwargs):
    return CANONICAL(**kwargs)


def inputs():
    drawn = {{name: strategy_of(shape) for name, shape in SHAPES.items()}}
    return st.fixed_dictionaries(drawn).filter(is_in_domain)


def is_in_domain(kwargs):
    try:
        CANONICAL(**json.loads(json.dumps(kwargs)))
    except Exception:
        return False
    return True
'''


@dataclass(slots=True)
class Problem:
    """A problem on its way to a tool.

    Attributes:
        task: Its `task_id`.
        code: Prompt and canonical solution.
        examples: Keyword arguments and answers.
        tolerance: The largest absolute difference that an assert accepts; 0 for none.
        left: What was not carried over, one sentence each.
    """

    task: str
    entry: str
    code: str
    examples: list[tuple[dict[str, Any], Any]] = field(default_factory=list)
    tolerance: float = 0.0
    left: list[str] = field(default_factory=list)


def main(arguments: list[str] | None = None) -> int:
    """Convert a file; the exit status is 1 if a problem did not become a tool, and 4 if the file is wrong."""
    parser = argparse.ArgumentParser(prog="python -m harness.adapters.humaneval", description="problems to tools")
    parser.add_argument("file", type=Path, help="one JSON object a line")
    parser.add_argument("--out", required=True, type=Path, help="the folder of the tools")
    args = parser.parse_args(arguments)
    made = failed = 0
    try:
        for problem in read_problems(args.file):
            try:
                folder = write_tool(problem, args.out)
            except SpecError as error:
                failed += 1
                print(f"{problem.task}: no tool: {error.what}")
            else:
                made += 1
                print(f"{problem.task}: {folder}, {len(problem.examples)} examples")
            for sentence in problem.left:
                print(f"{problem.task}: not carried over: {sentence}")
    except CrucibleError as error:
        print(f"crucible: {error}", file=sys.stderr)
        return 4
    print(f"{made} tools, {failed} problems without one")
    return 1 if failed else 0


def read_problems(file: Path) -> Iterator[Problem]:
    """Read the problems of a file.

    Raises:
        SpecError: if it cannot be read, or a line is not a problem; with its number.
    """
    try:
        lines = read_file(file).decode().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"it cannot be read: {error}", where=str(file)) from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise SpecError(f"not JSON: {error}", where=position(file, number)) from None
        missing = [key for key in KEYS if not isinstance(value, dict) or not isinstance(value.get(key), str)]
        if missing:
            raise SpecError(f"{missing[0]} is missing, or not a string", where=position(file, number))
        if "\\u" in line and (key := next((key for key in KEYS if not _is_text(value[key])), "")):
            raise SpecError(f"{key} has half of a surrogate pair, which no file can hold", where=position(file, number))
        yield _problem_of(value)


def write_tool(problem: Problem, out: Path) -> Path:
    """Write the tool of a problem.

    Args:
        out: The folder of the tools; one with the name of the problem is made in it.

    Raises:
        SpecError: if the problem cannot be a tool.
    """
    function = _function(problem)
    names = [argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)]
    if function.args.posonlyargs or function.args.vararg or function.args.kwarg:
        raise SpecError("candidates are called by keyword, so *args and **kwargs have no place")
    if not problem.examples:
        raise SpecError("no assert compares a call of literals with a literal")
    folder = out / slug(problem.task)
    try:
        (folder / "controls").mkdir(parents=True, exist_ok=True)
    except OSError as error:  # a task's id may be longer than a name of a folder
        raise SpecError(f"the tool cannot be written: {error.strerror}", where=str(folder)) from None
    documentation = ast.get_docstring(function) or ""
    spec = {
        "tool_id": slug(problem.task),
        "description": documentation.strip().partition("\n")[0] or problem.entry,
        "signature": _signature(function),
        "docstring": documentation,
        "test_cases": [{"input": tag(one), "expected_output": tag(two)} for one, two in problem.examples],
        **({"compare": {"numbers": {"abs": problem.tolerance, "int_for_float": True}}} if problem.tolerance else {}),
    }
    shapes = {name: shape_of([given[name] for given, _ in problem.examples if name in given]) for name in names}
    shapes = {name: shape for name, shape in shapes.items() if shape["any"]}
    oracle = ORACLE.format(task=problem.task, entry=problem.entry)
    for name, text in (
        ("tool.yaml", json.dumps(spec, indent=1)),  # JSON is YAML
        ("oracle.py", oracle),
        ("shapes.json", json.dumps(shapes)),
        ("controls/honest.py", problem.code),
    ):
        (folder / name).write_text(text + "\n", "utf-8")
    read_tool(folder)
    return folder


def _signature(function: ast.FunctionDef) -> str:
    header = copy.copy(function)
    header.decorator_list, header.body = [], [ast.Pass()]
    return ast.unparse(header).partition(":\n")[0]


def _function(problem: Problem) -> ast.FunctionDef:
    try:
        tree = ast.parse(problem.code)
    except UNPARSABLE as error:
        raise SpecError(f"prompt and canonical solution are not Python: {error}") from None
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == problem.entry]
    if not found:
        raise SpecError(f"prompt and canonical solution define no function {problem.entry!r}")
    return found[-1]


def _problem_of(value: dict[str, str]) -> Problem:
    problem = Problem(value["task_id"], value["entry_point"], value["prompt"] + value["canonical_solution"])
    try:
        tests = ast.parse(value["test"])
        names = [argument.arg for argument in _function(problem).args.args]
    except UNPARSABLE as error:
        problem.left.append(f"the test is not Python: {error}")
        return problem
    except SpecError:
        return problem  # reported when the tool is written
    for statement in _statements(tests):
        if not isinstance(statement, ast.Assert):
            problem.left.append(f"line {statement.lineno} of the test: {_shown(statement)}")
            continue
        try:
            call, answer, tolerance = _comparison(statement.test, ("candidate", problem.entry))
            given = dict(zip(names, map(ast.literal_eval, call.args), strict=False))
            if len(call.args) > len(names):
                raise ValueError("too many arguments")
            given |= {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
            encode(given), encode(answer)
        except (ValueError, TypeError, CodecError, RecursionError) as error:
            problem.left.append(f"line {statement.lineno} of the test ({error}): {_shown(statement)}")
            continue
        problem.examples.append((given, answer))
        problem.tolerance = max(problem.tolerance, tolerance)
    return problem


def _statements(tests: ast.Module) -> Iterator[ast.stmt]:
    """The statements that check something, those of `check` and similar functions included."""
    for node in tests.body:
        if isinstance(node, ast.FunctionDef):
            yield from (one for one in node.body if not _is_idle(one))
        elif not _is_idle(node):
            yield node


def _is_idle(node: ast.stmt) -> bool:
    """Whether a statement checks nothing: metadata, a docstring, an import, `assert True`, or the call of `check`."""
    if isinstance(node, ast.Assert):
        return isinstance(node.test, ast.Constant) and bool(node.test.value)
    if isinstance(node, ast.Assign):
        return all(isinstance(target, ast.Name) and target.id == "METADATA" for target in node.targets)
    is_check = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Constant)
    return is_check or isinstance(node, ast.Import | ast.ImportFrom | ast.Pass)


def _comparison(test: ast.expr, names: tuple[str, ...]) -> tuple[ast.Call, Any, float]:
    """The call of the candidate in an assert, the answer that it must give, and the tolerance."""

    def call_of(node: ast.expr) -> ast.Call | None:
        is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
        return node if is_call and isinstance(node, ast.Call) else None

    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        left, operator, right = test.left, test.ops[0], test.comparators[0]
        for one, other in ((left, right), (right, left)):
            if isinstance(operator, ast.Eq | ast.Is) and (call := call_of(one)) is not None:
                return call, ast.literal_eval(other), 0.0
        match left:  # abs(candidate(…) - answer) < tolerance
            case ast.Call(func=ast.Name(id="abs"), args=[ast.BinOp(left=one, op=ast.Sub(), right=other)]):
                call = call_of(one)
                if isinstance(operator, ast.Lt | ast.LtE) and call is not None:
                    return call, ast.literal_eval(other), float(ast.literal_eval(right))
    raise ValueError("it does not compare a call with a literal")


def _is_text(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _shown(node: ast.stmt) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 80 else f"{text[:77]}..."


if __name__ == "__main__":
    sys.exit(main())
