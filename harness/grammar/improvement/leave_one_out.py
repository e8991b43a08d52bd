"""Foretelling: how well each sample is explained by what the others teach, before any unseen file is asked."""

from __future__ import annotations

from harness.grammar.explanation.explained_share import explain, learn
from harness.grammar.measurement import Measured, Samples


def leave_one_out_score(found: Measured, samples: Samples) -> float:
    """How well each file is explained by what the others teach, on average: what only fits files by heart shows here.

    Args:
        found: What a grammar makes of the files; nothing is read again.
        samples: The files.

    Returns:
        Between 0 and 1; of a single file, what it teaches itself.
    """
    tallies = list(found.tallies.values())
    if len(tallies) < 2:
        return found.explanation.score
    total = 0.0
    for i, tally in enumerate(tallies):
        fit = learn(found.grammar, tallies[:i] + tallies[i + 1 :], samples.alphabet)
        total += explain(found.grammar, [tally], alphabet=samples.alphabet, fit=fit, held=True).score
    return total / len(tallies)
