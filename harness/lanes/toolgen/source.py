"""Source: the bytes of a candidate, or why they cannot be judged."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from dataclasses import dataclass
from pathlib import Path

from harness.core.clip import clip
from harness.core.digest import digest_bytes
from harness.core.status import Status
from harness.lane.pinned_file import Fault, FileFaultError, read_plain_file, text_fault

MAX_BYTES = 512 << 10


@dataclass(frozen=True, slots=True)
class Source:
    """What was found at a candidate's path.

    Attributes:
        data: Its bytes; empty where they cannot be judged.
        digest: Hex SHA-256 of the bytes, or of a description where there are none to judge.
        status: `ok`, or why nothing can be run.
        why: One sentence, for a status other than `ok`.
    """

    data: bytes
    digest: str
    status: Status = Status.OK
    why: str = ""

    @property
    def text(self) -> str:
        """The text, as far as it is UTF-8."""
        return self.data.decode("utf-8", "replace")


def read_source(path: Path) -> Source:
    """Read a candidate without following links, waiting for pipes or reading more than can be judged."""
    try:
        return _readable(read_plain_file(path, max_bytes=MAX_BYTES))
    except FileFaultError as fault:
        status = {Fault.LINK: Status.FORBIDDEN, Fault.REFUSED: Status.INFRA}.get(fault.kind, Status.CRASH)
        is_undecodable = fault.kind is Fault.ABSENT and "\\x" in path.name
        return _refused(status, "its file name is not UTF-8" if is_undecodable else str(fault), fault.detail)


def _refused(status: Status, why: str, description: str) -> Source:
    return Source(b"", digest_bytes(f"{why}\0{description}".encode("utf-8", "surrogateescape")), status, why)


def _readable(data: bytes) -> Source:
    digest = digest_bytes(data)
    if why := text_fault(data):
        return Source(data, digest, Status.CRASH, why)
    if b"coding" in data[:400]:  # a declared encoding would show the compiler another text than us
        try:
            encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        except SyntaxError as error:
            return Source(data, digest, Status.CRASH, clip(f"the declared encoding is unusable: {error}"))
        if encoding not in ("utf-8", "utf-8-sig"):
            return Source(data, digest, Status.CRASH, clip(f"the file declares {encoding}; a candidate is UTF-8"))
    return Source(data, digest)


def parse(source: Source) -> ast.Module | Source:
    """The syntax tree, or the source with a status that says why there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape in a candidate is no warning of ours
            return ast.parse(source.data, filename="candidate.py")
    except SyntaxError as error:
        where = f"line {error.lineno}: " if error.lineno else ""
        why = f"{where}{type(error).__name__}: {error.msg}"
    except (ValueError, OverflowError) as error:
        why = f"it cannot be parsed: {error}"
    except (RecursionError, MemoryError):
        why = "it is nested too deeply to be parsed"
    return Source(source.data, source.digest, Status.CRASH, clip(why))
