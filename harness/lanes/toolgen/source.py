"""Source: the bytes of a candidate, or the reason why they cannot be judged."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

from harness.core.clip import clip
from harness.core.digest import digest_bytes
from harness.core.status import Status
from harness.lane.pinned_file import Fault, FileFaultError, read_plain_file, require_unchanged, text_fault

MAX_BYTES = 512 << 10  # of a candidate
_DECLARED = re.compile(rb"^(?:\xef\xbb\xbf)?[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
FENCE = "```"  # begins and ends a block of code in Markdown


@dataclass(frozen=True, slots=True)
class Source:
    """The source file of a candidate.

    Attributes:
        data: The bytes; empty if the file cannot be read.
        digest: Hex SHA-256 of the bytes, or of a description if the file cannot be read.
        status: `ok`, or the status of a candidate that cannot be run.
        why: The reason of a status other than `ok`.
    """

    data: bytes
    digest: str
    status: Status = Status.OK
    why: str = ""

    @property
    def text(self) -> str:
        """The bytes decoded as UTF-8 without a byte order mark; invalid bytes are replaced."""
        return self.data.decode("utf-8-sig", "replace")


def read_source(path: Path) -> Source:
    """Read a candidate; links are not followed, pipes do not block, and at most `MAX_BYTES` + 1 bytes are read."""
    try:
        return _readable(read_plain_file(path, max_bytes=MAX_BYTES))
    except FileFaultError as fault:
        status = {Fault.LINK: Status.FORBIDDEN, Fault.REFUSED: Status.INFRA}.get(fault.kind, Status.CRASH)
        is_undecodable = fault.kind is Fault.ABSENT and "\\" in path.name
        return _refused(status, "its file name is not printable UTF-8" if is_undecodable else str(fault), fault.detail)


def read_unchanged_source(path: Path, digest: str) -> Source:
    """Read a candidate that must still be as it was collected.

    Raises:
        InfraError: if it changed since.
    """
    source = read_source(path)
    require_unchanged(path, digest, source.digest)
    return source


def _refused(status: Status, why: str, description: str) -> Source:
    return Source(b"", digest_bytes(f"{why}\0{description}".encode("utf-8", "surrogateescape")), status, why)


def _readable(data: bytes) -> Source:
    digest = digest_bytes(data)
    if why := text_fault(data):
        return Source(data, digest, Status.CRASH, why)
    # The judge and the box compile the text, not the bytes, so a declaration changes neither; a file that Python itself
    # would read as other code is not judged. Its tokenizer ends lines at a carriage return, too.
    for line in re.split(rb"\r\n|\r|\n", data, maxsplit=2)[:2]:
        declared = _DECLARED.search(line)
        encoding = declared[1].decode("ascii").lower().replace("_", "-") if declared else "utf-8"
        if encoding not in ("utf-8", "utf8", "utf-8-sig"):
            return Source(data, digest, Status.FORBIDDEN, clip(f"the file declares {encoding}; a candidate is UTF-8"))
    return Source(data, digest)


def parse(source: Source) -> ast.Module | Source:
    """The syntax tree; for an invalid source, the source with a status and its reason."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings about a candidate's escapes do not concern the user
            return ast.parse(source.text, filename="candidate.py")
    except SyntaxError as error:
        where = f"line {error.lineno}: " if error.lineno else ""
        why = _markdown_fault(source.text, error.lineno or 0) or f"{where}{type(error).__name__}: {error.msg}"
    except (ValueError, OverflowError) as error:
        why = f"it cannot be parsed: {error}"
    except (RecursionError, MemoryError):
        why = "it is nested too deeply to be parsed"
    return Source(source.data, source.digest, Status.CRASH, clip(why))


def _markdown_fault(text: str, error_line: int) -> str:
    """Why a file with a syntax error in a 1-based line is Markdown; empty if it does not look like Markdown."""
    lines = text.split("\n")
    fences = [number for number, line in enumerate(lines, 1) if line.lstrip().startswith(FENCE)]
    if error_line in fences:
        first, *others = fences[fences.index(error_line) :]
        end = f", and the one in line {others[0]}" if others else ""
        return f"the file is Markdown, not Python: remove the {FENCE} fence in line {first}{end}"
    before = "\n".join(lines[: fences[0] - 1]) if fences else ""
    # Prose comes before the fence. A fence in a docstring is valid, and an unclosed docstring is another error.
    if not fences or error_line >= fences[0] or any(quotes in before for quotes in ('"""', "'''")):
        return ""
    return f"the file is Markdown, not Python: keep only the code inside the {FENCE} fence in line {fences[0]}"
