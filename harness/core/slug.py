"""Slug: a name as a part of a node id."""

from __future__ import annotations

import re


def slug(text: str) -> str:
    """A node-id-safe name: letters, digits, `_`, `.` and `-`; never empty, never ending in something xdist rewrites.

    Hyphens of the source survive, other characters become one hyphen; case is kept so that file stems stay readable.
    """
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-.") or "unnamed"
