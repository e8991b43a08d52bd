"""No program of the grammar of evasions gets past the reader and the guard; without them, most do their deeds."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from harness.sandbox.pool import BoxPool
from tests.attacks.evasions import CODECS, Evasion, evasions, gets_through

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="layers need Linux")
QUICK = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def pool():
    with BoxPool() as boxes:
        yield boxes


@settings(QUICK, max_examples=60)
@given(evasions())
def test_no_evasion_gets_past_the_guard_alone(pool: BoxPool, evasion: Evasion) -> None:
    assert not gets_through(evasion, pool, by=frozenset({"guard"})), evasion


def test_the_deeds_are_done_where_nothing_looks(pool: BoxPool) -> None:
    """The negative control: programs that could do no harm would prove nothing."""
    done: list[bool] = []

    @settings(QUICK, max_examples=40)
    @given(evasions())
    def count(evasion: Evasion) -> None:
        is_done = gets_through(evasion, pool, by=frozenset())
        if evasion.how[-1] in CODECS:
            assert not is_done, evasion
        else:
            done.append(is_done)

    count()
    assert sum(done) > len(done) / 2


@pytest.mark.parametrize("name", ["utf-7", "late utf-7"])
def test_a_file_in_a_codec_is_another_program_to_python(name: str) -> None:
    space: dict[str, Any] = {}
    exec(CODECS[name]("def run():\n    return 'done'\n"), space)
    assert space["run"]() == "done"
