"""Resources of this process: memory, and threads where limits leave room for them."""

from __future__ import annotations

import resource
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.core.errors import InfraError


def mapped_bytes() -> int:
    """The size of this process's address space, which `RLIMIT_AS` bounds; 0 where the system does not report it."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def start_thread(work: Callable[..., Any], *arguments: Any, name: str) -> threading.Thread:
    """Start a daemon thread.

    Raises:
        InfraError: if a limit on memory or on processes leaves no room for it.
    """
    thread = threading.Thread(target=work, args=arguments, name=name, daemon=True)
    try:
        thread.start()
    except (RuntimeError, MemoryError) as error:
        fix = "raise the limit on memory (`ulimit -v`) or on processes (`ulimit -u`), or use fewer workers"
        raise InfraError(f"no thread can be started: {str(error) or 'out of memory'}", fix=fix) from error
    return thread
