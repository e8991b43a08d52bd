"""Precedence: defaults < pyproject.toml < suite < command line."""

from __future__ import annotations

import pytest

from harness.core.budget import Schedule
from harness.core.errors import UsageError
from harness.core.policy import Timing
from harness.core.tier import Tier
from harness.suites.settings import settle
from harness.suites.suite import SuiteOptions


def pyproject(folder, text):
    (folder / "pyproject.toml").write_text(f"[tool.crucible]\n{text}\n", "utf-8")
    return folder


def test_defaults(tmp_path):
    settings = settle(tmp_path)
    assert settings.ledger == tmp_path / "reports/ledger.db"
    assert settings.report == tmp_path / "reports/index.html"
    assert (settings.epoch, settings.attempts, settings.top, settings.gates) == (0, None, 5, ())
    assert settings.policy().attempts == 3
    assert settings.tier_for(None) is Tier.C


def test_a_secret_seed_is_drawn_anew_each_time(tmp_path):
    assert settle(tmp_path).secret_seed != settle(tmp_path).secret_seed
    assert settle(tmp_path, drawn_seed=7).secret_seed == 7
    assert settle(tmp_path, command={"secret_seed": 8}, drawn_seed=7).secret_seed == 8


def test_each_level_outranks_the_one_before(tmp_path):
    pyproject(tmp_path, "attempts = 5\nepoch = 2\ntiming = 'none'\nbudget = {epochs = 7}")
    settings = settle(tmp_path)
    assert settings.epoch == 2
    assert settings.policy().attempts == 5
    assert settings.policy().schedule.epochs == 7
    suite = SuiteOptions(lane="x", attempts=4, timing=Timing.EXACT, budget=Schedule(epochs=9))
    assert settings.policy(suite).attempts == 4
    assert settings.policy(suite).timing is Timing.EXACT
    assert settings.policy(suite).schedule.epochs == 9
    asked = settle(tmp_path, command={"attempts": 1, "epoch": 3})
    assert asked.policy(suite).attempts == 1
    assert asked.policy(suite).epoch == 3


def test_command_line_paths_start_where_it_was_typed(tmp_path):
    inner = tmp_path / "inner"
    pyproject(tmp_path, "report = 'out/r.html'")
    settings = settle(tmp_path, command={"ledger": "l.db"}, invocation_dir=inner)
    assert settings.ledger == inner / "l.db"
    assert settings.report == tmp_path / "out/r.html"


def test_a_lane_default_counts_only_where_nobody_asked(tmp_path):
    assert settle(tmp_path).tier_for(Tier.E) is Tier.E
    assert settle(tmp_path, command={"min_tier": "B"}).tier_for(Tier.E) is Tier.B


def test_requirements_of_project_and_suite_add_up(tmp_path):
    pyproject(tmp_path, "require = ['noisy']")
    assert settle(tmp_path).policy(SuiteOptions(lane="x", require=("gpu", "noisy"))).require == ("noisy", "gpu")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("epok = 3", "unknown key 'epok'; did you mean 'epoch'?"),
        ("epoch = -1", "epoch"),
        ("attempts = 'many'", "attempts"),
        ("min_tier = 'Z'", "min_tier"),
        ("budget = {time_ms = [1, 2]}", "must not grow"),
        ("epoch = ", "cannot be read"),
        (f"epoch = 1{'0' * 5000}", "cannot be read"),
        ("require = ['foo']", "'review', 'noisy' or 'gpu'"),
        ("gates = ['mean(score >= 1']", "gate"),
    ],
)
def test_a_wrong_table_names_file_or_place(tmp_path, text, said):
    pyproject(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        settle(tmp_path)
    assert said in str(caught.value)


def test_a_file_that_is_not_text(tmp_path):
    (tmp_path / "pyproject.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"pyproject\.toml"):
        settle(tmp_path)
    (tmp_path / "pyproject.toml").write_text("tool = 3")
    with pytest.raises(UsageError, match=r"pyproject\.toml"):
        settle(tmp_path)


def test_a_wrong_gate_on_the_command_line(tmp_path):
    with pytest.raises(UsageError):
        settle(tmp_path, command={"gates": ("nonsense(",)})
