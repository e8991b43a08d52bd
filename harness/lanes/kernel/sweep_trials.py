"""Sweep trials: a sweep in the ledger as trials of a search, one row for each configuration."""

from __future__ import annotations

from harness.core.digest import digest_bytes, digest_json
from harness.core.trial import Trial
from harness.lanes.kernel.swept import Sweep, Tried
from harness.ledger.store import Ledger
from harness.ledger.trials import record_search


def record_sweep(ledger: Ledger, found: Sweep) -> None:
    """Record a sweep; a later one of the same kernel, size and card replaces it.

    Args:
        ledger: Open for writing.
        found: The sweep.

    Raises:
        LedgerError: if the ledger cannot be written.
    """
    about = found.subject
    kernel = digest_bytes(about.candidate.source)
    name = about.candidate.path.stem
    rows = [_trial(number, one, kernel, suite=name) for number, one in enumerate(found.tried)]
    config = {**about.basis, "device": about.device.name}
    record_search(ledger, f"kernel-{name}", lane="kernel", config=config, trials=rows)


def _trial(number: int, one: Tried, kernel: str, *, suite: str) -> Trial:
    """A configuration that cannot run ends at the stage `gate`, a predicted one at `screen`, a measured one later."""
    measured = one.measured
    if not one.feasible:
        stage, status, why = "gate", "crash", one.compiled.fault
    elif measured is None:
        stage, status, why = "screen", "skipped", "not measured"
    else:
        stage, status, why = "judged", measured.status, measured.why
    predicted = one.prediction
    return Trial(
        number=number,
        generation=0,
        epoch=0,
        suite=suite,
        digest=digest_json([kernel, dict(one.configuration)]),
        parents=(kernel,),
        operator="space",
        stage=stage,
        status=status,
        passed=None if stage == "screen" else one.milliseconds is not None,
        verdict={
            "why": why,
            "configuration": dict(one.configuration),
            "milliseconds": one.milliseconds,
            "predicted_ms": None if predicted is None else predicted.seconds * 1e3,
            "speed_up": None if measured is None else measured.value,
        },
    )
