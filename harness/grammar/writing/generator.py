"""Generator: new valid files from valid ones, by random changes that the grammar allows."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from harness.grammar.engine.node import Leaf
from harness.grammar.engine.parse_result import Parse
from harness.grammar.engine.parser import parse
from harness.grammar.host.tree_view import PathError
from harness.grammar.language.expression import Literal
from harness.grammar.language.grammar import Checks, Grammar
from harness.grammar.language.primitive import Kind
from harness.grammar.writing.builder import build
from harness.grammar.writing.encoding import WriteError

MAX_CHANGES = 8  # values that one generated file changes
_MAX_TRIES = 40  # changes that are tried for one file; most that fail are of numbers that steer the parse
_MAX_REPEATS = 4  # files made for each one that is wanted; a change may give the same file again
_LETTERS = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def generate(grammar: Grammar, samples: list[bytes], *, count: int, seed: int) -> Iterator[bytes]:
    """Yield files that the grammar parses without errors, each different from the samples.

    A file is a sample with up to `MAX_CHANGES` random values; lengths, positions and checksums follow, and a change
    after which the file is not valid is left out. What a grammar does not state is not kept.

    Args:
        grammar: The grammar.
        samples: Valid files; those with errors are not used.
        count: Number of files; fewer are made if changes are not possible.
        seed: The same seed gives the same files.

    Raises:
        WriteError: if no sample is valid.
    """
    valid = [data for data in samples if not (found := parse(grammar, data)).errors and found.records]
    if not valid:
        raise WriteError("no sample is valid: generation starts from valid files")
    known = set(samples)
    rng = random.Random(seed)  # noqa: S311 - a test input, not a secret
    for _ in range(count * _MAX_REPEATS):
        made = _one(grammar, rng.choice(valid), rng)
        if made not in known:
            known.add(made)
            count -= 1
            yield made
        if not count:
            return


def _one(grammar: Grammar, data: bytes, rng: random.Random) -> bytes:
    wanted = rng.randint(1, MAX_CHANGES)
    done = 0
    for _ in range(_MAX_TRIES):
        found = parse(grammar, data)
        places = [(span.path, span.leaf) for span in found.leaves() if _is_free(span.leaf)]
        inner = [(path, leaf) for path, leaf in _processed(found) if _is_free(leaf)]
        if not places and not inner:
            break
        path, leaf = rng.choice(places + inner)
        try:
            data = build(grammar, found, {path: _value(grammar, leaf, rng)})
        except (WriteError, PathError):
            continue
        done += 1
        if done >= wanted:
            break
    return data


def _processed(found: Parse) -> Iterator[tuple[str, Leaf]]:
    """The leaves in processed bytes, which have no place in the file."""
    for path, record in found.walk():
        if record.buffer.origin is not None:
            yield from ((f"{path}.{name}", node) for name, node in record.parts() if isinstance(node, Leaf))


def _is_free(leaf: Leaf) -> bool:
    field, checks = leaf.field, leaf.field.checks
    if field.compute is not None or field.checksum is not None or leaf.value is None or isinstance(leaf.value, tuple):
        return False
    return checks is None or (checks.equals is None and checks.all_bytes is None)


def _value(grammar: Grammar, leaf: Leaf, rng: random.Random) -> Any:
    checks, kind = leaf.field.checks, leaf.primitive
    if checks is not None and checks.constants:
        return rng.choice(sorted(checks.constants, key=repr))
    if isinstance(leaf.value, str):
        return "".join(rng.choices(_LETTERS, k=_length(len(leaf.value), leaf, rng)))
    if isinstance(leaf.value, bytes | memoryview):
        return rng.randbytes(_length(len(leaf.value), leaf, rng))
    enum = grammar.enums.get(leaf.field.enum or "")
    if enum is not None and checks is not None and checks.in_enum:
        return rng.choice(sorted(enum.labels))
    if isinstance(leaf.value, float):
        return float(rng.randint(-1000, 1000))
    bits = 8 if kind is None or not kind.width else kind.width if kind.bitwise else 8 * kind.width
    is_signed = kind is not None and kind.signed and kind.kind is not Kind.VARINT
    low, high = _range(checks, -(1 << bits - 1) if is_signed else 0, (1 << bits - is_signed) - 1)
    return rng.choice((low, high, rng.randint(low, high))) if low <= high else leaf.value


def _length(old: int, leaf: Leaf, rng: random.Random) -> int:
    is_fixed = isinstance(leaf.field.length, Literal) and leaf.field.delimiter is None
    return old if is_fixed or rng.random() < 0.5 else rng.randint(0, min(4096, 2 * old + 8))


def _range(checks: Checks | None, low: int, high: int) -> tuple[int, int]:
    if checks is not None and isinstance(checks.low, Literal) and isinstance(checks.low.value, int):
        low = max(low, checks.low.value)
    if checks is not None and isinstance(checks.high, Literal) and isinstance(checks.high.value, int):
        high = min(high, checks.high.value)
    return low, high
