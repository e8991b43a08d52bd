"""Provider proposals: whole sources from a model or a command, which sees the public specification only."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from harness.evolve.budgeted import Budgeted
from harness.judge.verdict import Verdict
from harness.lanes.toolgen.proposals.prompt import ROLE, feedback_of, prompt_for
from harness.repair.repairer import Proposer
from harness.repair.workbench import Workbench

TASK = "This version is wrong. Change as little as possible, so that it is right."


def proposer_for(provider: Budgeted) -> Callable[[Workbench], Proposer]:
    """The proposer of a provider; asked until its limits are reached.

    The prompt holds the tool as the search sees it, so no held-back example, and sentences about public examples.
    """

    def for_bench(bench: Workbench) -> Proposer:
        def propose(source: str, verdict: Verdict) -> Iterator[str]:
            tool, failures = bench.searched, [feedback_of(verdict.evaluation, is_screened=True)]
            # Calls are limited for each candidate, tokens for all of them.
            provider.calls = provider.failures = 0
            number = 0
            while not provider.refusal():
                number += 1
                prompt = prompt_for(tool, source, failures, task=TASK)
                found = provider.propose(prompt, ROLE, (), number=number, seed=number, entry=tool.signature.name)
                if found.fault:
                    continue
                yield found.text
                (seen,) = bench.screen([found.text])  # the pool remembers it
                failures.append(feedback_of(seen.evaluation, is_screened=True))

        return propose

    return for_bench
