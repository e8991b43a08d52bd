"""Iteration: propose, apply, measure, keep what explains more; until nothing does."""

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
        tried: Patches that were proposed and not seen before.
        rejected: Of these, how many do not apply or lint.
        version_id: The best version after it.
        score: Its score on the samples, 0 to 100.
        description: What the patch that was kept says of itself; empty if none was.
    """

    tried: int
    rejected: int
    version_id: str
    score: float
    description: str


@dataclass(frozen=True, slots=True)
class Improvement:
    """The outcome of a loop.

    Attributes:
        store: Every version that was made.
        initial: Where it began.
        best: The version that explains the samples best.
        initial_score: 0 to 100, on the samples.
        best_score: Likewise.
        holdout_before: The initial version's score on files that no proposer saw; None without such files.
        holdout_after: The best version's.
        steps: Iteration by iteration.
        fault: Why the proposer could not be asked again after it had been asked before; empty if it could.
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
    """Improve a grammar.

    A step is taken only if the samples are explained better, not worse by what the others of them teach, and no file is
    read with more errors than before. The hold-out decides nothing here: it is measured once before and once after, so
    that it stays what it is.

    Args:
        spec_text: The grammar to start from; it must pass lint.
        files: Samples by name.
        proposer: Who suggests patches.
        holdout: Files by name that the proposer does not get to see.
        max_iterations: The most rounds.
        limits: Of each reading.
        store: Where versions go; a new one by default.
        progress: Takes one short line for each round.

    Raises:
        ValueError: if the grammar does not pass lint, or there are no files.
        InfraError: if the proposer fails in the first round; later that ends the loop, and what was found is kept.
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
        before, told = found, leave_one_out_score(found, samples)
        top = (found.explanation.score + told) / 2
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
            ahead = leave_one_out_score(measured, samples)
            merit = (measured.explanation.score + ahead) / 2
            # What explains a file worse by what the others teach would do so for unseen files too.
            if ahead >= told - MIN_GAIN and merit > top + MIN_GAIN:
                kept, top, description = (candidate, measured), merit, patch.description
        if kept is not None:
            best, found = kept
            refused.clear()  # what did not help before may help now
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
