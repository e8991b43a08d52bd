"""The probe believes the attack, not the claim."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from harness.core.tier import Tier
from harness.sandbox import zygote_process
from harness.sandbox.pool import BoxPool
from harness.sandbox.probe import SUFFIX, Probe, probe

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="layers need Linux")


def examine(*without: str, paths: tuple[Path, ...] = ()) -> Probe:
    with BoxPool(without=frozenset(without)) as pool:
        return probe(paths, pool=pool)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    for directory in (tmp_path, *tmp_path.parents):
        if directory.owner() == Path.home().owner() and directory != Path("/"):
            directory.chmod(directory.stat().st_mode | 0o055)
    path = tmp_path / "oracle.py"
    path.write_text("expected = 42\n")
    path.chmod(0o666)
    return path


def test_this_machine_is_at_least_tier_c_and_refuses_everything(secret: Path) -> None:
    found = examine(paths=(secret, secret.parent))
    assert found.tier.at_least(Tier.C), found.table()
    assert found.breaches == ()
    assert found.checked >= 1
    assert not list(secret.parent.glob(f"*{SUFFIX}"))
    assert found.line().startswith(f"sandbox: tier {found.tier} [")


def test_a_project_below_a_library_directory_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can put a project below /usr")
    from harness.sandbox.root import library_directories

    project = Path(library_directories()[0]) / "crucible-test-project"
    project.mkdir(exist_ok=True)
    try:
        (project / "oracle.py").write_text("expected = 42\n")
        found = probe([project])
        assert found.breaches == (), found.table()
        monkeypatch.setattr(zygote_process, "library_copy", lambda: None)  # boxes see the machine's own files
        with BoxPool(protect=[project], without=frozenset({"landlock"})) as masked:
            assert not any("oracle.py" in breach for breach in probe([project], pool=masked).breaches)
        with BoxPool(without=frozenset({"landlock"})) as careless:
            assert any("oracle.py" in breach for breach in probe([project], pool=careless).breaches)
    finally:
        (project / "oracle.py").unlink()
        project.rmdir()


@pytest.mark.parametrize(
    ("without", "word"),
    [
        (("seccomp",), "socket"),
        (("namespaces", "landlock"), "read"),
        (("namespaces", "landlock"), "write"),
        (("pivot_root", "landlock"), "read"),
        (("cgroup", "rlimits"), "memory"),
    ],
)
def test_without_a_layer_the_attack_succeeds_and_the_tier_falls(
    secret: Path, without: tuple[str, ...], word: str
) -> None:
    found = examine(*without, paths=(secret,))
    assert any(word in breach for breach in found.breaches), found.breaches
    assert not found.tier.at_least(Tier.C)
    advice = found.advice(Tier.C)
    assert advice.startswith("UNSAFE")
    assert f"--min-tier {found.tier}" in advice
    for layer in without:
        assert f"missing {layer}" in advice


def test_the_table_gives_a_reason_and_a_remedy_for_each_missing_layer() -> None:
    rows = {name: (state, note) for name, state, note in examine("namespaces", "cgroup").table()}
    assert rows["namespaces"][0] == "off"
    assert "Remedy" in rows["cgroup"][1]
    assert rows["seccomp"] == ("on", "")


def test_an_attack_on_the_process_that_forked_it_leaves_that_process_able_to_answer(monkeypatch) -> None:
    """Else each box of such a probe was waited for until the time limit of its zygote, 20 s."""
    reaped, reap = [], zygote_process.ZygoteProcess.reap

    def record(self, child):
        reaped.append(None)
        reaped[-1] = reap(self, child)
        return reaped[-1]

    monkeypatch.setattr(zygote_process.ZygoteProcess, "reap", record)
    found = examine(*(set(zygote_process.LAYERS) - {"rlimits"}))
    assert {"trace another process", "signal another process"} <= set(found.breaches)
    assert len(reaped) >= 2
    assert all(reaped)
