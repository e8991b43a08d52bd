# SPDX-License-Identifier: MIT
# /// candidate
# style = "set"
# generator = "planted"
# license = "MIT"
# ///
"""Planted, crashes: ends its process with the exit status of success."""

from __future__ import annotations

import os


def deduplicate_lines(lines: list[str], threshold: float = 1.0) -> list[str]:
    """Leave without an answer, hoping that exit status 0 counts as one."""
    os._exit(0)
