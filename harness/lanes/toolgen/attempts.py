"""Attempts: the seeded repetitions of one case and their verdict."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from harness.core.clip import clip
from harness.core.evidence import Counterexample
from harness.core.status import Status, first_of
from harness.lanes.toolgen.attempt import Between, run_attempt
from harness.lanes.toolgen.disagreement import ask_once, depends_on_other_questions, find_disagreement, seal_answers
from harness.lanes.toolgen.documentation import DocExample
from harness.lanes.toolgen.outcome import Outcome
from harness.lanes.toolgen.plan import Plan
from harness.lanes.toolgen.questions import Questions, right_alone
from harness.lanes.toolgen.shown_value import show_json
from harness.lanes.toolgen.wrong_answer import WrongAnswer, describe_reply, format_arguments, wrong_answer
from harness.sandbox.fault import BoxFault
from harness.sandbox.polled_box import PolledBox
from harness.sandbox.pool import BoxPool

STATE = "right alone, wrong after another question"


class Attempts:
    """Runs the attempts of one case, one after the other.

    Args:
        plan: How the candidate is asked; it has one hash seed per attempt.

    Attributes:
        outcomes: The observations so far, one per attempt.
        split: The first question to which attempts replied differently; None without one.
    """

    def __init__(self, pool: BoxPool, questions: Questions, plan: Plan) -> None:
        self._pool, self._questions, self._plan = pool, questions, plan
        self.outcomes: list[Outcome] = []
        self.split: WrongAnswer | None = None
        self._split_seeds = (0, 0)  # hash seeds of the attempts that disagree

    async def run(
        self,
        doc_examples: tuple[DocExample, ...],
        ask_more: Callable[[PolledBox], Awaitable[None]],
        *,
        between: Between | None = None,
        timed: int = 0,
    ) -> tuple[Status, str]:
        """Run the attempts; returns the verdict and its reason.

        Args:
            doc_examples: Examples of the docstrings, for the first attempt.
            ask_more: Is given the box of the last attempt if all answers are right so far.
            between: Is given the box of each of the last `timed` attempts at some moment, unless one before it failed.
            timed: Number of attempts for `between`.

        Raises:
            SpecError: if the oracle fails.
            InfraError: if no box can be opened.
        """

        async def afterwards(box: PolledBox, outcome: Outcome) -> None:
            seal_answers(self._questions, [*self.outcomes, outcome], plan.answers.unanswered)
            if all((one.status, one.answers) == (Status.OK, outcome.answers) for one in (*self.outcomes, outcome)):
                await ask_more(box)

        plan = self._plan
        count = len(plan.hash_seeds)
        for index in range(count):
            is_timed = index >= count - timed and all(one.status is Status.OK for one in self.outcomes)
            outcome = await run_attempt(
                self._pool,
                self._questions,
                plan,
                index,
                doc_examples=doc_examples if index == 0 else (),
                between=between if is_timed else None,
                afterwards=afterwards if index == count - 1 else None,
            )
            self.outcomes.append(outcome)
            if index:
                if self.split is None:
                    self.split = find_disagreement(plan.entry, self._questions, self.outcomes[0], outcome)
                    self._split_seeds = self.outcomes[0].hash_seed, outcome.hash_seed
                outcome.replies.clear()
            last = [one.fault.status if one.fault else None for one in self.outcomes[-2:]]
            if len(last) == 2 and last[0] is not None and last[0] is last[1]:
                break  # two boxes with the same fault decide the verdict; each may have used a whole time budget
            if not plan.is_full and outcome.status is Status.WRONG:
                break  # the question is asked again with the other hash seeds
        seal_answers(self._questions, self.outcomes, plan.answers.unanswered)
        return await self._verdict()

    @property
    def worst(self) -> WrongAnswer | None:
        """The wrong answer with the shortest question, since it is shown in the report; None if all are right."""
        found = [wrong for outcome in self.outcomes for wrong in outcome.wrong]
        return min(found, key=lambda wrong: (len(wrong.key), wrong.key), default=None)

    def counterexample(self, status: Status, timed: Sequence[WrongAnswer]) -> Counterexample | None:
        """The question that shows best why the verdict is what it is, with both answers.

        It is the one on which attempts disagree, else the wrong answer with the shortest question, else the one that
        was asked when a box failed.

        Args:
            timed: Wrong answers while the candidate was timed.
        """
        if status in (Status.WRONG, Status.FLAKY):
            found = [*([self.worst] if self.worst else []), *(timed if status is Status.WRONG else ())]
            shown = self.split or min(found, key=lambda wrong: (len(wrong.key), wrong.key), default=None)
            if shown is not None:
                return Counterexample(question=show_json(shown.key), expected=shown.expected, observed=shown.observed)
        for outcome in self.outcomes:
            if outcome.fault is not None and outcome.fault.status is status and outcome.fault_question:
                asked = show_json(outcome.fault_question)
                return Counterexample(question=asked, expected="an answer", observed=outcome.fault.why)
        return None

    async def _verdict(self) -> tuple[Status, str]:
        outcomes, plan = self.outcomes, self._plan
        # An attempt that ended at a wrong extra answer has no digest, and nothing that the others disagree with.
        whole = [one for one in outcomes if one.answers or one.shared_status is not Status.OK] or outcomes
        seen = {(outcome.shared_status, outcome.answers) for outcome in whole}
        statuses = {status for status, _ in seen}
        if len(seen) > 1 and (Status.OK in statuses or statuses == {Status.WRONG}):
            return await self._disagreement()
        status = first_of(statuses)
        if status is Status.OK:
            return await self._replay_extras()
        guilty = next(outcome for outcome in outcomes if outcome.shared_status is status)
        if guilty.fault is None:
            if not plan.is_full and (found := await self._replay_wrong(guilty)):
                return found
            wrong = guilty.total - guilty.right
            which = f" of attempt {guilty.index}" if len(outcomes) > 1 else ""
            of = f"{wrong} of {guilty.total} answers{which} are wrong; " if plan.is_full else ""
            worst = self.worst
            return status, clip(f"{of}{worst.sentence if worst else guilty.why}")
        asked = f", asked {plan.entry}({format_arguments(guilty.fault_question)})" if guilty.fault_question else ""
        return status, clip(f"{guilty.fault.why}{asked}")

    async def _replay_wrong(self, guilty: Outcome) -> tuple[Status, str] | None:
        """Ask the question that ended the case once with each other hash seed; the verdict if the attempts disagree."""
        key, questions, plan = guilty.wrong[0].key, self._questions, self._plan
        question = next((one for one in questions.shared if one.key == key), None)
        if question is None:  # a property
            return None
        for seed in plan.hash_seeds:
            if seed == guilty.hash_seed:
                continue
            reply = await ask_once(self._pool, plan, question, seed)
            if isinstance(reply, BoxFault) or await right_alone(questions, question, reply):
                if await depends_on_other_questions(self._pool, questions, plan, key, (guilty.hash_seed, seed)):
                    return Status.WRONG, clip(f"{STATE}: {guilty.wrong[0].sentence}")
                observed = reply.why if isinstance(reply, BoxFault) else describe_reply(reply)
                said = f"with hash seed {guilty.hash_seed}; alone with hash seed {seed} it {observed}"
                return Status.FLAKY, clip(f"attempts disagree: {guilty.wrong[0].reply_first(plan.entry, said)}")
        return None

    async def _replay_extras(self) -> tuple[Status, str]:
        """Ask the other attempts a question that one attempt answered wrongly: wrong everywhere, or flaky."""
        plan = self._plan
        for outcome in self.outcomes:
            for question, reply in outcome.wrong_extras[:1]:
                others = [other for other in self.outcomes if other is not outcome]
                replies = [await ask_once(self._pool, plan, question, other.hash_seed) for other in others]
                wrong = wrong_answer(plan.entry, question, reply)
                outcome.wrong.append(wrong)
                same = [plan.answers.agree(question.key, reply, one) for one in replies]
                if not all(same):
                    said = wrong.reply_first(plan.entry, f"with hash seed {outcome.hash_seed}")
                    return Status.FLAKY, clip(f"attempts disagree: {said}")
                for other in others:
                    other.wrong.append(wrong)
                    other.total += 1
                return Status.WRONG, wrong.sentence
        return Status.OK, ""

    async def _disagreement(self) -> tuple[Status, str]:
        split = self.split
        if split is not None:
            if await depends_on_other_questions(self._pool, self._questions, self._plan, split.key, self._split_seeds):
                return Status.WRONG, clip(f"{STATE}: {split.sentence}")
            return Status.FLAKY, clip(f"attempts disagree: {split.sentence}")
        first = self.outcomes[0]
        other = next(
            one for one in self.outcomes if (one.shared_status, one.answers) != (first.shared_status, first.answers)
        )
        sides = [
            f"with hash seed {one.hash_seed} {one.shared_status}" + (f" ({one.why})" if one.why else "")
            for one in (first, other)
        ]
        return Status.FLAKY, clip(f"attempts disagree: {sides[0]}, {sides[1]}")
