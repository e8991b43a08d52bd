"""Provenance: the machine, commit and versions of a run, which may explain why two runs differ."""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def machine() -> str:
    """A class of machines whose numbers may be compared: system, processor model and cores."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return f"{platform.system()} {platform.machine()}, {model}, {os.cpu_count()} cores"


def git_commit(folder: Path) -> str:
    """The commit checked out in a folder; empty where there is none."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        found = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=False
        )
        return found.stdout.strip() if found.returncode == 0 else ""
    return ""


def versions() -> dict[str, str]:
    """Versions that may explain why two runs differ."""
    found = {"python": platform.python_version(), "pytest": version("pytest")}
    with contextlib.suppress(PackageNotFoundError):
        found["pytest-crucible"] = version("pytest-crucible")
    return found
