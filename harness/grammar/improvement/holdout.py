"""Hold-out: what files that decided nothing say of an improved grammar."""

from __future__ import annotations

from collections.abc import Iterator

from harness.grammar.measurement import Measured

MEMORISED_SHARE = 0.2  # share of the score on the samples that the hold-out may miss without a warning
MAX_WARNED = 5  # fields that a warning names


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
