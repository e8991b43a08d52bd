"""One candidate: what is repaired, what is not, and what is not believed."""

from __future__ import annotations

import pytest

from harness.ledger.handoffs import REPAIRED
from harness.repair.repairer import repair
from tests.repair.conftest import FAULTS, with_fault


@pytest.mark.parametrize("fault", FAULTS)
def test_each_injected_fault_is_repaired_and_confirmed(bench, fault):
    found = repair(bench, with_fault(fault), seconds=300)
    assert found.state == REPAIRED, found.why
    assert found.unseen > 0
    assert found.confirmed_on == "fresh inputs"
    assert found.strategy in ("syntax", "single")
    print(fault, found.strategy, found.screened, found.seconds, found.change, found.steps)
