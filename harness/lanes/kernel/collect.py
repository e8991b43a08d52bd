"""Collection: the cases of a kernel suite, one for each kernel, stage and architecture."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.core.case import Case, Subject, line_of
from harness.core.digest import digest_json
from harness.core.errors import SuiteError
from harness.core.slug import slug
from harness.lane.pinned_file import pin, read_text_file
from harness.lanes.kernel.definition import Definition, read_definition, trusted_files
from harness.lanes.kernel.golden_table import read_golden
from harness.lanes.kernel.gpu import describe_devices, device_nodes
from harness.lanes.kernel.options import KernelSuite, Stage
from harness.suites.suite import Suite

NAME = "kernel"
MAX_SOURCE = 1 << 20  # bytes of a kernel's file


def collect_cases(suite: Suite, options: KernelSuite) -> list[Case]:
    """The cases of a suite.

    Raises:
        SuiteError: if the suite names a file that is missing, or a shape that does not fit the definition.
        SpecError: if the definition or the golden table is invalid.
    """
    path = suite.resolve(options.definition, "definition", allow_folder=True)
    definition = read_definition(path)
    _check_shapes(suite, options, definition)
    inputs: dict[str, Any] = {
        "definition": str(path),
        "trusted": trusted_files(path, definition),
        "shapes": [dict(shape) for shape in options.shapes],
        "targets": options.targets,
        "configurations": options.configurations,
        "library": options.library,
        "architectures": list(dict.fromkeys(options.architectures)),
        "timeout_s": options.timeout_s,
        "budgeted": options.budget is not None,
    }
    if options.golden:
        golden = suite.resolve(options.golden, "golden")
        read_golden(golden)
        inputs["golden"] = pin(golden)
    return [
        _case(suite, definition, kernel, stage=stage, architecture=architecture, inputs=inputs)
        for kernel in suite.glob(options.kernels, "kernels")
        for stage, architecture in _stages(options)
    ]


def _check_shapes(suite: Suite, options: KernelSuite, definition: Definition) -> None:
    for index, shape in enumerate(options.shapes):
        try:
            definition.point(shape)
        except ValueError as error:
            raise SuiteError(str(error), where=suite.where("shapes", index)) from None


def _case(
    suite: Suite, definition: Definition, kernel: Path, *, stage: Stage, architecture: str, inputs: dict[str, Any]
) -> Case:
    source = read_text_file(kernel, max_bytes=MAX_SOURCE)
    digest = source.digest
    suffix = f"compile-{architecture}" if stage == "compile" else stage
    named = {"stage": stage, "kernel": str(kernel), "digest": digest, "fault": source.fault}
    named |= {"devices": describe_devices()} if stage == "gpu" else {}
    return Case(
        lane=NAME,
        suite=suite.name,
        name=f"{slug(kernel.stem)}-{suffix}",
        title=f"{kernel.stem} as {definition.operation}: {suffix}",
        # Each stage has a subject digest of its own, with the file's digest as its parent, so that stages of one
        # file stay apart where results are identified by digest.
        subject=Subject(
            name=f"{kernel.stem}-{suffix}",
            digest=digest_json([digest, stage, architecture] if architecture else [digest, stage]),
            path=str(kernel),
            parents=(digest,),
            line=line_of(rf"^def\s+{re.escape(definition.entry)}\b", source.data.decode("utf-8", "replace")),
        ),
        inputs=inputs | named | ({"architecture": architecture} if architecture else {}),
        policy=suite.policy,
        line=suite.line("kernels"),
        markers=_markers(stage),
    )


def _markers(stage: Stage) -> tuple[str, ...]:
    if stage != "gpu":
        return ()
    # A single device is measured while no other test runs; several are measured in parallel, each under its own lock.
    # Without a device the case is skipped, which need not wait until no other run of this machine works.
    return ("gpu", "timed") if len(device_nodes()) == 1 else ("gpu",)


def _stages(options: KernelSuite) -> Iterator[tuple[Stage, str]]:
    for stage in dict.fromkeys(options.stages):
        if stage == "compile":
            yield from ((stage, name) for name in dict.fromkeys(options.architectures))
        else:
            yield stage, ""
