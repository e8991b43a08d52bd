"""Technique: the known optimization techniques, recognized by the words of a subject's name and labels."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from harness.dsl.mining.measurement import Measurement

_ATTENTION = "fmha|atten|attn|(?:^|[^a-z])mha(?:$|[^a-z])|softmax|sdpa|flash|cross.?entropy|logsumexp"


@dataclass(frozen=True, slots=True)
class Technique:
    """An optimization technique.

    Attributes:
        name: Name in facts, rules and invariants.
        apply: Instruction for applying it.
        rank: Order in which techniques are usually applied; prerequisites have a lower rank.
        is_invariant: Whether it is an invariant (what must hold) rather than a transformation (what helps).
        loose: Words that denote it only if the pattern `about` occurs in the name of the task or subject.
        about: Regular expression; empty without loose words.
    """

    name: str
    words: tuple[str, ...]
    apply: str
    rank: int = 1
    is_invariant: bool = False
    loose: tuple[str, ...] = ()
    about: str = ""

    def is_mentioned(self, words: set[str], about: str) -> bool:
        """Whether some of the words denote it."""
        if not words.isdisjoint(self.words):
            return True
        return not words.isdisjoint(self.loose) and re.search(self.about, about, re.IGNORECASE) is not None


MAX_LENGTH = 24  # maximum length of a word that can name a technique
KNOWN = (
    Technique(
        "Tiling",
        ("tiling", "tiled", "tile", "blocked", "blocking"),
        "Compute a tile of the result at once, so that each loaded element is used as often as the tile is wide.",
    ),
    Technique(
        "Swizzling",
        ("swizzling", "swizzled", "swizzle", "supertile", "l2order", "rasterized", "rasterization"),
        "Visit tiles in groups, so that tiles that are computed at the same time share their inputs in the cache.",
        rank=2,
        loose=("grouped", "grouping"),
        about="matmul|gemm|bmm|matrix|(?:^|[^a-z])mm(?:$|[^a-z])",
    ),
    Technique(
        "Online Softmax",
        ("onlinesoftmax", "flash", "flashattention"),
        "Keep a running maximum and sum, and rescale when the maximum grows: never materialize the full N x N matrix.",
        is_invariant=True,
        loose=("online", "streaming", "onepass"),
        about=_ATTENTION,
    ),
    Technique(
        "Fusion",
        ("fusion", "fused", "fuse", "flash", "flashattention"),
        "Fuse the loops, so that what one makes for the other never goes through global memory.",
        rank=2,
    ),
    Technique(
        "Pipelining",
        ("pipelining", "pipelined", "pipeline", "doublebuffer", "doublebuffered", "prefetch"),
        "Load the next blocks while the present ones are computed.",
        rank=3,
    ),
    Technique("Persistence", ("persistent", "persistence"), "Let one program per processor walk many tiles.", rank=4),
    Technique("Occupancy", ("occupancy",), "Start as many programs as the device can keep going.", rank=2),
    Technique("Vectorization", ("vectorization", "vectorized", "vectorised", "simd"), "Move and compute vectors."),
    Technique("Split-K", ("splitk",), "Split the inner dimension over programs, and add the parts.", rank=4),
    Technique("Tensor Memory Accelerator", ("tma",), "Let the copy engine move blocks.", rank=4),
    Technique("Tensor Cores", ("tensorcores", "mma", "wmma"), "Let the matrix units multiply."),
    Technique("Autotuning", ("autotuning", "autotuned", "autotune", "autotuner"), "Search the configurations.", rank=9),
    Technique("Memoization", ("memoization", "memoized", "cached"), "Keep what was computed, and look it up."),
)
_STEP_WORD = re.compile(r"(?<=^step)(?=\d)|(?<=^stage)(?=\d)|(?<=^level)(?=\d)|(?<=^l)(?=\d)|(?<=^v)(?=\d)")
_STEP = re.compile(
    r"(?:^|[^A-Za-z0-9])(?:step|level|stage|kernel|phase)[ _-]?(\d{1,3})(?![0-9])|^[lvk](\d{1,2})(?=[^A-Za-z0-9]|$)"
    r"|^(\d{1,2})[ _.-]",
    re.IGNORECASE,
)
_CODE = re.compile(r"\d+|(?=[0-9a-f]*\d)[0-9a-f]{2,}|[a-z]?\d[0-9a-z]{7,}|(?:l|v|step|stage|level)\d+")
"""Numbers, digests and step numbers."""
_LIBRARIES = frozenset({"pytorch", "torch", "cublas", "cudnn", "sdpa", "cutlass", "library", "numpy", "vendor"})
_BASELINES = frozenset("naive baseline base reference ref simple original plain default unoptimized vanilla".split())
_PLAIN = _BASELINES | frozenset(
    """step stage kernel kernels version final best impl py the of and with for cuda triton torch pytorch gpu cpu
    fp16 bf16 fp32 fp64 tf32 matmul gemm bmm fmha mha attention softmax level v unknown other loop loops good
    candidate cand cfg config variant tool seed repaired test run trial subject case gen generation id sm out new old
    opt optimized improved fast slow no not without load loads manual""".split()
)


def words_of(measurement: Measurement) -> list[str]:
    """The words of a subject's name and labels, in order, each once."""
    return list(dict.fromkeys(word for text in (measurement.subject, *measurement.labels) for word in words_in(text)))


def words_in(text: str) -> list[str]:
    """The words of a string: `L3 splitK_tiled2` has l, 3, split, k, tiled, 2; `im2col` stays one."""
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", text)
    parts = [part.lower() for part in re.split(r"[^A-Za-z0-9]+", spaced) if part]
    return [word for part in parts for word in _STEP_WORD.split(part) if word]


def step_of(name: str) -> float | None:
    """The number of a step in its name: `step2_tiled`, `L3 Swizzled`, `04-fused`."""
    match = _STEP.search(name)
    return None if match is None else float(next(group for group in match.groups() if group))


def known_in(words: Iterable[str], about: str = "") -> dict[str, Technique]:
    """The known techniques that the words denote; adjacent words are also joined, so that `split_k` is `splitk`.

    Args:
        about: Its task and name, for words whose meaning depends on them.
    """
    words = [re.sub(r"\d+$", "", word) or word for word in words]
    every = {*words, *(a + b for a, b in itertools.pairwise(words))}
    return {technique.name: technique for technique in KNOWN if technique.is_mentioned(every, about)}


def distinctive_words(words: Iterable[str], about: str = "") -> list[str]:
    """The words that may name an unknown technique: not known, not generic, not a number, not a digest."""
    words = list(words)
    taken = {word for technique in known_in(words, about).values() for word in (*technique.words, *technique.loose)}
    joined = {a + b: (a, b) for a, b in itertools.pairwise(words)}
    taken |= {part for both, parts in joined.items() if both in taken for part in parts}
    return [
        word
        for word in words
        if 1 < len(word) <= MAX_LENGTH
        and word not in _PLAIN
        and word not in taken
        and re.sub(r"\d+$", "", word) not in _PLAIN | taken
        and not _CODE.fullmatch(word)
    ]


def technique_named_by(words: Iterable[str]) -> Technique:
    """An unknown technique, named by the words of its subjects."""
    words = list(words)
    return Technique(" ".join(word.capitalize() for word in words), tuple(words), f"Use {' '.join(words)}.")


def is_library(measurement: Measurement) -> bool:
    """Whether a subject is an existing library: a reference, not a step of the ladder."""
    return not _LIBRARIES.isdisjoint(words_of(measurement))


def is_baseline(measurement: Measurement) -> bool:
    """Whether a subject's name or labels say that it is the baseline."""
    return not _BASELINES.isdisjoint(words_of(measurement))


def is_attention(measurement: Measurement) -> bool:
    """Whether the task normalises scores: then a single pass over them uses the online method."""
    return re.search(_ATTENTION, about(measurement), re.IGNORECASE) is not None


def about(measurement: Measurement) -> str:
    """The context in which the words of a subject are interpreted: its task and name."""
    return f"{measurement.task} {measurement.subject}"
