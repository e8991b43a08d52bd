"""Registry: tools that other packages add through entry points."""

from __future__ import annotations

import functools
from importlib.metadata import entry_points
from typing import Protocol

from harness.core.errors import InfraError
from harness.dsl.tools.request import Request, Response

GROUP = "crucible.dsl_tools"


class PluginTool(Protocol):
    """An object that an entry point of the group `crucible.dsl_tools` loads; its name `fetch` means `tool.fetch`."""

    semantics: str
    """`pure`, `idempotent` or `once`: whether it may be repeated."""

    def perform(self, request: Request) -> Response:
        """Perform the effect.

        Raises:
            ToolFault: if it cannot be performed.
        """


@functools.cache
def plugin_tools() -> dict[str, PluginTool]:
    """All installed plugin tools by full name.

    Raises:
        InfraError: if one cannot be loaded; the message names its package.
    """
    found: dict[str, PluginTool] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        try:
            found[f"tool.{point.name}"] = point.load()
        except Exception as error:
            what = f"the tool {point.name!r} cannot be loaded: {error}"
            raise InfraError(what, where=point.value, fix="repair or remove it") from error
    return found
