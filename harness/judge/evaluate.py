"""`harness.evaluate`: judges one case from Python, without pytest and without a ledger."""

from __future__ import annotations

import os
from pathlib import Path

from harness import hooks
from harness.core.case import Case
from harness.core.errors import UsageError
from harness.core.evaluation import Evaluation
from harness.core.nearest import nearest
from harness.core.tier import Tier
from harness.judge.case import evaluate_case
from harness.judge.folders import project_root, scratch_folder
from harness.judge.isolation import folders_of, prove_tier, secrets_of
from harness.lane.context import Context
from harness.lane.registry import Registry
from harness.suites.loader import SUFFIX, collect_cases, load_suite
from harness.suites.settings import Settings, settle


def evaluate(
    path_or_case: str | os.PathLike[str] | Case,
    *,
    epoch: int | None = None,
    attempts: int | None = None,
    anneal_temp: float | None = None,
    secret_seed: int | None = None,
    min_tier: Tier | str | None = None,
    registry: Registry | None = None,
    context: Context | None = None,
) -> Evaluation:
    """Judge one case from Python, without pytest and without a ledger.

    Args:
        path_or_case: A suite file that has exactly one case, `file.suite.yaml::case`, or a `Case`.
        epoch: Sets the budget; by default 0 for a file, else the case's own.
        attempts: Seeded repetitions; the suite's or the case's own by default.
        anneal_temp: Annealing temperature; the suite's or the case's own by default.
        secret_seed: Seed of the inputs; random by default.
        min_tier: The weakest isolation that is accepted for a lane that boxes.
        registry: The lanes; by default the built-in and installed ones.
        context: The resources; by default made for this call and closed after it.

    Raises:
        UsageError: if there is no such file or case, or the suite has several cases.
        SuiteError: if the suite is wrong.
        TierError: if this machine cannot isolate as well as `min_tier` requires.
    """
    registry = registry or Registry(built_in=hooks.BUILT_IN)
    asked = {
        "epoch": epoch,
        "attempts": attempts,
        "anneal_temp": anneal_temp,
        "secret_seed": secret_seed,
        "min_tier": None if min_tier is None else Tier(min_tier),
    }
    if isinstance(path_or_case, Case):
        root = Path.cwd()
        settings = settle(root, command=asked)
        given = {name: value for name in ("epoch", "attempts", "anneal_temp") if (value := asked[name]) is not None}
        case = path_or_case.model_copy(update={"policy": path_or_case.policy.model_copy(update=given)})
        if case.lane not in registry.lanes:
            raise UsageError(f"unknown lane {case.lane!r}{nearest(case.lane, registry.lanes)}")
    else:
        text, _, name = os.fspath(path_or_case).partition("::")
        path = Path(text).absolute()
        root = project_root(path)
        settings = settle(root, command=asked)
        case = _find(path, name, root, registry, settings)
    lane = registry.lanes[case.lane]
    if context is not None:
        return evaluate_case(case, lane, context)
    secrets = secrets_of([case], root=root, ledger=settings.ledger)
    protect = folders_of(secrets)
    tier = prove_tier([lane], settings, secrets, protect=protect).tier if lane.boxed else None
    context = Context(secret_seed=settings.secret_seed, scratch=scratch_folder(), tier=tier, protect=protect)
    try:
        return evaluate_case(case, lane, context)
    finally:
        context.close()


def _find(path: Path, name: str, root: Path, registry: Registry, settings: Settings) -> Case:
    if not path.is_file():
        raise UsageError("no such suite file", where=str(path))
    if not path.name.endswith(SUFFIX):
        raise UsageError(
            "this is not a suite",
            where=str(path),
            fix=f"name a file that ends in {SUFFIX}; one candidate is judged by `crucible judge FILE --tool TOOL`",
        )
    shown = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
    suite = load_suite(path, name=shown, lanes=registry.lanes, settings=settings)
    cases = {case.name: case for case in collect_cases(suite, registry.lanes[suite.options.lane])}
    if name:
        if name not in cases:
            raise UsageError(f"no case is named {name!r}{nearest(name, cases)}", where=str(path))
        return cases[name]
    if len(cases) > 1:
        names = list(cases)
        shown = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
        raise UsageError(
            f"the suite has {len(cases)} cases: {shown}", where=str(path), fix=f"name one: {path.name}::{names[0]}"
        )
    return next(iter(cases.values()))
