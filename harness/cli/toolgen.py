"""Make a bundle of a tool: code of a style, tests, README, specification and bill of materials; and judge it.

The exit status is 0 if the code passes, 1 if it does not, 3 if it could not be judged.

Example:
  crucible toolgen --spec specs/tools/text_deduplicate --out bundles --epoch 0 --style set
  crucible toolgen --spec specs/tools/json_flatten --out bundles --candidate mine.py --parent theirs.py --no-judge
"""

from __future__ import annotations

import argparse
import ast
from pathlib import Path

from harness.cli import output
from harness.core.errors import UsageError
from harness.core.named_path import read_file

NOT_JUDGED = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--spec", required=True, type=Path, metavar="PATH", help="a tool: a folder or a JSON file")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="the bundle is DIR/<tool id>")
    output.add_epoch(parser)
    parser.add_argument("--style", "--impl_style", "--impl-style", metavar="STYLE", help="style of the template")
    parser.add_argument("--candidate", type=Path, metavar="FILE", help="bundle this source, not a template")
    parser.add_argument("--parent", type=Path, metavar="FILE", help="the source that it was made from")
    parser.add_argument("--no-judge", action="store_true", help="make the bundle only")
    output.add_min_tier(parser)
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    from harness.core.budget import Schedule
    from harness.evolve.bundle import make_bundle, with_license
    from harness.evolve.sbom import Materials
    from harness.judge.pool import JudgePool
    from harness.lanes.toolgen.metadata import read_metadata
    from harness.lanes.toolgen.proposals.templates import styles_of, template
    from harness.lanes.toolgen.style import detect
    from harness.lanes.toolgen.tool_spec import read_tool

    if not args.spec.exists():
        raise UsageError("no such tool", where=str(args.spec), fix="name a folder with a tool.yaml")
    if args.style and args.candidate:
        raise UsageError("--style names a template, --candidate a source", fix="give one of them")
    tool = read_tool(args.spec)
    if args.candidate:
        source = _read(args.candidate)
    else:
        styles = styles_of(tool.spec.tool_id)
        source = template(tool.spec.tool_id, args.style or ("set" if "set" in styles else next(iter(styles), "set")))
    source = with_license(source)
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise UsageError(f"it is not Python: {error}", where=str(args.candidate), fix="name a Python file") from None
    claims = read_metadata(source)
    verdict = None
    if not args.no_judge:
        with JudgePool(args.spec, workers=1, epoch=args.epoch, min_tier=args.min_tier) as pool:
            verdict = pool.judge(source)
    materials = Materials(
        style=args.style or claims.style,
        detected=detect(tree, tool.signature.name),
        epoch=args.epoch,
        budget=Schedule().at(args.epoch),
        tier=str(verdict.evaluation.evidence.tier or "") if verdict else "",
        parent=_read(args.parent) if args.parent else "",
        parents=claims.parents,
    )
    folder = args.out / tool.spec.tool_id
    make_bundle(tool, source, materials).write(folder)
    if args.json:
        found = {"bundle": str(folder), "tool_id": tool.spec.tool_id, "style": materials.style, "epoch": args.epoch}
        if verdict is not None:
            found |= {
                "status": verdict.status.value,
                "passed": verdict.passed,
                "score": verdict.score,
                "median_ms": verdict.evaluation.evidence.median_ms,
                "why": verdict.why,
            }
        output.print_json(found)
    else:
        print(f"bundle {folder}")
        if verdict is not None:
            score = "-" if verdict.score is None else f"{verdict.score:.3f}"
            median = verdict.evaluation.evidence.median_ms
            time = "" if median is None else f", median {median:.2f} ms of {materials.budget.time_ms:g} ms"
            print(f"{verdict.status} {score}{time}: {verdict.why}")
    if verdict is None:
        return 0
    return NOT_JUDGED if verdict.reward is None else 0 if verdict.passed else 1


def _read(path: Path) -> str:
    from harness.lane.breed import MAX_BYTES

    try:
        data = read_file(path, MAX_BYTES)
    except OSError as error:
        raise UsageError(f"it cannot be read: {error.strerror}", where=str(path)) from None
    if len(data) > MAX_BYTES:
        raise UsageError(f"it has more than {MAX_BYTES >> 10} KiB", where=str(path), fix="name a smaller source")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"byte {error.start} is not UTF-8", where=str(path), fix="save it as UTF-8") from None
