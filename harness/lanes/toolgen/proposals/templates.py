"""Templates: working code for the tournament's tools, one file for each style."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from harness.core.errors import UsageError
from harness.core.nearest import nearest

_SUFFIX = ".py.txt"  # they are data here: neither imported nor checked as part of the package


@cache
def styles_of(tool_id: str) -> tuple[str, ...]:
    """The styles that a tool has templates for, in order; empty for a tool without templates."""
    folder = _templates() / tool_id
    if "/" in tool_id or not tool_id or not folder.is_dir():
        return ()
    return tuple(sorted(one.name.removesuffix(_SUFFIX) for one in folder.iterdir() if one.name.endswith(_SUFFIX)))


@cache
def tools() -> tuple[str, ...]:
    """The ids of all tools with templates."""
    folder = _templates()
    return tuple(sorted(one.name for one in folder.iterdir() if one.is_dir() and styles_of(one.name)))


def template(tool_id: str, style: str) -> str:
    """The source of a template.

    Raises:
        UsageError: if there is none; with the styles that there are.
    """
    styles = styles_of(tool_id)
    if not styles:
        fix = "give a candidate of your own: --candidate FILE for `toolgen`, `start:` in an evolve file"
        raise UsageError(f"no template for the tool {tool_id!r}{nearest(tool_id, tools())}", fix=fix)
    if style not in styles:
        raise UsageError(f"no template of style {style!r} for the tool {tool_id!r}{nearest(style, styles)}")
    return (_templates() / tool_id / f"{style}{_SUFFIX}").read_text(encoding="utf-8")


def _templates() -> Traversable:
    return files("harness.lanes.toolgen.proposals") / "templates"
