"""Iteration: the improvement of a grammar by patches, as a search of `harness.sweep.loop`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.core.errors import InfraError
from harness.core.trial import Trial, changed
from harness.grammar.engine.limits import Limits
from harness.grammar.engine.tally import Tally
from harness.grammar.improvement.proposer import Proposer, Situation
from harness.grammar.improvement.validation import (
    choose_left_out,
    errors_of,
    find_memorised,
    holds_on_left_out,
    leave_one_out_score,
    without,
)
from harness.grammar.language.grammar import Grammar
from harness.grammar.language.lint import lint_text
from harness.grammar.measurement import Measured, Samples, measure
from harness.grammar.patch import read_patch
from harness.grammar.version import ID_DIGITS, SpecStore, SpecVersion
from harness.sweep import loop

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
        initial_score: Score of `initial` on the samples, 0 to 100.
        best_score: Score of `best` on the samples, 0 to 100.
        holdout_before: Score of `initial` on the hold-out files; None without such files.
        holdout_after: Score of `best` on the hold-out files.
        holdout_errors: Errors in the hold-out files by `best`, each with the name of its file.
        warnings: Where `best` explains the samples much better than the hold-out.
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
        holdout: Files by name that the proposer does not see.
        store: Receives the versions; a new store by default.

    Raises:
        ValueError: if the grammar does not pass lint, or there are no files.
        InfraError: if the proposer fails in the first iteration; a later failure ends the loop and keeps its result.
    """
    climb = GrammarClimb(spec_text, files, proposer, holdout=holdout, limits=limits, store=store, progress=progress)
    return climb.run(loop.Kept(), max_iterations)


class GrammarClimb:
    """An improvement as a `harness.sweep.loop.Searched`.

    Generation 0 is the start. The proposals of each further one are the new patches that the proposer has for the best
    version so far.

    Args:
        spec_text: As for `improve_spec`, like the arguments that are not named here.
        files, proposer: As for `improve_spec`.
        operator: Who proposes, for rows.

    Attributes:
        judged: The measurement of each version of the current generation, by its id.

    Raises:
        ValueError: if the grammar does not pass lint, or there are no files.
    """

    def __init__(
        self,
        spec_text: str,
        files: Mapping[str, bytes],
        proposer: Proposer,
        *,
        holdout: Mapping[str, bytes] | None = None,
        limits: Limits = LIMITS,
        store: SpecStore | None = None,
        progress: Callable[[str], None] | None = None,
        name: str = "grammar",
        operator: str = "built-in",
    ) -> None:
        self.store = store or SpecStore()
        self._initial = self.best = self.store.create_initial(spec_text)
        grammar = _grammar(self._initial)
        self._samples, self._holdout, self._limits = Samples.of(files), holdout, limits
        if not self._samples.files:
            msg = "no files to improve the grammar on"
            raise ValueError(msg)
        self._proposer, self._progress, self._name, self._operator = proposer, progress, name, operator
        self.first = self._found = measure(grammar, self._samples, limits=limits)
        self._validated = leave_one_out_score(self.first, self._samples)
        self.judged: dict[str, Measured] = {}
        self.steps: list[Step] = []
        self._refused: set[str] = set()
        self._idle = 0

    def run(self, rows: loop.Rows, max_iterations: int) -> Improvement:
        """Improve until no patch helps, the proposer fails, or `max_iterations` are made.

        Raises:
            InfraError: if the proposer fails in the first iteration.
        """
        ended = loop.run(self, rows, loop.Limits(max_iterations + 1, patience=self.patience))
        if ended.fault is not None and not self.steps:
            raise ended.fault
        return self.result(fault="" if ended.fault is None else ended.reason)

    @property
    def patience(self) -> int:
        """Iterations without a better version after which none is to be expected: each sample was left out once."""
        return len(self._samples.files) if choose_left_out(self._samples, 1) else 1

    def propose(self, generation: int, book: loop.Book) -> list[Trial]:
        """The start, or the new patches of the proposer, each applied to the best version."""
        found = book.proposed(generation)
        if found:  # the versions follow from their rows
            for patch in (read_patch(one.verdict["patch"]) for one in found if "patch" in one.verdict):
                self.store.apply_patch(self.best.id, patch)
                self._refused.add(patch.digest)
            return found
        if generation == 0:
            found = [book.proposal(0, self._name, self._initial.id, operator=loop.START)]
            book.add(found, {self._initial.id: self._initial.spec_text})
            return found
        unseen = choose_left_out(self._samples, generation)
        shown = without(self._found, self._samples, unseen) if unseen else self._found
        seen = {name: data for name, data in self._samples.files.items() if name != unseen}
        proposed = self._proposer(Situation(self.best, seen, shown, frozenset(self._refused)))
        texts: dict[str, str | bytes] = {}
        for patch in {patch.digest: patch for patch in proposed if patch.digest not in self._refused}.values():
            result = self.store.apply_patch(self.best.id, patch)
            version = self.store.get(result.new_spec_id)
            verdict = {"patch": patch.to_wire(), "why": patch.description}
            if version is None:
                verdict["why"] = "; ".join(result.errors)
            else:
                texts[version.id] = version.spec_text
            found.append(
                book.proposal(
                    generation,
                    self._name,
                    patch.digest[:ID_DIGITS] if version is None else version.id,
                    operator=self._operator,
                    parents=(self.best.id,),
                    normal_form=patch.digest,
                    verdict=verdict,
                )
            )
        if not found:
            return book.add_empty_reply(generation, self._name, operator=self._operator)
        self._refused.update(patch.digest for patch in proposed)
        book.add(found, texts)
        return found

    def judge(self, trials: Sequence[Trial], book: loop.Book) -> None:
        """Read the samples with each version; it passes if it may be kept."""
        for trial in trials:
            book.kept.complete([self._judge(trial)])

    def absorb(self, generation: int, trials: Sequence[Trial], book: loop.Book) -> int:
        """Keep the version of the highest merit among those that may be kept."""
        if generation == 0:
            return 0
        kept: Trial | None = None
        top = (self._found.explanation.score + self._validated) / 2
        for trial in trials:
            if trial.passed and trial.verdict["merit"] > top + MIN_GAIN:
                kept, top = trial, trial.verdict["merit"]
        self._idle += 1
        if kept is not None:
            best = self.store.get(kept.digest)
            if best is None:
                raise InfraError("a version of an earlier process cannot be made again", where=kept.digest)
            found = self.judged.get(best.id)
            self.best, self._idle = best, 0
            self._found = found or measure(_grammar(best), self._samples, limits=self._limits)
            self._validated = leave_one_out_score(self._found, self._samples)
            self._refused.clear()  # a patch that did not help the previous version may help this one
        self.judged.clear()
        score, description = 100 * self._found.explanation.score, kept.verdict["why"] if kept is not None else ""
        rejected = sum(trial.stage == "parse" for trial in trials)
        tried = sum("patch" in trial.verdict for trial in trials)
        self.steps.append(Step(tried, rejected, self.best.id, score, description))
        if self._progress is not None:
            what = description or "nothing better"
            self._progress(f"round {generation}: {score:.1f} of 100, {tried} patches tried; {what}")
        return self._idle

    def result(self, *, fault: str = "") -> Improvement:
        """The result so far; the hold-out is read now.

        Args:
            fault: The error of the proposer that ended the loop.
        """
        found, held = self._found, Samples.of(self._holdout or {})

        def read(version: SpecVersion, like: Measured) -> Measured | None:
            return measure(_grammar(version), held, limits=self._limits, fit=like.fit) if held.files else None

        untaught, taught = read(self._initial, self.first), read(self.best, found)
        return Improvement(
            store=self.store,
            initial=self._initial,
            best=self.best,
            initial_score=100 * self.first.explanation.score,
            best_score=100 * found.explanation.score,
            holdout_before=None if untaught is None else 100 * untaught.explanation.score,
            holdout_after=None if taught is None else 100 * taught.explanation.score,
            holdout_errors=() if taught is None else errors_of(taught),
            warnings=() if taught is None else tuple(find_memorised(found, taught)),
            steps=tuple(self.steps),
            fault=fault,
        )

    def _judge(self, trial: Trial) -> Trial:
        version = self.store.get(trial.digest)
        if version is None:
            return changed(trial, stage="parse", status="wrong", passed=False)
        if trial.operator == loop.START:
            self.judged[version.id] = self.first
            share = self.first.explanation.score
            return changed(
                trial, stage="judged", status="ok", passed=True, score=share, verdict={**trial.verdict, "merit": share}
            )
        started = time.perf_counter()
        before, samples, unseen = self._found, self._samples, choose_left_out(self._samples, trial.generation)
        found = self.judged[version.id] = measure(_grammar(version), samples, limits=self._limits)
        why, merit = "", 0.0
        if found.explanation.score <= before.explanation.score + MIN_GAIN:
            why = "it explains no more of the samples"
        elif _breaks(before, found):
            why = "a sample is read with more faults than before"
        elif unseen and not holds_on_left_out(before, found, samples, unseen):
            why = "it explains no more of a sample that the proposer did not see"
        else:
            after = leave_one_out_score(found, samples)
            merit = (found.explanation.score + after) / 2
            if after < self._validated - MIN_GAIN:  # it would lower the score of unseen files too
                why = "it explains less of each sample by what the others teach"
        return changed(
            trial,
            stage="judged",
            status="wrong" if why else "ok",
            passed=not why,
            score=found.explanation.score,
            verdict={**trial.verdict, "why": why or trial.verdict["why"], "merit": merit},
            seconds=time.perf_counter() - started,
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
