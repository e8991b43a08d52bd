"""Proposer: anything that, shown a grammar and what it makes of some files, suggests patches."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from harness.core.errors import InfraError, SuiteError
from harness.document import read_text
from harness.lanes.spec.measuring import Measured
from harness.lanes.spec.patch import Patch, PatchError, read_patch
from harness.lanes.spec.version import SpecVersion

COMMAND_SECONDS = 120.0
_BLOCK = re.compile(r"```(?:ya?ml|json)?\n(.*?)```", re.DOTALL)
_SHOWN = 256  # bytes of each file that a prompt shows


@dataclass(frozen=True, slots=True)
class Situation:
    """What a proposer is shown.

    Attributes:
        version: The best version so far.
        files: The samples, by name. Hold-out files are never among them.
        measured: What the version makes of them: errors, gaps, what is explained, field by field.
        refused: Digests of patches that were tried already.
    """

    version: SpecVersion
    files: dict[str, bytes]
    measured: Measured
    refused: frozenset[str] = frozenset()

    def to_wire(self) -> dict[str, Any]:
        """For programs and prompts: the grammar, what it makes of the files, and how the files begin."""
        return {
            "grammar": self.version.spec_text,
            "measured": self.measured.facts(),
            "files": {name: {"size": len(data), "begins": data[:_SHOWN].hex()} for name, data in self.files.items()},
        }


class Proposer(Protocol):
    """A function from a situation to patches, the most promising first."""

    def __call__(self, situation: Situation, /) -> Sequence[Patch]:
        """Suggest patches; none means that it has no idea left."""
        ...


def from_command(command: Sequence[str], *, seconds: float = COMMAND_SECONDS) -> Proposer:
    """A program that reads a situation as JSON from stdin and writes a JSON list of patches to stdout.

    Args:
        command: Its argument vector.
        seconds: How long it may take.
    """

    def propose(situation: Situation) -> list[Patch]:
        try:
            done = subprocess.run(
                list(command),
                input=json.dumps(situation.to_wire()).encode(),
                capture_output=True,
                timeout=seconds,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise InfraError(f"the proposer failed: {error}", where=" ".join(command)) from error
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip()[-200:]
            raise InfraError(f"the proposer ended with status {done.returncode}: {said}", where=" ".join(command))
        return read_patches(done.stdout.decode(errors="replace"))

    return propose


def from_completion(complete: Callable[[str], str]) -> Proposer:
    """A language model: any function from a prompt to a text.

    Args:
        complete: Asks the model.
    """

    def propose(situation: Situation) -> list[Patch]:
        return read_patches(complete(prompt(situation)))

    return propose


def prompt(situation: Situation) -> str:
    """What a language model is asked."""
    wire = situation.to_wire()
    return (
        "A grammar describes a binary format. Improve it by patches: lists of operations such as\n"
        "  - {op: insert_field, path: [types, Header], index: -1, field_def: {name: flags, type: u16}}\n"
        "  - {op: update_field, path: [types, Header, fields, 0], updates: {endian: little}}\n"
        "  - {op: add_type, path: [types, Entry], type_def: {fields: [{name: id, type: u32}]}}\n"
        "Bytes count as explained when they are typed and checked, not when they are opaque.\n"
        f"\nThe grammar:\n```yaml\n{wire['grammar']}```\n"
        f"\nWhat it makes of the files:\n{json.dumps(wire['measured'])}\n"
        f"\nHow the files begin (hex):\n{json.dumps(wire['files'])}\n"
        "\nAnswer with one YAML block for each patch, each a list of operations."
    )


def read_patches(text: str) -> list[Patch]:
    """The patches in an answer: a JSON list of them, or YAML in fenced blocks; what is no patch is left out."""
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if isinstance(value, list) and value and not isinstance(value[0], dict):
        candidates: list[Any] = value
    elif isinstance(value, list) and value and "ops" in value[0]:
        candidates = value
    elif value is not None:
        candidates = [value]
    else:
        candidates = [_yaml(block) for block in _BLOCK.findall(text)]
    found = []
    for candidate in candidates:
        try:
            found.append(read_patch(candidate))
        except PatchError:
            continue
    return found


def _yaml(text: str) -> Any:
    from pathlib import Path

    try:
        return read_text(text, Path("answer")).value
    except SuiteError:
        return None
