"""Technique: which known way of making things fast a subject's words speak of."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from harness.dsl.mining.measurement import Measurement

_ATTENTION = "fmha|atten|attn|(?:^|[^a-z])mha(?:$|[^a-z])|softmax|sdpa|flash|cross.?entropy|logsumexp"


@dataclass(frozen=True, slots=True)
class Technique:
    """A way of making things fast.

    Attributes:
        name: As laws call it.
        words: Words of subjects that have it.
        apply: What to do.
        rank: Its place on the usual ladder: what it is built upon has a lower one.
        is_law: Whether it is an invariant (what must hold) rather than a transformation (what helps).
        loose: Words that mean it only where `about` is found in the task's or the subject's name.
        about: Empty if there are no loose words.
    """

    name: str
    words: tuple[str, ...]
    apply: str
    rank: int = 1
    is_law: bool = False
    loose: tuple[str, ...] = ()
    about: str = ""

    def spoken(self, words: set[str], about: str) -> bool:
        """Whether some words of something speak of it."""
        if not words.isdisjoint(self.words):
            return True
        return not words.isdisjoint(self.loose) and re.search(self.about, about, re.IGNORECASE) is not None


LONGEST = 24
"""Letters of a word that may name a technique; longer ones are no words."""
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
        is_law=True,
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
"""Numbers, digests, places in a ladder."""
_YARDSTICKS = frozenset({"pytorch", "torch", "cublas", "cudnn", "sdpa", "cutlass", "library", "numpy", "vendor"})
_BASELINES = frozenset("naive baseline base reference ref simple original plain default unoptimized vanilla".split())
_PLAIN = _BASELINES | frozenset(
    """step stage kernel kernels version final best impl py the of and with for cuda triton torch pytorch gpu cpu
    fp16 bf16 fp32 fp64 tf32 matmul gemm bmm fmha mha attention softmax level v unknown other loop loops good
    candidate cand cfg config variant tool seed repaired test run trial subject case gen generation id sm out new old
    opt optimized improved fast slow no not without""".split()
)


def words_of(measurement: Measurement) -> list[str]:
    """Words of a subject's name and labels, in order, each once."""
    return list(dict.fromkeys(word for text in (measurement.subject, *measurement.labels) for word in words_in(text)))


def words_in(text: str) -> list[str]:
    """Words of one text: `L3 splitK_tiled2` has l, 3, split, k, tiled, 2; `im2col` stays one."""
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", text)
    parts = [part.lower() for part in re.split(r"[^A-Za-z0-9]+", spaced) if part]
    return [word for part in parts for word in _STEP_WORD.split(part) if word]


def step_of(name: str) -> float | None:
    """The number a step carries in its name: `step2_tiled`, `L3 Swizzled`, `04-fused`."""
    match = _STEP.search(name)
    return None if match is None else float(next(group for group in match.groups() if group))


def known_in(words: Iterable[str], about: str = "") -> dict[str, Technique]:
    """The known techniques some words speak of; neighbours are also read as one, so that `split_k` is `splitk`.

    Args:
        words: Of a subject.
        about: Its task and name, for words that mean a technique only there.
    """
    words = [re.sub(r"\d+$", "", word) or word for word in words]
    every = {*words, *(a + b for a, b in itertools.pairwise(words))}
    return {technique.name: technique for technique in KNOWN if technique.spoken(every, about)}


def telling(words: Iterable[str], about: str = "") -> list[str]:
    """The words that may name a technique of their own: not known, not plain, no number, no digest."""
    words = list(words)
    taken = {word for technique in known_in(words, about).values() for word in (*technique.words, *technique.loose)}
    joined = {a + b: (a, b) for a, b in itertools.pairwise(words)}
    taken |= {part for both, parts in joined.items() if both in taken for part in parts}
    return [
        word
        for word in words
        if 1 < len(word) <= LONGEST
        and word not in _PLAIN
        and word not in taken
        and re.sub(r"\d+$", "", word) not in _PLAIN | taken
        and not _CODE.fullmatch(word)
    ]


def own(words: Iterable[str]) -> Technique:
    """A technique that is named by words of the subjects themselves."""
    words = list(words)
    return Technique(" ".join(word.capitalize() for word in words), tuple(words), f"Use {' '.join(words)}.")


def is_yardstick(measurement: Measurement) -> bool:
    """Whether a subject is somebody else's library: a goal, and no step on the way."""
    return not _YARDSTICKS.isdisjoint(words_of(measurement))


def is_baseline(measurement: Measurement) -> bool:
    """Whether a subject calls itself where everything starts."""
    return not _BASELINES.isdisjoint(words_of(measurement))


def is_attention(measurement: Measurement) -> bool:
    """Whether the task normalises scores: then one pass over them has no other way than the online one."""
    return re.search(_ATTENTION, about(measurement), re.IGNORECASE) is not None


def about(measurement: Measurement) -> str:
    """What a subject's words are to be understood by."""
    return f"{measurement.task} {measurement.subject}"
