"""Questions: all questions of one tool in one run, with the right answers."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from harness.core.digest import derive_seed, digest_json
from harness.core.errors import SpecError, position
from harness.lanes.toolgen.annotation_kinds import Kind
from harness.lanes.toolgen.batch_size import BatchSize
from harness.lanes.toolgen.checked_answer import check_answer
from harness.lanes.toolgen.edges import derived_edges, extremes
from harness.lanes.toolgen.idempotence import IDEMPOTENT, difference, own_answer
from harness.lanes.toolgen.oracle import Oracle
from harness.lanes.toolgen.reply import Reply
from harness.lanes.toolgen.sampler import sample_inputs
from harness.lanes.toolgen.shown_value import show_json, show_reply
from harness.lanes.toolgen.tool_spec import Tool
from harness.sandbox.codec import decode, encode
from harness.sandbox.fault import BoxFault
from harness.sandbox.frame_reader import FREE_BYTES, GROWTH

PROPERTY_INPUTS = 5  # number of sampled inputs on which each property is checked
SHARE_OF_EXTRAS = 8  # each further attempt gets one extra input per this number of sampled inputs

HONEST_FACTOR, MIN_SHORT_SECONDS = 5.0, 0.1
"""A call within the short limit of a search may take this many times what the reference takes, and at least so long."""

Origin = Literal["example", "drawn", "edge", "extra", "derived", "workload"]


@dataclass(frozen=True, slots=True)
class Question:
    """One call of the candidate.

    Attributes:
        key: `codec.encode` of the keyword arguments.
        expected: The right reply; None where only crashes and determinism are judged.
        honest_seconds: CPU seconds of the reference; None where it was not asked.
    """

    origin: Origin
    key: bytes
    expected: Reply | None
    honest_seconds: float | None = None

    @property
    def reference_seconds(self) -> float | None:
        """The CPU seconds with which a candidate's are compared: not on edge inputs."""
        return None if self.origin == "edge" else self.honest_seconds

    @property
    def due(self) -> int:
        """Length of the right answer in bytes; 0 where it is unknown."""
        return len(self.expected.payload) if self.expected is not None else 0


@dataclass(frozen=True, slots=True)
class Trial:
    """A check of one property on one input; all attempts use the same seed, so that their answers can be compared.

    The index is that of the oracle's property, or -1 for the tool's own `idempotent`.
    """

    index: int
    name: str
    key: bytes
    seed: int


@dataclass(frozen=True, slots=True)
class Questions:
    """All questions of one tool in one run.

    Attributes:
        oracle: Its trusted code; None for a tool with examples only.
        shared: Questions of every attempt: examples, sampled inputs, and the oracle's own edge inputs.
        extras: Additional questions of each attempt; the first attempt has none.
        trials: Checks of properties on sampled inputs, in every attempt.
        derived: Edge inputs derived from annotations, which the oracle does not define; they count for robustness only.
        batch_size: How many of them are asked at once where calls are timed.
    """

    tool: Tool
    oracle: Oracle | None
    shared: tuple[Question, ...]
    extras: tuple[tuple[Question, ...], ...]
    trials: tuple[Trial, ...]
    derived: tuple[Question, ...]
    seed: int
    digest: str
    batch_size: BatchSize = field(default_factory=BatchSize, compare=False)

    @property
    def surprise(self) -> str:
        """A warning about a reference that raises an exception not listed in RAISES; empty without one."""
        if self.oracle is None or self.oracle.has_raises:
            return ""
        for question in (*self.shared, *(one for group in self.extras for one in group)):
            expected = question.expected
            if expected is not None and expected.kind == "raised" and question.origin in ("drawn", "extra"):
                return (
                    f"the reference of {self.tool.spec.tool_id} raised {expected.exception} on "
                    f"{show_json(question.key, limit=120)}, which counts as the right answer; define "
                    f"RAISES = ({expected.exception},) in oracle.py if it is, or correct the reference"
                )
        return ""

    def short_limit(self, full: float) -> float:
        """A limit in seconds on a call by which a search finds endless loops, which are common among edits.

        Args:
            full: The limit of a full verdict, which is not exceeded.
        """
        honest = max((question.honest_seconds or 0.0 for question in self.shared), default=0.0)
        return min(full, max(MIN_SHORT_SECONDS, HONEST_FACTOR * honest))

    @property
    def is_judged_by_accept(self) -> bool:
        """Whether the oracle's `accept` decides, so that several answers may be right."""
        return self.oracle is not None and self.oracle.defines("accept")

    def is_expected(self, question: Question, reply: Reply) -> bool:
        """Whether a reply is right because it equals the known answer; `right` makes a coroutine to say so."""
        return reply == question.expected and not self.is_judged_by_accept

    async def right(self, question: Question, reply: Reply) -> bool:
        """Whether a reply is right; always true where the right answer is unknown.

        Raises:
            SpecError: if the oracle's `accept` fails.
            BoxFault: if it ends, or does not return, on this reply only.
        """
        if question.expected is None:
            return True
        if self.is_judged_by_accept and self.oracle is not None and question.expected.kind == "value":
            if reply.kind != "value" or is_oversized(reply.payload, question.key, question.expected.payload):
                return False
            accepts, key, expected = self.oracle.accepts, question.key, question.expected.payload
            try:
                return await check_answer(
                    self.oracle,
                    lambda seconds: accepts(key, reply.payload, seconds=seconds),
                    lambda: accepts(key, expected),
                    asked=key,
                )
            except SpecError as error:
                # The oracle is at fault only if it fails on the right answer too.
                if error is self.oracle.failed.get(key):
                    raise
                await accepts(key, expected)
                return False
        return reply.is_same(question.expected, self.tool.spec.compare)


async def right_alone(questions: Questions, question: Question, reply: Reply) -> bool:
    """As `Questions.right`; false for a reply that cannot be checked."""
    try:
        return await questions.right(question, reply)
    except BoxFault:
        return False


def is_oversized(payload: bytes, key: bytes, expected: bytes) -> bool:
    """Whether an answer is much larger than the right one; trusted code then does not check it."""
    return len(payload) > FREE_BYTES + GROWTH * (len(key) + len(expected))


async def build_questions(
    tool: Tool, oracle: Oracle, *, secret_seed: int, count: int, attempts: int, folder: Path
) -> Questions:
    """Build the questions of a tool in this run.

    Args:
        count: Number of distinct sampled inputs.
        attempts: Number of attempts; all but the first get extra inputs.
        folder: The folder in which sampled inputs are kept for other processes of this run.

    Raises:
        SpecError: if the oracle fails, or contradicts the tool's examples.
        InfraError: if sampling inputs exceeds its time limit.
    """
    await oracle.start()
    known = oracle if tool.oracle else None
    seed = derive_seed(secret_seed, "toolgen", tool.digest)
    asked: set[bytes] = set()
    examples = [await _example(tool, known, index, asked) for index in range(len(tool.spec.test_cases))]
    if known is None:  # with an oracle, the property is checked on sampled inputs
        examples += own_answers(tool, asked)
    hostile = tuple(derived_edges(tool.kinds, _base(tool))) if known and not known.defines("edges") else ()
    # One more than needed: Hypothesis starts every sample with the simplest value, which is among the shared inputs.
    counts = (count, *([1 + max(1, count // SHARE_OF_EXTRAS)] * (attempts - 1)))
    samples = await sample_inputs(tool, oracle, secret_seed=secret_seed, counts=counts, edges=hostile, folder=folder)
    first = await _ask_oracle(known, samples.inputs[0], "drawn", asked)
    if known and len(first) > 1 and all(one.expected and one.expected.kind == "raised" for one in first):
        raise SpecError(
            f"the reference raises {first[0].expected.exception if first[0].expected else ''} on every sampled input, "
            f"e.g. {show_json(first[0].key, limit=200)}",
            where=position(tool.oracle or tool.path),
            fix="correct reference(), or let inputs() return only inputs that it can answer",
        )
    edges = await _edges(tool, known, asked)
    trials = _trials(tool, known, samples.inputs[0], seed)
    if known:
        await _require_idempotent(tool, known, [trial.key for trial in trials if trial.index < 0])
    extras = [()] + [tuple(await _ask_oracle(known, keys, "extra", asked)) for keys in samples.inputs[1:]]
    derived = [Question("derived", key, reply) for key, reply in samples.edges if key not in asked]
    shared = (*(one for one in examples if one is not None), *first, *edges)
    keys = [question.key.decode("ascii") for question in (*shared, *(one for group in extras for one in group))]
    return Questions(
        tool=tool,
        oracle=known,
        shared=shared,
        extras=tuple(extras),
        trials=tuple(trials),
        derived=tuple(derived),
        seed=seed,
        digest=digest_json(keys),
    )


async def _example(tool: Tool, oracle: Oracle | None, index: int, asked: set[bytes]) -> Question | None:
    example = tool.spec.test_cases[index]
    key, wanted = encode(example.input), Reply("value", tool.spec.compare.encode(example.expected_output))
    if key in asked:
        return None
    asked.add(key)
    if oracle is None:
        return Question("example", key, wanted)
    found = await oracle.reply(key)
    same, answer = found.reply.is_same(wanted, tool.spec.compare), found.reply.payload
    if not (await oracle.accepts(key, wanted.payload) if oracle.defines("accept") else same):
        raise SpecError(
            f"test case {index + 1} expects {show_json(wanted.payload, limit=120)}, but the reference "
            f"{'returned ' * (found.reply.kind == 'value')}{show_reply(found.reply, other=wanted.payload)}",
            where=position(tool.oracle or tool.path),
            fix="correct the test case or the reference"
            + ("; keys of YAML and JSON are strings, others are {$dict: [[key, value]]}" if b"$dict" in answer else ""),
        )
    return Question("example", key, wanted, found.cpu_seconds)


async def _ask_oracle(
    oracle: Oracle | None, keys: tuple[bytes, ...], origin: Origin, asked: set[bytes]
) -> list[Question]:
    found: list[Question] = []
    for key in keys:
        if key in asked:
            continue
        asked.add(key)
        timed = await oracle.reply(key) if oracle else None
        found.append(Question(origin, key, timed.reply, timed.cpu_seconds) if timed else Question(origin, key, None))
    return found


async def _edges(tool: Tool, oracle: Oracle | None, asked: set[bytes]) -> list[Question]:
    if oracle is None or not oracle.defines("edges"):
        return []
    found: list[Question] = []
    for key in await oracle.edges():
        kwargs = decode(key)
        misfit = tool.signature.misfit(kwargs) if isinstance(kwargs, dict) else "an edge input is not a dictionary"
        if misfit:
            raise SpecError(f"edges() does not match the signature: {misfit}", where=position(tool.oracle or tool.path))
        if key not in asked:
            asked.add(key)
            timed = await oracle.reply(key, any_error=True)
            found.append(Question("edge", key, timed.reply, timed.cpu_seconds))
    return found


def own_answers(tool: Tool, asked: set[bytes]) -> list[Question]:
    """For an idempotent tool and each test case, the question whose first argument is the expected answer.

    Raises:
        SpecError: if another test case expects a different answer to it.
    """
    if IDEMPOTENT not in tool.spec.properties:
        return []
    comparison = tool.spec.compare
    expected = {encode(case.input): comparison.encode(case.expected_output) for case in tool.spec.test_cases}
    found: list[Question] = []
    for case in tool.spec.test_cases:
        key, answer = own_answer(tool, case.input, case.expected_output), comparison.encode(case.expected_output)
        if not comparison.same(answer, expected.get(key, answer)):
            what = f"the test cases are not idempotent: {difference(tool, answer, expected[key])}"
            fix = f"correct the test cases, or remove {IDEMPOTENT} from the tool's properties"
            raise SpecError(what, where=position(tool.path), fix=fix)
        if key not in asked:
            asked.add(key)
            found.append(Question("example", key, Reply("value", answer)))
    return found


async def _require_idempotent(tool: Tool, oracle: Oracle, keys: list[bytes]) -> None:
    for key in keys:
        reply = (await oracle.reply(key, any_error=True)).reply
        if reply.kind != "value":
            continue
        again = await oracle.reply(own_answer(tool, decode(key), decode(reply.payload)), any_error=True)
        if not again.reply.is_same(reply, tool.spec.compare):
            what = f"the reference is not idempotent: {difference(tool, reply.payload, again.reply.payload)}"
            fix = f"correct the reference, or remove {IDEMPOTENT} from the tool's properties"
            raise SpecError(what, where=position(tool.oracle or tool.path), fix=fix)


def _trials(tool: Tool, oracle: Oracle | None, sample: tuple[bytes, ...], seed: int) -> list[Trial]:
    if oracle is None or not sample:
        return []
    found: list[Trial] = []
    own = [(-1, IDEMPOTENT)] if IDEMPOTENT in tool.spec.properties else []
    for index, name in (*enumerate(oracle.properties), *own):
        rng = random.Random(derive_seed(seed, "property", index))  # noqa: S311 - the seed is the secret
        picked = rng.sample(sample, min(PROPERTY_INPUTS, len(sample)))
        found += [Trial(index, name, key, derive_seed(seed, "property", index, key.hex())) for key in picked]
    return found


def _base(tool: Tool) -> dict[str, Any]:
    """An ordinary input; each derived edge input changes one of its parameters."""
    if tool.spec.test_cases:
        return tool.spec.test_cases[0].input
    return {one.name: _ordinary(tool.kinds[one.name]) for one in tool.signature.parameters if one.name in tool.kinds}


def _ordinary(kind: Kind) -> Any:
    plain: dict[str, Any] = {"int": 1, "float": 1.0, "str": "a", "bool": True, "bytes": b"a", "none": None, "any": [1]}
    return plain[kind] if isinstance(kind, str) else next(extremes(kind), None)
