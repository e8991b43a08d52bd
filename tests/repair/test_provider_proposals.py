"""A model or a command as the last resort: limits, nonsense, and what it is told."""

from __future__ import annotations

import pytest

from harness.evolve.budgeted import Budgeted
from harness.evolve.config import Proposer
from harness.ledger.handoffs import EXHAUSTED, REPAIRED
from harness.providers.fault import ProviderError
from harness.providers.question import Reply
from harness.repair.provider_proposals import proposer_for
from harness.repair.repairer import repair
from tests.repair.conftest import GOOD, HOPELESS

pytestmark = pytest.mark.usefixtures("_no_edits")


class Scripted:
    """Answers in order, then fails."""

    name = "script"

    def __init__(self, *answers: str | Exception | None) -> None:
        self.answers, self.prompts = list(answers), []

    def answer(self, question):
        self.prompts.append(question.prompt)
        found = self.answers.pop(0) if self.answers else ProviderError("it has ended")
        if isinstance(found, Exception):
            raise found
        return None if found is None else Reply(text=found, provider="script", tokens=100)


def budgeted(provider, **limits) -> Budgeted:
    return Budgeted(Proposer(kind="model", **{"max_calls": 4, **limits}), provider)


def test_the_code_of_a_reply_is_judged_like_any_proposal(bench):
    provider = Scripted("I would try this:\n```python\ndef describe(**_):\n    return 1\n```\n", f"```\n{GOOD}```")
    found = repair(bench, HOPELESS, seconds=300, proposer=proposer_for(budgeted(provider))(bench))
    assert (found.state, found.strategy, found.source) == (REPAIRED, "provider", GOOD.encode())
    assert "This version is wrong" in provider.prompts[0]
    assert "- wrong: describe(" in provider.prompts[1]


@pytest.mark.parametrize(
    "answers",
    [("Sorry, I cannot.",), ("x" * 10_000_000,), (None, None, None), ("",), ("\x00\ud800",),
     (ProviderError("no answer in 120 s"),) * 3, ("```python\n" * 5_000,)],
    ids=["prose", "10 MB", "never", "empty", "no text", "late", "fences"],
)  # fmt: skip
def test_nonsense_is_no_repair(bench, answers):
    provider = Scripted(*answers)
    found = repair(bench, HOPELESS, seconds=300, proposer=proposer_for(budgeted(provider))(bench))
    assert (found.state, found.source) == (EXHAUSTED, None)
    assert len(provider.prompts) <= 4


def test_limits_are_kept_before_they_are_reached(bench):
    provider = Scripted(*[f"def describe(**_):\n    return {number}\n" for number in range(20)])
    limited = budgeted(provider, max_calls=3)
    for _ in range(2):
        repair(bench, HOPELESS, seconds=300, proposer=proposer_for(limited)(bench))
    assert len(provider.prompts) == 6
    limited = budgeted(provider, max_calls=100, max_tokens=250, tokens_per_call=100)
    repair(bench, HOPELESS, seconds=300, proposer=proposer_for(limited)(bench))
    assert len(provider.prompts) == 8


def test_a_prompt_has_no_held_back_example(examples_bench):
    provider = Scripted("def double(n):\n    return 2 * n\n")
    hopeless = b"def double(n):\n    return ''\n"
    found = repair(examples_bench, hopeless, seconds=300, proposer=proposer_for(budgeted(provider))(examples_bench))
    assert found.state == REPAIRED
    assert "-8" in provider.prompts[0]
    assert '"n": 5' not in provider.prompts[0]
    assert '"n": 7' not in provider.prompts[0]
