"""CheapChecks: the stages of the cascade that run nothing: is it Python, allowed, and new?"""

from __future__ import annotations

from dataclasses import dataclass

from harness.core.bounded_parse import parse
from harness.core.clip import clip
from harness.core.digest import digest_text
from harness.core.status import Status
from harness.evolve.normal_form import normal_form
from harness.lanes.toolgen.reading import read, rules_of
from harness.lanes.toolgen.tool_spec import Tool

MAX_BYTES = 256 << 10
"""Of a proposal; the ledger keeps no larger source."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What is known of a source without running it.

    Attributes:
        digest: Hex SHA-256 of its UTF-8 bytes.
        stage: `parse` or `gate` if it was rejected there; empty if it was not.
        status: The status of a rejected source.
        why: The reason.
        normal_form: Digest of the normal form; empty if it does not parse.
        size: Number of syntax elements of the normal form.
    """

    digest: str
    stage: str = ""
    status: Status = Status.OK
    why: str = ""
    normal_form: str = ""
    size: int = 0


def check(text: str, tool: Tool) -> Checked:
    """Parse a source, search it for forbidden APIs, and compute its normal form."""
    digest = digest_text(text)
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return Checked(digest, "parse", Status.CRASH, f"it has more than {MAX_BYTES} bytes")
    try:
        tree = parse(text)
        form, size = normal_form(tree)
        found = read(text.encode("utf-8", "surrogatepass"), rules_of(tool)).violations
    except SyntaxError as error:
        where = f"line {error.lineno}: " if error.lineno else ""
        return Checked(digest, "parse", Status.CRASH, clip(f"{where}{type(error).__name__}: {error.msg}"))
    except (ValueError, OverflowError) as error:
        return Checked(digest, "parse", Status.CRASH, clip(f"it cannot be parsed: {error}"))
    except (RecursionError, MemoryError):
        return Checked(digest, "parse", Status.CRASH, "it is nested too deeply to be parsed")
    if found:
        return Checked(digest, "gate", Status.FORBIDDEN, clip(f"it uses {found[0]}"), form, size)
    return Checked(digest, normal_form=form, size=size)
