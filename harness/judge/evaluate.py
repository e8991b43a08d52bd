"""Judge: a case becomes an evaluation. The one path shared by the pytest plugin, the Python API and the verbs."""

from __future__ import annotations

import os
import stat
import tempfile
import time
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from harness import hooks
from harness.core.case import Case
from harness.core.clip import clip
from harness.core.errors import InfraError, SuiteError, TierError, UsageError
from harness.core.evaluation import Evaluation
from harness.core.evidence import Evidence
from harness.core.nearest import nearest
from harness.core.score import Score
from harness.core.status import Status
from harness.core.tier import Tier
from harness.hooks import Lane, Registry
from harness.lane.context import Context
from harness.suites.loader import collect_cases, load_suite
from harness.suites.settings import Settings, settle

if TYPE_CHECKING:
    from harness.sandbox.probe import Probe

MAX_SECRETS = 50  # an attack on each costs time, and more of the same proves nothing more
FRAMES = 3  # of a traceback that enter a record


def judge(case: Case, lane: Lane, context: Context) -> Evaluation:
    """Observe and score one case. A lane that raises has failed us, not its subject: the case becomes `infra`.

    Args:
        case: What to judge.
        lane: The lane it belongs to.
        context: This process's resources.
    """
    started = time.perf_counter()
    try:
        evidence = lane.evaluate(case, context)
        if evidence.seconds == 0:
            evidence = evidence.model_copy(update={"seconds": time.perf_counter() - started})
        evaluation = Evaluation(case=case, evidence=evidence, score=lane.score(evidence, case.policy))
        evaluation.model_dump_json()  # facts may hold what JSON cannot
    except (Exception, SystemExit) as error:
        return unjudged(
            case,
            _summary(error, lane),
            seconds=time.perf_counter() - started,
            tier=context.tier,
            trusted=isinstance(error, SuiteError),
        )
    return evaluation


def unjudged(
    case: Case, why: str, *, seconds: float = 0.0, tier: Tier | None = None, trusted: bool = False
) -> Evaluation:
    """An `infra` evaluation: nothing is known of the subject.

    Args:
        case: What was to be judged.
        why: One sentence.
        seconds: What trying took.
        tier: Of the boxes.
        trusted: Whether a trusted file of the user's is at fault (an oracle, a grammar), and not our machinery.
    """
    facts = {"fault": "trusted file"} if trusted else {}
    evidence = Evidence(status=Status.INFRA, why=clip(why) or "unknown", seconds=seconds, tier=tier, facts=facts)
    return Evaluation(case=case, evidence=evidence, score=Score(total=None, explanation="not judged"))


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
        path_or_case: A suite file that asks for exactly one case, `file.suite.yaml::case`, or a `Case`.
        epoch: For the budget; 0 for a file, a case's own otherwise.
        attempts: Seeded repetitions; the suite's or the case's own by default.
        anneal_temp: Annealing temperature, likewise.
        secret_seed: Inputs are drawn from it; random by default.
        min_tier: The weakest isolation that is accepted for a lane that boxes.
        registry: Where lanes are looked up; by default the built-in and installed ones.
        context: Resources to use; by default made for this call and closed after it.

    Raises:
        UsageError: if there is no such file or case, or the file asks for several.
        SuiteError: if the suite is wrong.
        TierError: if this machine cannot isolate as well as asked.
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
        return judge(case, lane, context)
    secrets = secrets_of([case], root=root, ledger=settings.ledger)
    protect = folders_of(secrets)
    tier = prove_tier([lane], settings, secrets, protect=protect).tier if lane.boxed else None
    context = Context(secret_seed=settings.secret_seed, scratch=scratch_folder(), tier=tier, protect=protect)
    try:
        return judge(case, lane, context)
    finally:
        context.close()


def secrets_of(cases: Iterable[Case], *, root: Path, ledger: Path) -> list[Path]:
    """Files that a box must not be able to read: suites, what judges the cases, the ledger.

    Args:
        cases: What will be judged.
        root: What their suites' names are relative to.
        ledger: Where the verdicts go.
    """
    found: dict[Path, None] = {}
    for case in cases:
        found[root / case.suite] = None
        for value in case.inputs.values():
            if isinstance(value, str) and value.startswith("/") and value != case.subject.path:
                found[Path(value)] = None
        if len(found) > MAX_SECRETS:
            break
    return [*found, ledger]


def folders_of(paths: Iterable[Path]) -> tuple[Path, ...]:
    """The folders that hold some files (a folder holds itself): what boxes are told to hide."""
    return tuple(dict.fromkeys((path if path.is_dir() else path.parent).absolute() for path in paths))


def prove_tier(
    lanes: Iterable[Lane], settings: Settings, secrets: list[Path], *, protect: tuple[Path, ...] = ()
) -> Probe:
    """Probe what a box of this machine is worth, by attacking it.

    Args:
        lanes: The lanes that will use boxes.
        settings: Its `min_tier` counts, or else each lane's own default.
        secrets: Files that a box must not reach.
        protect: What the boxes of this session are told to hide; the probed one is of the same kind.

    Raises:
        TierError: if the tier found is weaker than a lane accepts; the message says what to do and what is lost.
    """
    from harness.sandbox.pool import BoxPool
    from harness.sandbox.probe import probe

    with BoxPool(protect=protect) as pool:
        found = probe(secrets, pool=pool)
    for lane in lanes:
        needed = settings.tier_for(lane.min_tier)
        if not found.tier.at_least(needed):
            raise TierError(f"{found.line()}: the lane {lane.name!r} needs tier {needed}", fix=found.advice(needed))
    return found


def project_root(path: Path) -> Path:
    """The nearest folder at or above a file that has a pyproject.toml, else the current one."""
    return next((folder for folder in path.parents if (folder / "pyproject.toml").is_file()), Path.cwd())


def scratch_folder() -> Path:
    """A folder for derived files that only this user can enter; shared by runs, and free to vanish."""
    folder = Path(tempfile.gettempdir()) / f"crucible-{os.geteuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        private = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
    except OSError:
        private = False
    # In a shared /tmp somebody else may have made it first, to read or to plant what lies there.
    return folder if private else Path(tempfile.mkdtemp(prefix="crucible-"))


def _find(path: Path, name: str, root: Path, registry: Registry, settings: Settings) -> Case:
    if not path.is_file():
        raise UsageError("there is no such suite file", where=str(path))
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
            f"the suite asks for {len(cases)} cases: {shown}", where=str(path), fix=f"say {path.name}::{names[0]}"
        )
    return next(iter(cases.values()))


def _summary(error: BaseException, lane: Lane) -> str:
    if isinstance(error, InfraError | SuiteError):
        return str(error).replace("\n  fix:", "; fix:")
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__][-FRAMES:]
    trail = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    first = str(error).partition("\n")[0]
    return f"the {lane.name} lane failed: {type(error).__name__}: {first} (at {trail})"
