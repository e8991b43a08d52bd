"""Write suites for problems of KernelBench (Model, ModelNew) or flashinfer-bench (definitions, solutions).

A candidate's file name begins with the name of its problem; a solution names its definition.

Example:
  crucible kernel adapt KernelBench/level1 --candidates my_kernels --out adapted
  crucible kernel adapt flashinfer_trace/definitions --candidates solutions --workloads workloads --out adapted
  pytest adapted
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.cli import output
from harness.core.errors import SpecError, UsageError
from harness.lanes.kernel.adapters import flashinfer, kernelbench
from harness.lanes.kernel.adapters.case_folder import NotAdaptedError, write_case
from harness.lanes.kernel.gpu import require_extra
from harness.lanes.kernel.warm_processes import WarmProcesses


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("problems", nargs="+", type=Path, metavar="PATH", help="a problem, or a folder of problems")
    parser.add_argument("--candidates", type=Path, metavar="DIR", help="the folder of ModelNew files or solutions")
    parser.add_argument("--workloads", type=Path, metavar="DIR", help="the folder of flashinfer workloads (JSONL)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder for the suites")
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Exit status 1 if a problem or candidate could not be converted."""
    problems = [path for given in args.problems for path in _find_problems(given)]
    if not problems:
        raise UsageError("no problem found", where=str(args.problems[0]), fix="name .py or .json files")
    candidates = _list_files(args.candidates, "--candidates")
    workloads = [path for path in _list_files(args.workloads, "--workloads") if path.suffix == ".jsonl"]
    if any(path.suffix == ".py" for path in problems):
        require_extra()
    written: list[dict[str, Any]] = []
    left: list[dict[str, str]] = []
    shared = _assign_candidates(problems, candidates)
    with WarmProcesses() as processes:
        for path in problems:
            try:
                if path.suffix == ".json":
                    solutions = [one for one in candidates if one.suffix == ".json"]
                    adapted = flashinfer.adapt_definition(path, solutions, workloads)
                else:
                    adapted = kernelbench.adapt_problem(path, shared.get(path, []), processes)
                files = write_case(args.out, adapted)
            except (NotAdaptedError, SpecError, UnicodeDecodeError) as error:
                left.append({"problem": str(path), "why": getattr(error, "what", str(error))})
                continue
            kernels = [*adapted.kernels]
            written.append({"problem": str(path), "files": [str(file) for file in files], "kernels": kernels})
            left += [{"problem": str(path), "why": note} for note in adapted.notes]
    if any(given.is_dir() for given in args.problems):  # candidates of other problems are expected for a single problem
        left += _find_orphans(problems, candidates, shared)
    if args.json:
        output.print_json({"written": written, "left": left})
    else:
        for one in written:
            print(f"{', '.join(one['files'])}: {', '.join(one['kernels']) or 'no kernel'}")
        for gap in left:
            print(f"not converted: {gap['problem']}: {gap['why']}")
    return 1 if left else 0


def _assign_candidates(problems: list[Path], candidates: list[Path]) -> dict[Path, list[Path]]:
    """Assign the candidates of KernelBench to problems: the longest problem name that begins the candidate's name."""
    shared: dict[Path, list[Path]] = {}
    for candidate in (path for path in candidates if path.suffix == ".py"):
        begun = [path for path in problems if path.suffix != ".json" and candidate.stem.startswith(path.stem)]
        if begun:
            shared.setdefault(max(begun, key=lambda path: len(path.stem)), []).append(candidate)
    return shared


def _find_orphans(
    problems: list[Path], candidates: list[Path], shared: dict[Path, list[Path]]
) -> Iterator[dict[str, str]]:
    """Yield the candidates whose problem was not given."""
    known = {flashinfer.name_of(path) for path in problems if path.suffix == ".json"}
    for path in candidates:
        if path.suffix == ".py" and not any(path in theirs for theirs in shared.values()):
            yield {"problem": str(path), "why": "its name does not begin with the name of a given problem"}
        elif path.suffix == ".json" and (named := flashinfer.named_by(path)) not in {None, *known}:
            yield {"problem": str(path), "why": f"its definition {named!r} was not given"}


def _find_problems(given: Path) -> Iterator[Path]:
    if given.is_dir():
        yield from (path for path in sorted(given.rglob("*")) if _is_problem(path))
    elif given.is_file():
        yield given
    else:
        raise UsageError("no such file or folder", where=str(given), fix="name a problem, or a folder of problems")


def _is_problem(path: Path) -> bool:
    """Whether a file of a folder is a problem; other files of the folder are ignored."""
    if path.suffix == ".py":
        return "class Model(" in path.read_text(encoding="utf-8", errors="replace")
    try:
        return path.suffix == ".json" and flashinfer.is_definition(flashinfer.read_json(path))
    except NotAdaptedError:
        return False


def _list_files(folder: Path | None, option: str) -> list[Path]:
    if folder is None:
        return []
    if not folder.is_dir():
        raise UsageError("not a folder", where=f"{option} {folder}", fix=f"name a folder with {option}")
    return sorted(path for path in folder.rglob("*") if path.is_file())
