"""Metadata: what a candidate says of itself in a `# /// candidate` block. Claims, never evidence."""

from __future__ import annotations

from pydantic import ValidationError

from harness.core.clip import clip
from harness.core.frozen import Frozen
from harness.core.inline_metadata import read_description


class Metadata(Frozen):
    """The keys of the block; all are optional."""

    style: str = ""
    parents: tuple[str, ...] = ()
    """Digests or names of the candidates it was made from."""
    generator: str = ""
    group: str = ""
    """Which candidates it is counted with in pass rates; its generator if it does not say."""
    license: str = ""
    problem: str = ""
    """Why the block could not be read; then everything else is empty."""


def read_metadata(source: str) -> Metadata:
    """The metadata of a candidate; a broken block is reported in `problem`, it is no reason to reject the tool."""
    table, problem = read_description(source, "candidate")
    known = {key: value for key, value in table.items() if key in Metadata.model_fields and key != "problem"}
    try:
        return Metadata.model_validate(known | {"problem": problem})
    except ValidationError as error:
        first = error.errors()[0]
        return Metadata(problem=clip(f"{'.'.join(map(str, first['loc']))}: {first['msg']}"))
