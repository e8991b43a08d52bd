"""Replaced file: writes a file that other processes see whole, before and after."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def replace_file(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Replace a file by a new one, all or nothing; a link in its place is replaced, not followed.

    Raises:
        OSError: if it cannot be written; nothing is left then.
    """
    # Not by `tempfile`, whose import would be a tenth of the start of a short command.
    new = path.parent / f".new-{os.urandom(8).hex()}"
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        new.chmod(mode)
        new.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            new.unlink()
        raise
