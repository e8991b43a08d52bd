"""Patched grammar: a patch file applied to a grammar and linted, or why it was rejected."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.clip import clip
from harness.core.document import read_text
from harness.core.errors import SuiteError
from harness.grammar.language.grammar import Grammar
from harness.grammar.language.lint import lint_value
from harness.grammar.patch import PatchError, apply_patch, read_patch

MAX_VALUES = 20_000  # values of a patch file: each scalar, list and mapping counts
_MAX_SHOWN = 20  # lint findings listed in the facts


@dataclass(frozen=True, slots=True)
class PatchedGrammar:
    """A grammar after a patch.

    Attributes:
        warnings: Messages of lint, at most 20.
    """

    grammar: Grammar
    operations: int
    description: str
    warnings: list[str]


@dataclass(frozen=True, slots=True)
class RejectedPatch:
    """Why a patch file gives no grammar.

    Attributes:
        about: What was rejected: the file, an operation or the patched grammar.
        expected: What it should have been.
    """

    why: str
    facts: dict[str, Any]
    about: str = "the patch file"
    expected: str = "a patch: a mapping with `ops`, a list of operations"


def patch_grammar(text: str, source: Path, base: Any) -> PatchedGrammar | RejectedPatch:
    """Apply a patch to the frozen document of a grammar.

    Args:
        text: The patch, untrusted: what was compared with the digest of its case, not the file, which may change.
        source: Its file, for messages.
        base: The document before the patch; it stays as it is.
    """
    try:
        document = read_text(text, source)
        if not _is_small(document.value):
            return RejectedPatch(f"not a patch: more than {MAX_VALUES} values", {})
        patch = read_patch(document.value)
        value = apply_patch(patch, base).document
    except SuiteError as error:
        place = error.where.removeprefix(str(source)).lstrip(":")
        return RejectedPatch(clip(f"not a patch: {error.what}" + (f" (at {place})" if place else "")), {})
    except PatchError as error:
        named = re.search(r"\b[Oo]p (\d+) ", str(error))
        line, _ = document.positions.get(("ops", int(named[1])), (None, None)) if named else (None, None)
        facts: dict[str, Any] = {} if line is None else {"line": line}
        about = f"operation {named[1]} of the patch" if named else "the operations of the patch"
        about += f", line {line}" if line is not None else ""
        return RejectedPatch(clip(str(error)), facts, about, "an operation that applies to the grammar before it")
    found = lint_value(value)
    if found.grammar is None:
        listed = [clip(str(error)) for error in found.errors]
        why, facts = clip(f"Lint failed: {found.errors[0].message}"), {"lint": listed[:_MAX_SHOWN]}
        return RejectedPatch(
            why, facts, "the grammar after the patch", "a grammar in which `crucible spec lint` finds no error"
        )
    warnings = [clip(finding.message) for finding in found.warnings]
    return PatchedGrammar(found.grammar, len(patch.ops), patch.description, warnings[:_MAX_SHOWN])


def _is_small(value: Any) -> bool:
    """Whether a document has few values. A value counts each time it is reached, because YAML aliases repeat it."""
    waiting, count = [value], 0
    while waiting and count <= MAX_VALUES:
        part = waiting.pop()
        count += 1
        waiting.extend(part.values() if isinstance(part, dict) else part if isinstance(part, list) else ())
    return count <= MAX_VALUES
