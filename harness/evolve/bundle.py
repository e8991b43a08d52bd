"""Bundle: a tool with its tests, README, specification and bill of materials, the same bytes each time."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pprint import pformat

from harness.core.errors import UsageError
from harness.evolve.sbom import Materials, bill_of_materials
from harness.lanes.toolgen.metadata import read_metadata
from harness.lanes.toolgen.tool_spec import Tool

LICENSE = "MIT"
_SPDX = re.compile(r"^#\s*SPDX-License-Identifier:\s*(\S.*?)\s*$", re.MULTILINE)
MAX_CASES = 200  # of the specification that become tests


@dataclass(frozen=True, slots=True)
class Bundle:
    """The files of a bundle by name."""

    files: Mapping[str, str]

    def write(self, folder: Path) -> None:
        """Write the files into a folder, which is made if needed; other files there stay.

        Raises:
            UsageError: if the folder cannot be written, or one of the files is a link.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, text in self.files.items():
                path = folder / name
                if path.is_symlink():
                    raise UsageError("it is a link", where=str(path), fix="remove it, or name another --out")
                path.write_text(text, encoding="utf-8", newline="")
        except OSError as error:
            where = str(folder)
            raise UsageError(f"it cannot be written: {error.strerror}", where=where, fix="name another --out") from None


def with_license(source: str) -> str:
    """The source with an SPDX header; one that has a header, or declares no licence we know, keeps its own."""
    if _SPDX.search(source):
        return source
    name = read_metadata(source).license or LICENSE
    lines = source.split("\n")
    at = 1 if lines[0].startswith("#!") else 0
    return "\n".join([*lines[:at], f"# SPDX-License-Identifier: {name}", *lines[at:]])


def make_bundle(tool: Tool, source: str, materials: Materials) -> Bundle:
    """The bundle of a candidate.

    Args:
        source: Its source; gets an SPDX header where it has none.
        materials: What else its bill of materials says.

    Raises:
        MissingExtraError: if the extra `evolve` is not installed.
    """
    source = with_license(source)
    found = _SPDX.search(source)
    spec = json.dumps(
        tool.spec.model_dump(mode="json", exclude_defaults=True), indent=2, ensure_ascii=True, sort_keys=True
    )
    return Bundle(
        {
            "tool.py": source,
            "test_tool.py": _tests(tool),
            "README.md": _readme(tool, materials),
            "spec.json": f"{spec}\n",
            "SBOM.json": bill_of_materials(
                tool, source, license_name=found[1] if found else LICENSE, materials=materials
            ),
        }
    )


def _tests(tool: Tool) -> str:
    cases = [(one.input, one.expected_output) for one in tool.spec.test_cases[:MAX_CASES]]
    name = tool.signature.name
    return f'''# SPDX-License-Identifier: {LICENSE}
"""The examples of the specification; the judge asks more."""

import copy
import importlib.util
from pathlib import Path

import pytest

CASES = {pformat(cases, width=110, sort_dicts=True)}


@pytest.fixture(scope="module")
def {name}():
    spec = importlib.util.spec_from_file_location("tool", Path(__file__).with_name("tool.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.{name}


@pytest.mark.parametrize(("arguments", "expected"), CASES)
def test_example({name}, arguments, expected):
    assert {name}(**copy.deepcopy(arguments)) == expected


@pytest.mark.parametrize(("arguments", "expected"), CASES)
def test_twice_the_same_and_arguments_stay({name}, arguments, expected):
    given = copy.deepcopy(arguments)
    assert {name}(**given) == {name}(**copy.deepcopy(arguments))
    assert given == arguments
'''


def _readme(tool: Tool, materials: Materials) -> str:
    name = tool.signature.name
    spec = tool.spec
    usage: tuple[str, ...] = ()
    if spec.test_cases:
        first = spec.test_cases[0]
        arguments = ", ".join(f"{key}={value!r}" for key, value in first.input.items())
        call = f"{name}({arguments})  # {first.expected_output!r}"
        usage = ("## Usage", f"```python\nfrom tool import {name}\n\n{call}\n```")
    budget = materials.budget
    about = (
        f"Style `{materials.style}`, for the budget of epoch {materials.epoch}: {budget.time_ms:g} ms a call, "
        f"{budget.memory_mb:g} MiB. `pytest test_tool.py` checks the examples; `SBOM.json` (CycloneDX 1.6) lists "
        "digest, licence, imports and ancestors."
    )
    head = (f"# {spec.tool_id}", spec.description.strip(), f"```python\n{spec.signature}\n```", spec.docstring.strip())
    return "\n\n".join(part for part in (*head, *usage, "## Bundle", about) if part) + "\n"
