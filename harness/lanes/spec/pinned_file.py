"""Pinned files: a case names its files by path and digest, so that evaluation reads exactly what was collected."""

from __future__ import annotations

from pathlib import Path

from harness.core.digest import digest_bytes
from harness.core.errors import InfraError, SpecError

MAX_SAMPLE = 64 << 20  # bytes of a sample or hold-out file


def pin_sample(path: Path) -> dict[str, str]:
    """Name a sample by its path and the SHA-256 of its bytes.

    Raises:
        SpecError: if it is larger than MAX_SAMPLE.
    """
    if path.stat().st_size > MAX_SAMPLE:
        raise SpecError(f"larger than {MAX_SAMPLE} bytes", where=str(path), fix="choose a smaller sample")
    return {"path": str(path), "digest": digest_bytes(path.read_bytes())}


def read_pinned(entry: dict[str, str]) -> bytes:
    """Read a file named by `path` and `digest`.

    Raises:
        InfraError: if its bytes have another digest.
    """
    data = Path(entry["path"]).read_bytes()
    if digest_bytes(data) != entry["digest"]:
        raise InfraError("the file changed since it was collected", where=entry["path"], fix="run again")
    return data
