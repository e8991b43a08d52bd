"""Proposer: a function that proposes patches for a grammar and sample files; built from a program or a model."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from harness.core.clip import clip
from harness.core.document import read_text
from harness.core.errors import InfraError, SuiteError
from harness.grammar.measurement import Measured
from harness.grammar.patch import Patch, PatchError, read_patch
from harness.grammar.version import SpecVersion
from harness.providers.completion import fenced_blocks

if TYPE_CHECKING:
    from harness.providers.question import Provider

COMMAND_SECONDS = 120.0
ROLE = "You improve grammars of binary formats. You answer with patches and nothing else."
_MAX_SHOWN = 256  # bytes of each file that a prompt shows


@dataclass(frozen=True, slots=True)
class Situation:
    """The argument of a proposer.

    Attributes:
        version: The best version so far.
        files: The samples, by name. Hold-out files are never among them.
        measured: Tallies and explanation of the samples by this version: faults, gaps, credit of each field.
        refused: Digests of patches that were tried already.
    """

    version: SpecVersion
    files: dict[str, bytes]
    measured: Measured
    refused: frozenset[str] = frozenset()

    def to_wire(self) -> dict[str, Any]:
        """JSON for programs and prompts: the grammar, its measurements, and the first bytes of each file."""
        return {
            "grammar": self.version.spec_text,
            "measured": self.measured.facts(),
            "files": {
                name: {"size": len(data), "begins": data[:_MAX_SHOWN].hex()} for name, data in self.files.items()
            },
        }


class Proposer(Protocol):
    """A function from a situation to patches, the most promising first."""

    def __call__(self, situation: Situation, /) -> Sequence[Patch]:
        """Propose patches; an empty sequence ends the improvement."""


def from_command(command: Sequence[str], *, seconds: float = COMMAND_SECONDS) -> Proposer:
    """A program that reads a situation as JSON from stdin and writes a JSON list of patches to stdout.

    Args:
        seconds: Time limit of one call.
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
            message = done.stderr.decode(errors="replace").strip()[-200:]
            raise InfraError(f"the proposer ended with status {done.returncode}: {message}", where=" ".join(command))
        return read_patches(done.stdout.decode(errors="replace"), where=" ".join(command))

    return propose


def from_provider(provider: Provider) -> Proposer:
    """A proposer that asks a provider: a model on a server, a program, a person, or recorded answers."""
    from harness.providers.question import ask

    def propose(situation: Situation) -> list[Patch]:
        reply = ask(provider, prompt(situation), role=ROLE, label="spec/improve")
        return read_patches(reply.text, where=f"{reply.provider} {reply.model}".strip())

    return propose


def from_completion(complete: Callable[[str], str]) -> Proposer:
    """A proposer that asks a language model: a function from a prompt to an answer."""
    return lambda situation: read_patches(complete(prompt(situation)), where="the model")


def prompt(situation: Situation) -> str:
    """The prompt of a language model for a situation."""
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


def read_patches(text: str, *, where: str = "the proposer") -> list[Patch]:
    """The patches in an answer: JSON (a patch or a list of patches), or YAML in fenced blocks, one patch each.

    Invalid entries among patches are left out; an empty JSON list means that the proposer has no more patches.

    Args:
        where: Name of the proposer, for messages.

    Raises:
        InfraError: if the answer has no patch; the message shows the answer and the error of the first entry.
    """
    candidates = _candidates(text)
    found, wrong = [], []
    for candidate in candidates or ():
        try:
            found.append(read_patch(candidate))
        except PatchError as error:
            wrong.append(str(error))
    if candidates is None or (wrong and not found):
        why = f"it holds no patch: {wrong[0]}" if wrong else "it is neither JSON nor has fenced blocks of YAML"
        fix = "a JSON list of patches, or one ```yaml block for each; crucible schema patch says what a patch is"
        raise InfraError(f"the answer cannot be used, {why}; it begins: {clip(text, limit=200)}", where=where, fix=fix)
    return found


def _candidates(text: str) -> list[Any] | None:
    """The entries that may be patches; None if the answer is neither JSON nor has fenced blocks."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        blocks = [block for language, block in fenced_blocks(text) if language in ("", "yaml", "yml", "json")]
        return [_yaml(block) for block in blocks] if blocks else None
    if not isinstance(value, list):
        return [value]
    # A list of operations is one patch; a list of patches, or of lists of operations, is several.
    one = bool(value) and all(isinstance(entry, dict) and "op" in entry for entry in value)
    return [value] if one else value


def _yaml(text: str) -> Any:
    from pathlib import Path

    try:
        return read_text(text, Path("answer")).value
    except SuiteError:
        return None
