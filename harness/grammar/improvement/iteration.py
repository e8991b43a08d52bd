"""Iteration: propose patches, apply and score them, keep the best; until no patch improves the score."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.core.errors import InfraError
from harness.grammar.engine.limits import Limits
from harness.grammar.engine.tally import Tally
from harness.grammar.improvement.leave_one_out import leave_one_out_score, left_out, without
from harness.grammar.improvement.proposer import Proposer, Situation
from harness.grammar.language.grammar import Grammar
from harness.grammar.language.lint import lint_text
from harness.grammar.measurement import Measured, Samples, measure
from harness.grammar.patch import Patch
from harness.grammar.version import SpecStore, SpecVersion

MIN_GAIN = 1e-6
MIN_LEFT_OUT_SHARE = 0.3  # share of the gain on the files that a proposer sees, at least, on the one that it does not
MIN_LEFT_OUT_FILES = 3  # minimum number of samples of which one is not shown to the proposer
LIMITS = Limits(seconds=10.0)
MEMORISED_SHARE = 0.2  # share of the score on the samples that the hold-out may miss without a warning
MAX_WARNED = 5  # fields that a warning names


@dataclass(frozen=True, slots=True)
class Step:
    """One iteration.

    Attributes:
        tried: Number of proposed patches that were new.
        rejected: Number of these that do not apply or do not pass lint.
        version_id: The best version after the iteration.
        score: Score of that version on the samples, 0 to 100.
        description: Description of the patch that was kept; empty without one.
    """

    tried: int
    rejected: int
    version_id: str
    score: float
    description: str


@dataclass(frozen=True, slots=True)
class Improvement:
    """The result of `improve_spec`.

    Attributes:
        store: All versions.
        initial: The version of the start.
        best: The version with the best score on the samples.
        initial_score: Score of `initial` on the samples, 0 to 100.
        best_score: Score of `best` on the samples, 0 to 100.
        holdout_before: Score of `initial` on the hold-out files; None without such files.
        holdout_after: Score of `best` on the hold-out files.
        holdout_errors: Errors in the hold-out files by `best`, each with the name of its file.
        warnings: Where `best` explains the samples much better than the hold-out.
        steps: One entry per iteration.
        fault: The error of the proposer that ended the loop after the first iteration; empty without one.
    """

    store: SpecStore
    initial: SpecVersion
    best: SpecVersion
    initial_score: float
    best_score: float
    holdout_before: float | None = None
    holdout_after: float | None = None
    holdout_errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    steps: tuple[Step, ...] = field(default=())
    fault: str = ""


def improve_spec(
    spec_text: str,
    files: Mapping[str, bytes],
    proposer: Proposer,
    *,
    holdout: Mapping[str, bytes] | None = None,
    max_iterations: int = 10,
    limits: Limits = LIMITS,
    store: SpecStore | None = None,
    progress: Callable[[str], None] | None = None,
) -> Improvement:
    """Improve a grammar by patches.

    A patch is kept only if the score on the samples rises, the leave-one-out score does not fall, and no file is read
    with more faults than before, a cut-off tail apart. From three samples on, one of them, another in each iteration,
    is not shown to the proposer, and a patch is kept only if it explains more of that file too. The hold-out never
    decides: it is scored once before and once after the loop.

    Args:
        spec_text: The grammar to start from; it must pass lint.
        files: Samples by name.
        proposer: Proposes patches.
        holdout: Files by name that the proposer does not see.
        max_iterations: Maximum number of iterations.
        limits: Limits of each reading.
        store: Receives the versions; a new store by default.
        progress: Receives one line per iteration.

    Raises:
        ValueError: if the grammar does not pass lint, or there are no files.
        InfraError: if the proposer fails in the first iteration; a later failure ends the loop and keeps its result.
    """
    store = store or SpecStore()
    samples = Samples.of(files)
    initial = store.create_initial(spec_text)
    best, grammar = initial, _grammar(initial)
    if not samples.files:
        msg = "there are no files to improve the grammar on"
        raise ValueError(msg)
    first = found = measure(grammar, samples, limits=limits)
    steps: list[Step] = []
    refused: set[str] = set()
    fault, idle = "", 0
    for number in range(1, max_iterations + 1):
        unseen = _left_out(samples, number)
        shown = without(found, samples, unseen) if unseen else found
        seen = {name: data for name, data in samples.files.items() if name != unseen}
        try:
            proposed = proposer(Situation(best, seen, shown, frozenset(refused)))
        except InfraError as error:
            if number == 1:
                raise
            fault = str(error)
            break
        new = [patch for patch in proposed if patch.digest not in refused]
        trial = _try_patches(store, best, found, new, samples, limits=limits, unseen=unseen)
        refused.update(patch.digest for patch in proposed)
        if trial.kept is not None:
            best, found = trial.kept
            refused.clear()  # a patch that did not help the previous version may help this one
        score = 100 * found.explanation.score
        steps.append(Step(trial.tried, trial.rejected, best.id, score, trial.description))
        if progress is not None:
            what = trial.description or "nothing better"
            progress(f"round {number}: {score:.1f} of 100, {trial.tried} patches tried; {what}")
        idle = 0 if trial.kept is not None else idle + 1
        if idle == (len(samples.files) if unseen else 1):
            break  # each of the samples was left out once
    taught = measure(_grammar(best), Samples.of(holdout), limits=limits, fit=found.fit) if holdout else None
    return Improvement(
        store=store,
        initial=initial,
        best=best,
        initial_score=100 * first.explanation.score,
        best_score=100 * found.explanation.score,
        holdout_before=_holdout_score(_grammar(initial), first, holdout, limits),
        holdout_after=None if taught is None else 100 * taught.explanation.score,
        holdout_errors=() if taught is None else _errors(taught),
        warnings=() if taught is None else tuple(_memorised(found, taught)),
        steps=tuple(steps),
        fault=fault,
    )


@dataclass(slots=True)
class _Trial:
    """The patches of one iteration: how many were tried and rejected, and the best one that was kept."""

    tried: int = 0
    rejected: int = 0
    kept: tuple[SpecVersion, Measured] | None = None
    description: str = ""


def _try_patches(
    store: SpecStore,
    best: SpecVersion,
    before: Measured,
    patches: Sequence[Patch],
    samples: Samples,
    *,
    limits: Limits,
    unseen: str,
) -> _Trial:
    """Apply patches to the best version, and find the one of the highest merit among those that may be kept."""
    trial, validated = _Trial(), leave_one_out_score(before, samples)
    top = (before.explanation.score + validated) / 2
    for patch in {patch.digest: patch for patch in patches}.values():
        trial.tried += 1
        result = store.apply_patch(best.id, patch)
        candidate = store.get(result.new_spec_id)
        if candidate is None:
            trial.rejected += 1
            continue
        measured = measure(_grammar(candidate), samples, limits=limits)
        if measured.explanation.score <= before.explanation.score + MIN_GAIN or _breaks(before, measured):
            continue
        if unseen and not _holds(before, measured, samples, unseen):
            continue
        after = leave_one_out_score(measured, samples)
        merit = (measured.explanation.score + after) / 2
        # A patch that lowers the leave-one-out score would lower the score of unseen files too.
        if after >= validated - MIN_GAIN and merit > top + MIN_GAIN:
            trial.kept, top, trial.description = (candidate, measured), merit, patch.description
    return trial


def _holdout_score(
    grammar: Grammar, taught: Measured, holdout: Mapping[str, bytes] | None, limits: Limits
) -> float | None:
    if not holdout:
        return None
    return 100 * measure(grammar, Samples.of(holdout), limits=limits, fit=taught.fit).explanation.score


def _left_out(samples: Samples, number: int) -> str:
    """The file that is not shown in an iteration; empty if there are too few."""
    names = list(samples.files)
    return names[(number - 1) % len(names)] if len(names) >= MIN_LEFT_OUT_FILES else ""


def _holds(before: Measured, after: Measured, samples: Samples, unseen: str) -> bool:
    """Whether a patch explains more of a file that its proposer did not see."""
    gain = left_out(after, samples, unseen).score - left_out(before, samples, unseen).score
    shown = without(after, samples, unseen).explanation.score - without(before, samples, unseen).explanation.score
    return gain >= MIN_LEFT_OUT_SHARE * max(0.0, shown)


def _errors(found: Measured) -> tuple[str, ...]:
    return tuple(f"{name}: {error}" for name, tally in found.tallies.items() for error in tally.errors)


def _memorised(taught: Measured, held: Measured) -> Iterator[str]:
    """Sentences about the fields that explain much less of the hold-out than of the samples."""
    lost = taught.explanation.score - held.explanation.score
    if lost <= MEMORISED_SHARE * taught.explanation.score:
        return
    yield (
        f"the grammar explains {100 * taught.explanation.score:.1f} % of the samples and "
        f"{100 * held.explanation.score:.1f} % of the hold-out: constants of the samples beat the grammar"
    )
    after = {(credit.type, credit.name): credit for credit in held.explanation.credits}
    found = []
    for credit in taught.explanation.credits:
        other = after[credit.type, credit.name]
        share = credit.weight * credit.credit / max(1.0, taught.explanation.bytes)
        now = other.weight * other.credit / max(1.0, held.explanation.bytes)
        found.append((share - now, credit, other))
    for worse, credit, other in sorted(found, key=lambda entry: -entry[0])[:MAX_WARNED]:
        if worse > 0.01:
            yield (
                f"{credit.type}.{credit.name} explains {credit.weight * credit.credit:.0f} bytes of the samples, "
                f"{other.weight * other.credit:.0f} of the hold-out"
            )


def _breaks(before: Measured, after: Measured) -> bool:
    return any(_faults(tally) > _faults(before.tallies[name]) for name, tally in after.tallies.items())


def _faults(tally: Tally) -> int:
    """Number of errors other than a cut-off tail."""
    return tally.error_count - sum(error.is_cut_off(tally.size) for error in tally.errors)


def _grammar(version: SpecVersion) -> Grammar:
    found = lint_text(version.spec_text)
    if found.grammar is None:
        msg = f"the grammar does not pass lint: {found.errors[0]}"
        raise ValueError(msg)
    return found.grammar
