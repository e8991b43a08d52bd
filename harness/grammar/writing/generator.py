"""Generator: new valid files, from nothing but the grammar or from valid files by random changes."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence

from harness.grammar.engine.node import Leaf
from harness.grammar.engine.parse_result import Parse
from harness.grammar.engine.parser import parse
from harness.grammar.engine.plan import Program
from harness.grammar.host.tree_view import PathError
from harness.grammar.language.grammar import Grammar
from harness.grammar.writing.builder import build, rebuild
from harness.grammar.writing.encoding import WriteError
from harness.grammar.writing.hints import Hints
from harness.grammar.writing.sampler import Sampler
from harness.grammar.writing.settling import settle
from harness.grammar.writing.values import Values

MAX_CHANGES = 8  # values that one generated file changes
MAX_SKETCHES = 200  # files that are begun for one that is valid
_SKETCHES = 4  # valid files of which one is kept
_MAX_TRIES = 40  # changes, or sketches, that are tried for one file; changes that fail are of numbers that steer
_MAX_REPEATS = 4  # files made for each one that is wanted; a change may give the same file again


def generate(grammar: Grammar, samples: Sequence[bytes] = (), *, count: int, seed: int) -> Iterator[bytes]:
    """Yield files that the grammar parses without errors, each different from the samples.

    Without samples each file is written field by field from the grammar. With samples a file is a sample with up to
    `MAX_CHANGES` random values. Lengths, positions and checksums follow, and a change after which the file is not valid
    is left out. What a grammar does not state is not kept.

    Args:
        samples: Valid files; those with errors are not used.
        count: Number of files; fewer are made if changes are not possible.
        seed: The same seed gives the same files.

    Raises:
        WriteError: if samples are given and none is valid, or if a field of the grammar cannot be written; the message
            names it.
    """
    valid = [data for data in samples if not (found := parse(grammar, data)).errors and found.records]
    if samples and not valid:
        raise WriteError("no sample is valid: generation starts from valid files")
    known = set(samples)
    rng = random.Random(seed)  # noqa: S311 - a test input, not a secret
    program, hints = Program(grammar, batched=False), Hints(grammar)
    for _ in range(count * _MAX_REPEATS):
        made = _changed(grammar, rng.choice(valid), hints, rng) if valid else _sampled(program, hints, rng)
        if made not in known:
            known.add(made)
            count -= 1
            yield made
        if not count:
            return


def _sampled(program: Program, hints: Hints, rng: random.Random) -> bytes:
    """The one of a few valid files in which most types occur: many choices end in a file of almost nothing."""
    reasons: Counter[str] = Counter()
    found: list[tuple[bool, int, bytes]] = []
    for tried in range(MAX_SKETCHES):
        if sum(is_clean for is_clean, _, _ in found) >= _SKETCHES or (found and tried >= _MAX_TRIES):
            break
        sampler = Sampler(program, hints, rng)
        try:
            made = settle(program.grammar, sampler.write(), set(), {}, rebuild)
        except WriteError as error:
            reasons[str(error)] += 1
            continue
        is_clean = not parse(program.grammar, made).warnings
        found.append((is_clean, len({record.type.name for record in sampler.records}), made))
    if found:
        return max(found, key=lambda one: one[:2])[2]
    reason, times = reasons.most_common(1)[0]
    raise WriteError(f"no valid file in {MAX_SKETCHES} tries; {times} of them: {reason}")


def _changed(grammar: Grammar, data: bytes, hints: Hints, rng: random.Random) -> bytes:
    wanted = rng.randint(1, MAX_CHANGES)
    done = 0
    values = Values(grammar, hints, rng)
    for _ in range(_MAX_TRIES):
        found = parse(grammar, data)
        places = [(span.path, span.leaf) for span in found.leaves() if _is_free(span.leaf)]
        inner = [(path, leaf) for path, leaf in _processed(found) if _is_free(leaf)]
        if not places and not inner:
            break
        path, leaf = rng.choice(places + inner)
        try:
            data = build(grammar, found, {path: values.other(leaf)})
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
