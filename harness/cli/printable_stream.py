"""PrintableStream: strings that verbs print do nothing to a terminal or a CI log, also those of candidates."""

from __future__ import annotations

from typing import Any, TextIO

from harness.core.printable import printable_lines


class PrintableStream:
    """A text stream that prints nothing but printable lines; everything else is as of the stream itself.

    Attributes:
        raw: The stream itself, for colours and for documents that go into a file or a pipe.
    """

    def __init__(self, raw: TextIO) -> None:
        self.raw = raw

    def write(self, text: str) -> int:
        """Write a string, escaped; returns its length."""
        self.raw.write(printable_lines(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)


def raw(stream: TextIO) -> TextIO:
    """The stream below a `PrintableStream`, or the stream itself."""
    return stream.raw if isinstance(stream, PrintableStream) else stream
