"""The script for a machine with a GPU: time there is short, so every command of it is checked here."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path

from harness.cli import kernel
from harness.cli.kernel.subject import points_of
from harness.lanes.kernel.definition import read_definition

ROOT = Path(__file__).parents[3]


def test_every_command_is_one_that_can_be_run(tmp_path: Path) -> None:
    path = ROOT / "benchmarks/kernels_on_device.py"
    spec = importlib.util.spec_from_file_location("kernels_on_device", path)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    parser = argparse.ArgumentParser(exit_on_error=False)
    kernel.add_arguments(parser)
    seen: list[str] = []
    for command in script.commands(tmp_path / "sweeps.db", tmp_path / "docs"):
        args = parser.parse_args(command)
        seen.append(args.verb)
        if args.verb == "bench":
            assert args.kernels
            assert all(one.is_file() for one in [*args.kernels, args.definition])
        if args.verb == "sweep":
            place = ROOT / "specs/kernels" / f"{args.kernel.parent.name}.yaml"
            definition = read_definition(place)
            assert points_of(args.shape, definition)[0] in definition.targets
    suites = [one for one in (ROOT / "suites/kernel").glob("*.suite.yaml") if "expect:" not in one.read_text()]
    assert seen.count("bench") == 2 * len(suites) > 20
    assert seen.count("sweep") == 4 + 7
    assert seen[-1] == "report"
