"""Validation of an improved grammar: by leaving out one sample, and by a hold-out that decides nothing."""

from __future__ import annotations

from collections.abc import Iterator

from harness.grammar.explanation.explained_share import Explanation, explain_files
from harness.grammar.measurement import Measured, Samples

MIN_LEFT_OUT_SHARE = 0.3  # share of the gain on the files that a proposer sees, at least, on the one that it does not
MIN_LEFT_OUT_FILES = 3  # minimum number of samples of which one is not shown to the proposer
MEMORISED_SHARE = 0.2  # share of the score on the samples that the hold-out may miss without a warning
MAX_WARNED = 5  # fields that a warning names


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

    Returns:
        Between 0 and 1; for a single file, its own score.
    """
    if len(found.tallies) < 2:
        return found.explanation.score
    return sum(left_out(found, samples, name).score for name in found.tallies) / len(found.tallies)


def choose_left_out(samples: Samples, number: int) -> str:
    """The file that is not shown in an iteration; empty if there are too few."""
    names = list(samples.files)
    return names[(number - 1) % len(names)] if len(names) >= MIN_LEFT_OUT_FILES else ""


def holds_on_left_out(before: Measured, after: Measured, samples: Samples, unseen: str) -> bool:
    """Whether a patch explains more of a file that its proposer did not see."""
    gain = left_out(after, samples, unseen).score - left_out(before, samples, unseen).score
    shown = without(after, samples, unseen).explanation.score - without(before, samples, unseen).explanation.score
    return gain >= MIN_LEFT_OUT_SHARE * max(0.0, shown)


def errors_of(found: Measured) -> tuple[str, ...]:
    """All errors, each with the name of its file."""
    return tuple(f"{name}: {error}" for name, tally in found.tallies.items() for error in tally.errors)


def find_memorised(taught: Measured, held: Measured) -> Iterator[str]:
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
