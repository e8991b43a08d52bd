"""Loading: a grammar from a file or a string, and a binary file or bytes read with it, for Python callers."""

from __future__ import annotations

from pathlib import Path

from harness.core.errors import SpecError
from harness.core.named_path import read_file
from harness.grammar.engine.limits import DEFAULT, Limits
from harness.grammar.host.file_reader import load, parse_bytes
from harness.grammar.host.messages import ParseBinaryInput, ParseResult
from harness.grammar.language.finding import Finding
from harness.grammar.language.grammar import Grammar
from harness.grammar.language.lint import lint_text


class GrammarError(SpecError, ValueError):
    """A grammar that does not pass lint.

    Attributes:
        errors: Every error, in the order of the document, with line and column.
        name: The path of the grammar, or "grammar".
    """

    def __init__(self, errors: tuple[Finding, ...], name: str) -> None:
        first, more = errors[0], len(errors) - 1
        self.errors, self.name = errors, name
        rest = f" (and {more} more error{'s' if more > 1 else ''})" if more else ""
        super().__init__(first.message + rest, where=f"{name}:{first.line}:{first.column}", fix=first.hint)

    def __reduce__(self) -> tuple[object, ...]:
        return GrammarError, (self.errors, self.name)


def load_grammar(source: str | Path) -> Grammar:
    """Read and lint a grammar.

    Args:
        source: The path of a YAML file (a `Path`), or the YAML itself (a `str`).

    Raises:
        GrammarError: if lint finds an error; `errors` has all of them.
        OSError: if the file cannot be read.
    """
    text, name = (read_file(source).decode(), str(source)) if isinstance(source, Path) else (source, "grammar")
    found = lint_text(text, name=name)
    if found.grammar is None:
        raise GrammarError(found.errors, name)
    return found.grammar


def parse_binary(
    grammar: Grammar,
    source: str | Path | bytes,
    *,
    offset: int = 0,
    limit: int | None = None,
    max_records: int | None = None,
    limits: Limits = DEFAULT,
) -> ParseResult:
    """Read a binary file, or bytes, with a grammar.

    A fault in the data does not raise: it is in `errors` and `faults` of the result, next to the records read so far.

    Args:
        source: The path of a file, or its bytes.
        offset: Where to start, in bytes from the beginning.
        limit: Bytes to read from there; a record that crosses that end is left out, which is not a fault.

    Raises:
        OSError: if the file cannot be read.
    """
    data = source if isinstance(source, bytes) else load(Path(source))
    path = "" if isinstance(source, bytes) else source
    return parse_bytes(ParseBinaryInput(grammar, path, offset, limit, max_records, limits), data)
