"""Metadata: what a candidate says of itself in a `# /// candidate` block. Claims, never evidence."""

from __future__ import annotations

import re
import tomllib

from pydantic import ValidationError

from harness.core.clip import clip
from harness.core.frozen import Frozen

# PEP 723's reference expression, for the type `candidate` only.
_BLOCK = re.compile(r"(?m)^# /// candidate[ \t]*$\s(?P<content>(^#(| .*)$\s)+)^# ///[ \t]*$")
LONGEST = 8192  # characters of a block; a longer one is no description


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
    if "# /// candidate" not in source:
        return Metadata()
    blocks = list(_BLOCK.finditer(source))
    if len(blocks) != 1:
        return Metadata(problem=f"{len(blocks)} well-formed candidate blocks where one is expected")
    content = blocks[0].group("content")
    if len(content) > LONGEST:
        return Metadata(problem=f"the candidate block has {len(content)} characters, at most {LONGEST} are read")
    lines = (line[2:] if line.startswith("# ") else line[1:] for line in content.splitlines())
    try:
        table = tomllib.loads("\n".join(lines))
        known = {key: value for key, value in table.items() if key in Metadata.model_fields and key != "problem"}
        return Metadata.model_validate(known)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return Metadata(problem=clip(f"not TOML: {error}"))
    except ValidationError as error:
        first = error.errors()[0]
        return Metadata(problem=clip(f"{'.'.join(map(str, first['loc']))}: {first['msg']}"))
