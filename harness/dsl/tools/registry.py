"""Registry: tools that other packages add to the language."""

from __future__ import annotations

import functools
from importlib.metadata import entry_points
from typing import Protocol

from harness.core.errors import InfraError
from harness.dsl.tools.request import Request, Response

GROUP = "crucible.dsl_tools"


class PluginTool(Protocol):
    """What an entry point of the group `crucible.dsl_tools` loads; its name is the tool's (`fetch` is `tool.fetch`)."""

    semantics: str
    """`pure`, `idempotent` or `once`: what repeating it means."""

    def perform(self, request: Request) -> Response:
        """Have the effect.

        Raises:
            ToolFault: if it cannot.
        """
        ...


@functools.cache
def plugin_tools() -> dict[str, PluginTool]:
    """All of them, by full name.

    Raises:
        InfraError: if one cannot be loaded; the message names its package.
    """
    found: dict[str, PluginTool] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        try:
            found[f"tool.{point.name}"] = point.load()
        except Exception as error:
            raise InfraError(
                f"the tool {point.name!r} cannot be loaded: {error}", where=point.value, fix="repair or remove it"
            ) from error
    return found
