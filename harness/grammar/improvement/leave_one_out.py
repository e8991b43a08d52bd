"""Leave-one-out validation: the score of each sample with codes learned from the other samples."""

from __future__ import annotations

from harness.grammar.explanation.explained_share import explain, learn
from harness.grammar.measurement import Measured, Samples


def leave_one_out_score(found: Measured, samples: Samples) -> float:
    """The average score of each file with codes learned from the other files; it is low for an overfitted grammar.

    Args:
        found: The tallies of a grammar; no file is read again.
        samples: The files.

    Returns:
        Between 0 and 1; for a single file, its own score.
    """
    tallies = list(found.tallies.values())
    if len(tallies) < 2:
        return found.explanation.score
    total = 0.0
    for i, tally in enumerate(tallies):
        fit = learn(found.grammar, tallies[:i] + tallies[i + 1 :], samples.alphabet)
        total += explain(found.grammar, [tally], histogram=samples.alphabet, fit=fit, held=True).score
    return total / len(tallies)
