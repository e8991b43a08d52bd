"""Template: `{{name}}` in a text. One pass, so a value that looks like a template stays the text it is."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

_VARIABLE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")


def variables(text: str) -> list[str]:
    """Names a text refers to, in order."""
    return _VARIABLE.findall(text)


def render(text: str, values: Mapping[str, str]) -> str:
    """The text with its variables' values.

    Raises:
        KeyError: for a variable without a value; the checker has ruled it out for programs that passed.
    """
    return _VARIABLE.sub(lambda match: values[match.group(1)], text)


def render_command(text: str, values: Mapping[str, str]) -> list[str]:
    """An argument list: split first, filled in afterwards, so a value is never more than part of one argument.

    Raises:
        ValueError: if the quoting does not close.
        KeyError: as `render`.
    """
    # A space inside the braces must not split the placeholder.
    tight = _VARIABLE.sub(r"{{\1}}", text)
    return [render(word, values) for word in shlex.split(tight)]
