"""Questions: all questions of one tool in one run, with the right answers; built once per process."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from harness.core.clip import clip
from harness.core.digest import derive_seed, digest_json
from harness.core.errors import SpecError, position
from harness.lane.watchdog import OverdueError, limited
from harness.lanes.toolgen.annotation_kinds import Kind
from harness.lanes.toolgen.edges import derived_edges, extremes
from harness.lanes.toolgen.idempotence import NAME, idempotent_property, own_answers, require_idempotent
from harness.lanes.toolgen.oracle import TRUSTED_SECONDS, Kwargs, Oracle, Reply, load_oracle
from harness.lanes.toolgen.sampler import sample_inputs
from harness.lanes.toolgen.tool_spec import Tool
from harness.sandbox.codec import CodecError, decode, encode
from harness.sandbox.frame_reader import FREE_BYTES, GROWTH

PROPERTY_INPUTS = 5
"""Number of sampled inputs on which each property is checked."""
SHARE_OF_EXTRAS = 8
"""Each further attempt gets one extra input per this number of sampled inputs."""

Origin = Literal["example", "drawn", "edge", "extra", "derived", "workload"]


@dataclass(frozen=True, slots=True)
class Question:
    """One call of the candidate.

    Attributes:
        origin: Where the input comes from.
        key: `codec.encode` of the keyword arguments.
        expected: The right reply; None where only crashes and determinism are judged.
        reference_seconds: CPU seconds of the reference; None where it was not asked, or its time is not compared.
    """

    origin: Origin
    key: bytes
    expected: Reply | None
    reference_seconds: float | None = None

    @property
    def due(self) -> int:
        """Length of the right answer in bytes; 0 where it is unknown."""
        return len(self.expected.payload) if self.expected is not None else 0


@dataclass(frozen=True, slots=True)
class Trial:
    """A check of one property on one input; all attempts use the same seed, so that their answers can be compared."""

    index: int
    name: str
    key: bytes
    seed: int


@dataclass(frozen=True, slots=True)
class Questions:
    """All questions of one tool in one run.

    Attributes:
        tool: The tool.
        oracle: Its trusted code; None for a tool with examples only.
        shared: Questions of every attempt: examples, sampled inputs, and the oracle's own edge inputs.
        extras: Additional questions of each attempt; the first attempt has none.
        trials: Checks of properties on sampled inputs, in every attempt.
        derived: Edge inputs derived from annotations, which the oracle does not define; they count for robustness only.
        seed: Seed of this tool in this run.
        digest: Digest of all inputs.
    """

    tool: Tool
    oracle: Oracle | None
    shared: tuple[Question, ...]
    extras: tuple[tuple[Question, ...], ...]
    trials: tuple[Trial, ...]
    derived: tuple[Question, ...]
    seed: int
    digest: str

    @property
    def surprise(self) -> str:
        """A warning about a reference that raises an exception not listed in RAISES; empty without one."""
        if self.oracle is None or self.oracle.raises is not None:
            return ""
        for question in (*self.shared, *(one for group in self.extras for one in group)):
            expected = question.expected
            if expected is not None and expected.kind == "raised" and question.origin in ("drawn", "extra"):
                return (
                    f"the reference of {self.tool.spec.tool_id} raised {expected.exception} on "
                    f"{clip(question.key.decode('ascii'), limit=120)}, which counts as the right answer; define "
                    f"RAISES = ({expected.exception},) in {self.oracle.path.name} if it is, or correct the reference"
                )
        return ""

    @property
    def is_judged_by_accept(self) -> bool:
        """Whether the oracle's `accept` decides, so that several answers may be right."""
        return self.oracle is not None and self.oracle.accept is not None

    def right(self, question: Question, reply: Reply) -> bool:
        """Whether a reply is right; always true where the right answer is unknown.

        Raises:
            SpecError: if the oracle's `accept` fails.
        """
        if question.expected is None:
            return True
        if self.is_judged_by_accept and self.oracle is not None and question.expected.kind == "value":
            if reply.kind != "value" or is_oversized(reply.payload, question.key, question.expected.payload):
                return False
            try:
                decode(reply.payload)
            except CodecError:
                return False
            try:
                return self.oracle.accepts(question.key, reply.payload)
            except SpecError:
                # The oracle is at fault only if it fails on the right answer too.
                self.oracle.accepts(question.key, question.expected.payload)
                return False
        return reply.is_same(question.expected, self.tool.spec.compare)


def is_oversized(payload: bytes, key: bytes, expected: bytes) -> bool:
    """Whether an answer is much larger than the right one; trusted code then does not check it."""
    return len(payload) > FREE_BYTES + GROWTH * (len(key) + len(expected))


_BUILT: dict[tuple[str, int, int, int], Questions] = {}


def questions_for(tool: Tool, *, secret_seed: int, count: int, attempts: int, scratch: Path) -> Questions:
    """The questions of a tool in this run, built at the first call in a process.

    Args:
        tool: The tool.
        secret_seed: The run's secret seed.
        count: Number of distinct sampled inputs.
        attempts: Number of attempts; all but the first get extra inputs.
        scratch: The folder shared by the processes of this run.

    Raises:
        SpecError: if the oracle fails, or contradicts the tool's examples.
        InfraError: if the sampler exceeds its time limit.
    """
    key = (tool.digest, secret_seed, count, attempts)
    if key not in _BUILT:
        if len(_BUILT) >= 32:
            _BUILT.pop(next(iter(_BUILT)))
        _BUILT[key] = _build(tool, secret_seed, count, attempts, scratch)
    return _BUILT[key]


def _build(tool: Tool, secret_seed: int, count: int, attempts: int, scratch: Path) -> Questions:
    oracle = _oracle(tool)
    seed = derive_seed(secret_seed, "toolgen", tool.digest)
    asked: set[bytes] = set()
    examples = [_example(tool, oracle, index, asked) for index in range(len(tool.spec.test_cases))]
    if oracle is None:  # with an oracle, the property is checked on sampled inputs
        examples += _own_answers(tool, asked)
    hostile = tuple(derived_edges(tool.kinds, _base(tool))) if oracle is not None and oracle.edges is None else ()
    # One more than needed: Hypothesis starts every sample with the simplest value, which is among the shared inputs.
    counts = (count, *([1 + max(1, count // SHARE_OF_EXTRAS)] * (attempts - 1)))
    samples = sample_inputs(tool, secret_seed=secret_seed, counts=counts, edges=hostile, scratch=scratch)
    first = _ask_oracle(oracle, samples.inputs[0], "drawn", asked)
    if oracle is not None and len(first) > 1 and all(one.expected and one.expected.kind == "raised" for one in first):
        raise SpecError(
            f"the reference raises {first[0].expected.exception if first[0].expected else ''} on every sampled input, "
            f"e.g. {clip(first[0].key.decode('ascii'), limit=200)}",
            where=position(oracle.path),
            fix="correct reference(), or let inputs() return only inputs that it can answer",
        )
    edges = _edges(tool, oracle, asked)
    trials = _trials(oracle, samples.inputs[0], seed)
    if oracle is not None and NAME in tool.spec.properties:
        require_idempotent(tool, oracle, [trial.key for trial in trials if trial.name == NAME])
    extras = [()] + [tuple(_ask_oracle(oracle, keys, "extra", asked)) for keys in samples.inputs[1:]]
    derived = [Question("derived", key, reply) for key, reply in samples.edges if key not in asked]
    shared = (*(one for one in examples if one is not None), *first, *edges)
    keys = [question.key.decode("ascii") for question in (*shared, *(one for group in extras for one in group))]
    return Questions(
        tool=tool,
        oracle=oracle,
        shared=shared,
        extras=tuple(extras),
        trials=tuple(trials),
        derived=tuple(derived),
        seed=seed,
        digest=digest_json(keys),
    )


def _oracle(tool: Tool) -> Oracle | None:
    if tool.oracle is None:
        return None
    kept = "no_mutation" in tool.spec.properties
    oracle = load_oracle(tool.oracle, tool.digest, comparison=tool.spec.compare, keep_arguments=kept)
    if NAME in tool.spec.properties:
        return replace(oracle, properties=(*oracle.properties, idempotent_property(tool)))
    return oracle


def _example(tool: Tool, oracle: Oracle | None, index: int, asked: set[bytes]) -> Question | None:
    example = tool.spec.test_cases[index]
    key, wanted = encode(example.input), Reply("value", tool.spec.compare.encode(example.expected_output))
    if key in asked:
        return None
    asked.add(key)
    seconds: float | None = None
    if oracle is not None:
        reply, seconds = oracle.timed_reply(key)
        same = reply.is_same(wanted, tool.spec.compare)
        if not (same if oracle.accept is None else oracle.accepts(key, wanted.payload)):
            raise SpecError(
                f"test case {index + 1} expects {clip(wanted.payload.decode('ascii'), limit=120)}, but the reference "
                f"returns {clip(reply.payload.decode('ascii', 'replace'), limit=120)}",
                where=position(oracle.path),
                fix="correct the test case or the reference",
            )
    return Question("example", key, wanted, seconds)


def _own_answers(tool: Tool, asked: set[bytes]) -> list[Question]:
    if NAME not in tool.spec.properties:
        return []
    found = [(key, answer) for key, answer in own_answers(tool) if key not in asked]
    asked.update(key for key, _ in found)
    return [Question("example", key, Reply("value", answer)) for key, answer in dict(found).items()]


def _ask_oracle(oracle: Oracle | None, keys: tuple[bytes, ...], origin: Origin, asked: set[bytes]) -> list[Question]:
    found: list[Question] = []
    for key in keys:
        if key in asked:
            continue
        asked.add(key)
        reply, seconds = oracle.timed_reply(key) if oracle else (None, None)
        found.append(Question(origin, key, reply, seconds))
    return found


def _edges(tool: Tool, oracle: Oracle | None, asked: set[bytes]) -> list[Question]:
    if oracle is None or oracle.edges is None:
        return []
    try:
        with limited(TRUSTED_SECONDS):
            listed: list[Kwargs] = list(oracle.edges())
        keys = [encode(kwargs) for kwargs in listed]
    except (Exception, SystemExit, OverdueError) as error:
        raise oracle.fault("edges", b"{}", error) from error
    found: list[Question] = []
    for kwargs, key in zip(listed, keys, strict=True):
        misfit = tool.signature.misfit(kwargs) if isinstance(kwargs, dict) else "an edge input is not a dictionary"
        if misfit:
            raise SpecError(f"edges() does not match the signature: {misfit}", where=position(oracle.path))
        if key not in asked:
            asked.add(key)
            found.append(Question("edge", key, oracle.reply(key, any_error=True)))
    return found


def _trials(oracle: Oracle | None, sample: tuple[bytes, ...], seed: int) -> list[Trial]:
    if oracle is None or not sample:
        return []
    found: list[Trial] = []
    for index, check in enumerate(oracle.properties):
        name = getattr(check, "__name__", f"property {index + 1}")
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
