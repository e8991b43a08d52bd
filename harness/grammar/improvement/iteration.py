"""Iteration: propose patches, apply and score them, keep the best; until no patch improves the score."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from harness.core.errors import InfraError
from harness.grammar.engine.limits import Limits
from harness.grammar.improvement.leave_one_out import leave_one_out_score
from harness.grammar.improvement.proposer import Proposer, Situation
from harness.grammar.language.grammar import Grammar
from harness.grammar.language.lint import lint_text
from harness.grammar.measurement import Measured, Samples, measure
from harness.grammar.version import SpecStore, SpecVersion

MIN_GAIN = 1e-6
LIMITS = Limits(seconds=10.0)


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
    with more faults than before. The hold-out never decides: it is scored once before and once after the loop.

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
    fault = ""
    for number in range(1, max_iterations + 1):
        before, validated = found, leave_one_out_score(found, samples)
        top = (found.explanation.score + validated) / 2
        tried = rejected = 0
        kept: tuple[SpecVersion, Measured] | None = None
        description = ""
        try:
            proposed = proposer(Situation(best, samples.files, found, frozenset(refused)))
        except InfraError as error:
            if number == 1:
                raise
            fault = str(error)
            break
        for patch in proposed:
            if patch.digest in refused:
                continue
            refused.add(patch.digest)
            tried += 1
            result = store.apply_patch(best.id, patch)
            candidate = store.get(result.new_spec_id)
            if candidate is None:
                rejected += 1
                continue
            measured = measure(_grammar(candidate), samples, limits=limits)
            if measured.explanation.score <= before.explanation.score + MIN_GAIN or _breaks(before, measured):
                continue
            after = leave_one_out_score(measured, samples)
            merit = (measured.explanation.score + after) / 2
            # A patch that lowers the leave-one-out score would lower the score of unseen files too.
            if after >= validated - MIN_GAIN and merit > top + MIN_GAIN:
                kept, top, description = (candidate, measured), merit, patch.description
        if kept is not None:
            best, found = kept
            refused.clear()  # a patch that did not help the previous version may help this one
        score = 100 * found.explanation.score
        steps.append(Step(tried, rejected, best.id, score, description))
        if progress is not None:
            progress(f"round {number}: {score:.1f} of 100, {tried} patches tried; {description or 'nothing better'}")
        if kept is None:
            break
    return Improvement(
        store=store,
        initial=initial,
        best=best,
        initial_score=100 * first.explanation.score,
        best_score=100 * found.explanation.score,
        holdout_before=_holdout_score(_grammar(initial), first, holdout, limits),
        holdout_after=_holdout_score(_grammar(best), found, holdout, limits),
        steps=tuple(steps),
        fault=fault,
    )


def _holdout_score(
    grammar: Grammar, taught: Measured, holdout: Mapping[str, bytes] | None, limits: Limits
) -> float | None:
    if not holdout:
        return None
    return 100 * measure(grammar, Samples.of(holdout), limits=limits, fit=taught.fit).explanation.score


def _breaks(before: Measured, after: Measured) -> bool:
    return any(t.error_count > before.tallies[name].error_count for name, t in after.tallies.items())


def _grammar(version: SpecVersion) -> Grammar:
    found = lint_text(version.spec_text)
    if found.grammar is None:
        msg = f"the grammar does not pass lint: {found.errors[0]}"
        raise ValueError(msg)
    return found.grammar
