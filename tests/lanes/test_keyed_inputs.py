"""A lane whose verdicts are reused has everything they depend on in the key of its cases (docs/reuse.md)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.core.errors import SuiteError
from harness.hooks import Lane
from harness.lanes.dsl.lane import DslLane
from harness.lanes.kernel.definition import read_definition, trusted_files
from harness.lanes.kernel.gpu import MODULES, describe_devices
from harness.lanes.kernel.installation import describe_installation
from harness.lanes.kernel.lane import KernelLane
from harness.lanes.spec.lane import SpecLane
from harness.suites.loader import collect_cases
from tests.lanes.conftest import ROOT
from tests.lanes.kernel.conftest import context as kernel_context
from tests.lanes.kernel.conftest import missing

PARTS = ("candidates/gzip_patches", "kernels/softmax", "specs/grammars", "specs/kernels", "specs/programs",
         "specs/samples/gzip", "specs/samples/gzip_holdout", "suites")  # fmt: skip
SHIPPED = {
    "spec": (SpecLane, "suites/spec/gzip.suite.yaml", "", {"grammars/", "gzip_patches/", "/gzip/", "gzip_holdout/"}),
    "dsl": (DslLane, "suites/dsl/hello.suite.yaml", "", {"hello.spak", "hello.answers.json"}),
    "recorded": (DslLane, "suites/dsl/work.suite.yaml", "", {"work.spak", "recorded.json", "notes.txt", ".hidden"}),
    "kernel": (KernelLane, "suites/kernel/softmax.suite.yaml", "fused-", {"fused.py", "softmax.yaml", "softmax.json"}),
}
"""Of a lane: a suite of the copy, the beginning of the names of the cases that are judged, and what these read."""
WORK = """
task Work {
    step note: tool.read { path: "notes.txt" output_var: note }
    step hidden: tool.read { path: "work/.hidden" output_var: hidden }
    success:
        contains("note", "x")
}
"""
_opened: list[str] | None = None


def _listen(event: str, arguments: tuple[object, ...]) -> None:
    if _opened is not None and event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
        _opened.append(os.path.realpath(os.fsdecode(arguments[0])))


sys.addaudithook(_listen)


@contextmanager
def opened_below(folder: Path) -> Iterator[set[str]]:
    """The files below a folder that this process opens meanwhile, relative to it; complete when it ends."""
    global _opened
    found: set[str] = set()
    _opened = listed = []
    try:
        yield found
    finally:
        _opened = None
        found |= {str(Path(path).relative_to(folder)) for path in listed if Path(path).is_relative_to(folder)}


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A copy of suites and their files, which the test may change."""
    for part in PARTS:
        shutil.copytree(ROOT / part, tmp_path / part)
    programs = tmp_path / "specs/programs"
    (programs / "work.spak").write_text(WORK)
    (programs / "recorded.json").write_text('{"effects": []}')
    (programs / "notes.txt").write_text("x")
    (programs / "work").mkdir()
    (programs / "work/.hidden").write_text("x")
    (tmp_path / "suites/dsl/work.suite.yaml").write_text(
        "lane: dsl\nprogram: ../../specs/programs/work.spak\nattempts: 1\nlive: false\n"
        "recordings: ../../specs/programs/recorded.json\n"
        "files: [../../specs/programs/notes.txt, ../../specs/programs/work]\n"
    )
    return tmp_path.resolve()


@pytest.fixture
def keys(suite_at) -> Callable[[type[Lane], Path], dict[str, str]]:
    """The keys of a suite's cases, collected as another process does; empty where the suite is refused."""

    def collect(kind: type[Lane], path: Path) -> dict[str, str]:
        lane = kind()
        try:
            cases = collect_cases(suite_at(lane, path), lane)
        except SuiteError:
            return {}
        return {case.name: case.key for case in cases}

    return collect


# A fixture of another folder: kernels share the warm processes of this pytest worker.
warm_context = kernel_context


@pytest.mark.parametrize("name", SHIPPED)
def test_every_file_that_a_case_opens_is_in_its_key(name, own, suite_at, keys, request) -> None:
    kind, suite, only, expected = SHIPPED[name]
    if name == "kernel" and missing:
        pytest.skip(f"{', '.join(missing)} not installed")
    context = request.getfixturevalue("warm_context" if name == "kernel" else "context")
    lane = kind()
    cases = [case for case in collect_cases(suite_at(lane, own / suite), lane) if case.name.startswith(only)]
    opened = {}
    for case in cases:
        with opened_below(own) as files:
            kind().evaluate(case, context)  # a lane that has read nothing yet
        opened[case.name] = {file for file in files if (own / file).is_file() and not file.startswith("scratch/")}
    every = set().union(*opened.values())
    assert all(any(part in file for file in every) for part in expected), every
    before = keys(kind, own / suite)
    assert before == keys(kind, own / suite)
    for file in sorted(every):
        path = own / file
        data = path.read_bytes()
        path.write_bytes(data + b"\n")
        after = keys(kind, own / suite)
        path.write_bytes(data)
        stale = [case for case, files in opened.items() if file in files and after.get(case) == before[case]]
        assert not stale, f"{file} changed, and {stale} would be reused"
    assert keys(kind, own / suite) == before


@pytest.mark.parametrize("name", SHIPPED)
def test_what_does_not_matter_is_not_in_the_key(name, own, keys, monkeypatch) -> None:
    kind, suite, _, _ = SHIPPED[name]
    before = keys(kind, own / suite)
    for path in own.rglob("*"):
        os.utime(path, (1, 1))
    monkeypatch.chdir(own.parent)
    patch, kernel = own / "candidates/gzip_patches/aaa.patch.yaml", own / "kernels/softmax/aaa.py"
    shutil.copy(min(patch.parent.glob("*.yaml")), patch)
    shutil.copy(own / "kernels/softmax/fused.py", kernel)
    after = keys(kind, own / suite)
    assert {case: after[case] for case in before} == before


KEYS = {
    "spec": {"policy": "classic", "holdout": None, "attempts": 7, "budget": {"time_ms": [9000, 9000]}},
    "dsl": {"inputs": {"name": "Earth"}, "answers": None, "live": False, "entry": "HelloSPAK", "repeatable": False,
            "wall_seconds": 5.0, "grants": ["ls"], "attempts": 1},
    "kernel": {"shapes": [{"M": 2, "N": 5}], "targets": 2, "configurations": 1, "library": True, "golden": None,
               "architectures": ["sm_90a", "sm_80"], "timeout_s": 60.0, "attempts": 1,
               "budget": {"time_ms": [9000, 9000]}},
}  # fmt: skip


@pytest.mark.parametrize(("name", "key"), [(name, key) for name, changed in KEYS.items() for key in changed])
def test_every_key_of_a_suite_is_in_the_key(name, key, own, keys) -> None:
    import yaml

    kind, suite, _, _ = SHIPPED[name]
    path, before = own / suite, keys(SHIPPED[name][0], own / suite)
    value = yaml.safe_load(path.read_text()) | {key: KEYS[name][key]}
    path.write_text(json.dumps({name: one for name, one in value.items() if one is not None}))
    after = keys(kind, path)
    assert before
    assert after
    assert not set(before.values()) & set(after.values())


@pytest.mark.skipif(bool(missing), reason="torch is not installed")
def test_every_file_of_a_reference_is_trusted_and_pinned() -> None:
    code = (
        "import pathlib, sys\n"
        "from harness.lanes.kernel.trusted_function import resolve\n"
        "import torch\n"
        "opened = []\n"
        "sys.addaudithook(lambda event, arguments: event == 'open' and opened.append(str(arguments[0])))\n"
        "for call in sys.argv[2:]:\n"
        "    resolve(call, pathlib.Path(sys.argv[1]))\n"
        "print('\\n'.join(path for path in opened if path.startswith(sys.argv[1]) and '__pycache__' not in path))\n"
    )
    folder = ROOT / "specs/kernels"
    calls, pinned = set(), set()
    for path in folder.glob("*.yaml"):
        definition = read_definition(path)
        calls |= {call for call in definition.calls if ":" in call}
        pinned |= trusted_files(path, definition).keys()
    done = subprocess.run(
        [sys.executable, "-B", "-c", code, str(folder), *sorted(calls)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    opened = set(done.stdout.split())
    assert opened
    assert opened <= pinned


def test_a_program_that_reaches_out_of_its_box_is_not_reused(own, suite_at) -> None:
    def is_keyed(text: str, *, program: str = WORK) -> bool:
        (own / "p.spak").write_text(program)
        (own / "p.suite.yaml").write_text(f"lane: dsl\nprogram: p.spak\n{text}")
        lane = DslLane()
        return {lane.keyed(case) for case in collect_cases(suite_at(lane, own / "p.suite.yaml"), lane)} == {True}

    assert is_keyed("")
    assert is_keyed("live: false\ngrants: [ls]\n")
    assert not is_keyed("grants: [ls]\n")
    assert not is_keyed("repeatable: false\n")
    foreign = WORK.replace("tool.read", "tool.fetch", 1)
    assert not is_keyed("", program=foreign)  # not installed: it would be another program if it were
    assert not is_keyed("live: false\n", program=foreign)


def test_files_that_cannot_be_copied_refuse_the_suite_with_its_line(own, suite_at) -> None:
    suite = own / "suites/dsl/work.suite.yaml"
    (own / "specs/programs/work/notes.txt").symlink_to("missing")
    with (own / "specs/programs/notes.txt").open("ab") as file:
        file.truncate(1 << 40)
    with pytest.raises(SuiteError, match=r"notes.txt: a file of more than \d+ MiB") as refused:
        lane = DslLane()
        collect_cases(suite_at(lane, suite), lane)
    assert refused.value.where.endswith("work.suite.yaml:6:9")


def test_what_is_installed_is_in_the_fingerprint_of_kernels(tmp_path, monkeypatch) -> None:
    before = describe_installation()
    assert before == describe_installation()
    (tmp_path / "flash-1.0.dist-info").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    assert describe_installation()["packages"] != before["packages"]
    for name in ("CUDA_VISIBLE_DEVICES", "CUDA_HOME", "LD_LIBRARY_PATH"):
        monkeypatch.setenv(name, "other")
        found = describe_installation()
        assert found["environment"] != before["environment"]
        before = found
    assembler = tmp_path / "ptxas"
    assembler.write_text("one")
    monkeypatch.setenv("TRITON_PTXAS_PATH", str(assembler))
    first = describe_installation()["tools"]
    assembler.write_text("another")
    assert len({first, describe_installation()["tools"], before["tools"]}) == 3
    assert set(MODULES) - set(missing) <= {
        path.name.split("-")[0] for folder in sys.path for path in Path(folder).glob("*.dist-info")
    }


def test_a_verdict_of_a_device_is_reused_where_its_driver_names_it(tmp_path) -> None:
    assert describe_devices(tmp_path) == ""
    (tmp_path / "version").write_text("NVRM version: 580.65\n")
    assert describe_devices(tmp_path) == ""
    information = tmp_path / "gpus/0000:18:00.0/information"
    information.parent.mkdir(parents=True)
    information.write_text("Model: \t\t NVIDIA H200\nIRQ:   \t\t 17\n")
    first = describe_devices(tmp_path)
    assert first
    information.write_text("Model: \t\t NVIDIA H200\nIRQ:   \t\t 99\n")
    assert describe_devices(tmp_path) == first
    information.write_text("Model: \t\t NVIDIA B200\nIRQ:   \t\t 17\n")
    other = describe_devices(tmp_path)
    (tmp_path / "version").write_text("NVRM version: 590.01\n")
    assert len({first, other, describe_devices(tmp_path)}) == 3


@pytest.mark.parametrize(("stage", "devices", "expected"), [
    ("interpreter", None, True), ("compile", None, True), ("gpu", "", False), ("gpu", "an H200", True),
])  # fmt: skip
def test_only_a_known_device_is_reused(stage, devices, expected, own, suite_at) -> None:
    lane = KernelLane()
    cases = collect_cases(suite_at(lane, own / SHIPPED["kernel"][1]), lane)
    case = next(one for one in cases if one.inputs["stage"] == stage)
    assert ("devices" in case.inputs) == (stage == "gpu")
    inputs = case.inputs | ({} if devices is None else {"devices": devices})
    assert lane.keyed(case.model_copy(update={"inputs": inputs})) is expected
