"""Every attack of the corpus, run through a reward function, earns nothing."""

from __future__ import annotations

import sys

import pytest

from harness import reward_for
from tests.attacks import corpus

HONEST = {"d24_good_control"}
"""The positive control of the corpus."""


@pytest.mark.skipif(sys.platform != "linux", reason="layers need Linux")
def test_no_attack_is_paid():
    """Also one that is refused and answers rightly: a candidate for a reward may do nothing but compute."""
    attacks = corpus.table()
    seed = corpus.SECRET_SEED
    with reward_for(corpus.HERE / "spec", jitter_ms=(0, 0), questions=8, secret_seed=seed, check_every=0) as reward:
        verdicts = reward.verdicts([attack.path.read_text("utf-8") for attack in attacks])
    paid = {attack.name for attack, verdict in zip(attacks, verdicts, strict=True) if reward.value(verdict)}
    assert paid == HONEST
    assert corpus.canaries() == []
