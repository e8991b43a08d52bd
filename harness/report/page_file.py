"""Page file: where a page may be written; no other file is replaced by one. Imports nothing heavy."""

from __future__ import annotations

from pathlib import Path

from harness.core.errors import UsageError
from harness.core.named_path import read_file

DOCTYPE = b"<!doctype html>"  # the first bytes of every page


def require_page(path: Path) -> None:
    """Refuse to replace a file that has content and is not a page; a device or a pipe is not read.

    Raises:
        UsageError: if there is such a file.
    """
    try:
        begin = read_file(path, len(DOCTYPE)) if path.is_file() else b""
    except (OSError, ValueError):
        return  # writing reports it
    if begin.strip() and not begin.lower().startswith(DOCTYPE):
        fix = "name another place with --report, or remove this file"
        raise UsageError("this file is not a page, so no report replaces it", where=str(path), fix=fix)
