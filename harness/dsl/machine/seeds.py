"""Keys of effects and ids of questions, which depend only on the run and the place in the program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.core.digest import digest_json, short

ENGINE = "crucible-dsl/2"
"""Version of the language's semantics; part of every first hash, so a log is never resumed under another version."""


def effect_key(run: str, label: str, occurrence: int, arguments: Mapping[str, Any], attempt: int) -> str:
    """The key of one try of one effect; a resumed or replayed run computes the same key.

    Args:
        run: Hex of the run's first hash.
        label: Of the instruction, with the fiber's name.
        occurrence: How often the run has begun the effect, from 1.
        arguments: In their stored form.
        attempt: 1 for the first try.
    """
    return short(digest_json([run, label, occurrence, dict(arguments), attempt]))


def question_id(label: str, occurrence: int, role: str, prompt: str, schema: Mapping[str, Any]) -> str:
    """The id of a question: a digest of its place and wording, so an answer to another wording is never used."""
    return short(digest_json([ENGINE, label, occurrence, role, prompt, dict(schema)]))
