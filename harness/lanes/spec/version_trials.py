"""Version trials: the improvement of a grammar in the ledger as trials of a search, one row for each version."""

from __future__ import annotations

from harness.core.trial import Trial
from harness.grammar.improvement.iteration import Improvement
from harness.ledger.store import Ledger
from harness.ledger.trials import record_search


def record_trials(ledger: Ledger, name: str, found: Improvement, *, operator: str) -> None:
    """Record an improvement as trials of a search: one row for each version.

    Args:
        ledger: Open for writing.
        name: The grammar's name.
        found: The improvement.
        operator: Who proposed.

    Raises:
        LedgerError: if the ledger cannot be written.
    """
    scores = {step.version_id: step.score for step in found.steps}
    scores |= {found.initial.id: found.initial_score, found.best.id: found.best_score}
    kept = set(found.store.get_lineage(found.best.id))
    generations: dict[str, int] = {}
    rows = []
    for number, version in enumerate(found.store):
        generation = generations[version.id] = generations.get(version.parent_id or "", -1) + 1
        score = scores.get(version.id)
        rows.append(
            Trial(
                number=number,
                generation=generation,
                epoch=0,
                suite=name,
                digest=version.id,
                parents=(version.parent_id,) if version.parent_id else (),
                operator=operator if version.parent_id else "start",
                stage="judged" if score is not None else "screen",
                status="ok",
                score=None if score is None else score / 100,
                passed=version.id in kept,
                verdict={"why": version.patch_applied.description if version.patch_applied else ""},
            )
        )
    config = {"start": found.initial.id, "operator": operator}
    texts = {version.id: version.spec_text for version in found.store}
    record_search(ledger, f"spec-{name}", lane="spec", config=config, trials=rows, texts=texts)
