"""Technique: which known way of making things fast a subject's words speak of."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

from harness.lanes.dsl.lift.measurement import Measurement


@dataclass(frozen=True, slots=True)
class Technique:
    """A way of making things fast.

    Attributes:
        name: As laws call it.
        words: Words of subjects that have it.
        apply: What to do.
        rank: Its place on the usual ladder: what it is built upon has a lower one.
        is_law: Whether it is an invariant (what must hold) rather than a transformation (what helps).
    """

    name: str
    words: tuple[str, ...]
    apply: str
    rank: int = 1
    is_law: bool = False


KNOWN = (
    Technique(
        "Tiling",
        ("tiling", "tiled", "tile", "blocked", "blocking"),
        "Compute a tile of the result at once, so that each loaded element is used as often as the tile is wide.",
    ),
    Technique(
        "Swizzling",
        ("swizzling", "swizzled", "swizzle", "grouped", "supertile", "l2order"),
        "Visit tiles in groups, so that tiles that are computed at the same time share their inputs in the cache.",
        rank=2,
    ),
    Technique(
        "Online Softmax",
        ("online", "onlinesoftmax", "flash", "flashattention", "streaming"),
        "Keep a running maximum and sum, and rescale when the maximum grows: never materialize the full N x N matrix.",
        is_law=True,
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
_ATTENTION = re.compile(r"fmha|attention|\bmha\b|softmax", re.IGNORECASE)
_YARDSTICKS = frozenset({"pytorch", "torch", "cublas", "cudnn", "sdpa", "cutlass", "library", "numpy", "vendor"})
_PLAIN = frozenset(
    """step stage kernel kernels version base baseline naive reference ref simple plain original final best impl py the
    of and a with for cuda triton torch pytorch gpu cpu fp16 bf16 fp32 matmul gemm bmm fmha mha attention softmax level
    l v set unknown other loop loops good default candidate tool seed repaired variant test""".split()
)


def words_of(measurement: Measurement) -> set[str]:
    """Words of a subject's name and labels; neighbours also joined, so that `split_k` is `splitk`."""
    found: set[str] = set()
    for text in (measurement.subject, *measurement.labels):
        spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", text)
        parts = [p for p in re.split(r"[^A-Za-z0-9]+|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])", spaced) if p]
        words = [part.lower() for part in parts]
        found.update(words)
        found.update(a + b for a, b in itertools.pairwise(words))
    return found


def techniques_of(measurement: Measurement) -> dict[str, Technique]:
    """The techniques of a subject: the known ones, and each other telling word as one of its own."""
    words = words_of(measurement)
    found = {t.name: t for t in KNOWN if words & set(t.words)}
    about = f"{measurement.task} {measurement.subject}"
    if "Fusion" in found and _ATTENTION.search(about):
        # One pass over the scores has no other way to normalise them.
        found.setdefault("Online Softmax", next(t for t in KNOWN if t.name == "Online Softmax"))
    taken = {word for technique in KNOWN for word in technique.words}
    for label in measurement.labels:
        key = re.sub(r"[^a-z0-9]", "", label.lower())
        if key and key not in taken and key not in _PLAIN and not key.isdigit() and not (words_in(label) & taken):
            name = label.strip().title()
            found.setdefault(name, Technique(name, (key,), f"Use {label.strip()}."))
    return found


def words_in(text: str) -> set[str]:
    """Words of one text."""
    return {word.lower() for word in re.split(r"[^A-Za-z0-9]+", text) if word}


def is_yardstick(measurement: Measurement) -> bool:
    """Whether a subject is somebody else's library: a goal, and no step on the way."""
    return bool(words_of(measurement) & _YARDSTICKS)


def is_baseline(measurement: Measurement) -> bool:
    """Whether a subject calls itself where everything starts."""
    return bool(words_of(measurement) & {"naive", "baseline", "reference", "ref", "simple"})
