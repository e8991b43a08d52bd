"""CheapChecks: the stages of the cascade that run nothing: is it Python, allowed, and new?"""

from __future__ import annotations

from harness.core.bounded_parse import parse
from harness.core.clip import clip
from harness.core.digest import digest_text
from harness.core.status import Status
from harness.lane.breed import MAX_BYTES, Checked
from harness.lanes.toolgen.proposals.normal_form import normal_form
from harness.lanes.toolgen.reading import read_uses, rules_of
from harness.lanes.toolgen.tool_spec import Tool


def check(text: str, tool: Tool) -> Checked:
    """Parse a source, search it for forbidden APIs, and compute its normal form."""
    digest = digest_text(text)
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return Checked(digest, "parse", Status.CRASH, f"it has more than {MAX_BYTES >> 10} KiB")
    try:
        tree = parse(text.removeprefix("\ufeff"))  # as the box reads it
        form, size = normal_form(tree)
        _, found = read_uses(tree, text, rules_of(tool))
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
