"""Metadata: the claims of a candidate about itself in a `# /// candidate` block; they are never evidence."""

from __future__ import annotations

from pydantic import ValidationError

from harness.core.clip import clip
from harness.core.frozen import Frozen
from harness.core.inline_metadata import read_description


class Metadata(Frozen):
    """The keys of the block; all are optional."""

    style: str = ""
    parents: tuple[str, ...] = ()
    """Digests or names of the candidates from which this one was derived."""
    generator: str = ""
    group: str = ""
    """Name of the group in pass rates; by default the generator."""
    license: str = ""
    problem: str = ""
    """Why the block could not be read; all other fields are then empty."""


def read_metadata(source: str) -> Metadata:
    """Read the metadata of a candidate; an invalid block is reported in `problem` and does not reject the candidate."""
    table, problem = read_description(source, "candidate")
    known = {key: value for key, value in table.items() if key in Metadata.model_fields and key != "problem"}
    try:
        return Metadata.model_validate(known | {"problem": problem})
    except ValidationError as error:
        first = error.errors()[0]
        return Metadata(problem=clip(f"{'.'.join(map(str, first['loc']))}: {first['msg']}"))
