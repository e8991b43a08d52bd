"""150 random programs: run = resume after any kill = replay = upgrade to the same text; the soak command takes more."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings

from tests.dsl.machine.program_fuzzer import Case, cases, check_case


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(cases())
def test_every_way_to_the_end_has_the_same_events(tmp_path: Path, case: Case) -> None:
    check_case(case, tmp_path / "case")
