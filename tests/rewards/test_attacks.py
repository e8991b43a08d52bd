"""Every attack of the corpus, run through a reward function, earns nothing."""

from __future__ import annotations

import shutil
import sys

import pytest

from harness import reward_for
from tests.attacks import corpus

OPEN = {"h05_event_loop", "h07_system_modules"}
"""Honest programs that do more than compute: they import asyncio and os, which no candidate for a reward may."""

FRUITLESS = {"g57_class_that_reads_memory", "g58_part_of_a_package", "g78_certificates"}
"""Attacks that find nothing and then compute the answer; no import gives them away."""


def earns(attack: corpus.Attack) -> bool:
    """Whether it is honest, or attacks no verdict but a component of the score, or the time of reading."""
    is_honest = "honest" in attack.layer or attack.name == "d24_good_control"
    return (
        (is_honest and attack.name not in OPEN)
        or attack.name in FRUITLESS
        or bool(attack.most)
        or attack.layer == ("reader",)
    )


@pytest.mark.skipif(sys.platform != "linux", reason="layers need Linux")
def test_no_attack_is_paid(tmp_path):
    """Also none that is refused and answers rightly: a candidate for a reward may do nothing but compute."""
    attacks = corpus.table()
    seed = corpus.SECRET_SEED
    tool = shutil.copytree(corpus.HERE / "spec", tmp_path / "spec")
    text = (tool / "tool.yaml").read_text("utf-8")
    assert "max_runtime_sec: 10.0" in text  # what never ends is waited for as long, in each attempt
    (tool / "tool.yaml").write_text(text.replace("max_runtime_sec: 10.0", "max_runtime_sec: 2.0"), "utf-8")
    with reward_for(tool, jitter_ms=(0, 0), questions=8, secret_seed=seed, check_every=0) as reward:
        verdicts = reward.verdicts([attack.path.read_text("utf-8") for attack in attacks])
    paid = {attack.name for attack, verdict in zip(attacks, verdicts, strict=True) if reward.value(verdict)}
    assert paid <= {attack.name for attack in attacks if earns(attack)}
    assert {"d24_good_control", "h01_data_class", "h02_big_numbers"} <= paid
    assert corpus.canaries() == []
