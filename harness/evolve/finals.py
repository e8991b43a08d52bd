"""Finals: finalists are judged again on fresh inputs by the session's confirmation, and timed against a seed parent."""

from __future__ import annotations

from pathlib import Path

from harness.core.case import Subject
from harness.core.digest import digest_text
from harness.core.evaluation import Evaluation
from harness.core.opponent import Opponent
from harness.core.owned_folder import OwnedFolder
from harness.core.paired import Comparison
from harness.core.policy import Timing
from harness.core.stability import EVERYONE, FIRST_TEN, MIN_HASH_SEEDS, stability_of
from harness.judge.folders import scratch_folder
from harness.lane.context import Context
from harness.lane.protocol import Lane
from harness.session.confirmation import another_round


def confirm(
    before: Evaluation, source: str, *, seed_parent: str | None, lane: Lane, like: Context, secret_seed: int
) -> Evaluation:
    """The evaluation of a finalist after a further round on fresh inputs.

    Args:
        before: Its evaluation so far.
        source: Its source.
        seed_parent: The source that it is timed against; None to time nothing.
        lane: Its lane.
        like: A context with the isolation to use.
        secret_seed: Of the fresh inputs.
    """
    stability = stability_of(before.evidence)
    seeds = stability.hash_seeds or 0 if stability else 0
    with OwnedFolder("finals") as folder:
        subject = _kept(folder / "finalist.py", source)
        policy = before.case.policy
        opponents: tuple[Opponent, ...] = ()
        if seed_parent is not None:
            policy = policy.model_copy(update={"timing": Timing.EXACT})
            opponents = (Opponent(role="parent", subject=_kept(folder / "seed_parent.py", seed_parent)),)
        case = before.case.model_copy(
            update={"policy": policy, "subject": before.case.subject.model_copy(update={"path": subject.path})}
        )
        context = Context(
            secret_seed=secret_seed,
            scratch=scratch_folder(),
            tier=like.tier,
            protect=like.protect,
            opponents={case.nodeid: opponents},
            warm=FIRST_TEN,
        )
        try:
            return another_round(
                before.model_copy(update={"case": case}),
                lane,
                context,
                attempts=max(EVERYONE, MIN_HASH_SEEDS - seeds),
                remeasure=True,
            )
        finally:
            context.close()


def against_parent(evaluation: Evaluation) -> Comparison | None:
    """The comparison with the seed parent; None where there is none."""
    return next((one for one in evaluation.evidence.comparisons if one.role == "parent"), None)


def _kept(path: Path, source: str) -> Subject:
    path.write_text(source, encoding="utf-8", newline="")
    return Subject(name=path.stem, digest=digest_text(source), path=str(path))
