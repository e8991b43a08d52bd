"""Seeding: chance and ids that depend on the place in the program and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.core.digest import digest_json, short

ENGINE = "crucible-dsl/2"
"""The meaning of programs; part of every log's first link, so a log never goes on under another meaning."""


def effect_key(run: str, label: str, occurrence: int, arguments: Mapping[str, Any], attempt: int) -> str:
    """The key of one try of one effect: the same whenever a resumed or replayed run gets there again.

    Args:
        run: Hex of the run's first hash.
        label: Of the instruction, with the fiber's name.
        occurrence: How often the run has begun it, from 1.
        arguments: As the log has them.
        attempt: 1 for the first try.
    """
    return short(digest_json([run, label, occurrence, dict(arguments), attempt]))


def question_id(label: str, occurrence: int, role: str, prompt: str, schema: Mapping[str, Any]) -> str:
    """The id of a question: bound to its place and wording, so an answer to another wording is never used."""
    return short(digest_json([ENGINE, label, occurrence, role, prompt, dict(schema)]))
