"""Leave-one-out validation: the score of each sample with codes learned from the other samples."""

from __future__ import annotations

from harness.grammar.explanation.explained_share import Explanation, explain_files
from harness.grammar.measurement import Measured, Samples


def left_out(found: Measured, samples: Samples, name: str) -> Explanation:
    """The explanation of one file with codes learned from the other files; no file is read again."""
    others = [tally for other, tally in found.tallies.items() if other != name]
    _, fit = explain_files(found.grammar, others, samples.alphabet)
    return explain_files(found.grammar, [found.tallies[name]], samples.alphabet, fit=fit)[0]


def without(found: Measured, samples: Samples, name: str) -> Measured:
    """A measurement without one of its files; no file is read again."""
    tallies = {other: tally for other, tally in found.tallies.items() if other != name}
    return Measured(found.grammar, tallies, *explain_files(found.grammar, list(tallies.values()), samples.alphabet))


def leave_one_out_score(found: Measured, samples: Samples) -> float:
    """The average score of each file with codes learned from the other files; it is low for an overfitted grammar.

    Args:
        found: The tallies of a grammar; no file is read again.
        samples: The files.

    Returns:
        Between 0 and 1; for a single file, its own score.
    """
    if len(found.tallies) < 2:
        return found.explanation.score
    return sum(left_out(found, samples, name).score for name in found.tallies) / len(found.tallies)
