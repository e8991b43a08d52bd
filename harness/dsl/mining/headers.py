"""Headers: the meaning of a report's columns, derived from the words of their names."""

from __future__ import annotations

import functools
import itertools
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

NAMES = (
    "subject", "step_name", "name", "kernel", "step", "variant", "title", "level", "candidate", "implementation",
    "impl", "algorithm", "method", "approach", "version",
)  # fmt: skip
RUNS = ("run_id", "run", "trial", "iteration", "repetition", "rep", "repeat", "seed", "attempt")
TASKS = ("suite", "task", "operation", "op", "definition", "benchmark", "problem", "workload")
SETTINGS = frozenset(
    """device gpu machine host hardware arch architecture tier epoch dtype precision size shape target problem_size
    stage batch batch_size seq seq_len sequence_length input dataset m n k b h g s d driver platform os cpu node
    versions input_size elements length""".split()
)
RIGHT = ("passed", "correct", "correctness", "status", "verified", "right", "valid", "ok", "result", "verdict")
PROJECTED = ("simulated", "projected", "placeholder", "predicted", "estimated")
LABELS = ("style", "technique", "techniques", "optimization", "optimizations", "claims", "tags", "features", "label")
PARENTS = ("parent", "parents", "derived_from", "baseline_of")
PARAMETERS = ("parameters", "params", "config", "configuration", "point", "knobs", "settings", "hyperparameters")
_AUXILIARY = frozenset(
    """predicted projected least expected theoretical floor peak baseline reference budget limit roofline std stdev
    stddev deviation var variance low high lower upper ci mad iqr outliers rounds iterations warmup timestamp date at
    started finished created index place rank light fastest samples count total_samples""".split()
)
_LOWER = {
    0: "ms us ns s sec secs second seconds milliseconds microseconds nanoseconds latency time duration elapsed runtime "
    "wall cpu_ms cycles ticks",
    3: "bytes mb kb gb memory registers spills shared cost size energy joules watts power misses stalls instructions "
    "transactions perplexity",
    4: "error loss errors err failures",
}
_HIGHER = {
    1: "tflops gflops flops mflops throughput bandwidth gbps gb_s gbs ops qps rps iops fps ips speedup tokens "
    "per_second per_sec per_s mbps hz",
    2: "score accuracy efficiency utilization utilisation occupancy hit_rate f1 auc quality fitness reward coverage",
}
_MIDDLES = ("median", "p50", "mean", "avg", "average", "best", "min", "max")
_UNITS = {"ns": 1e-6, "us": 1e-3, "µs": 1e-3, "ms": 1.0, "s": 1e3}
_NUMBER = re.compile(
    r"\s*([-+]?\d+(?:,\d{3})*(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*(x|ns|us|µs|ms|s|[TG]?FLOPS|[TG]FLOP/s|GB/s|%)?"
    r"\s*(?:[(±].*)?$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Metric:
    """A column of measurements.

    Attributes:
        rank: Order of preference; the lowest is used.
        kind: What is measured: `time`, or the word that denotes it; columns of one kind can be compared.
    """

    key: str
    lower_is_better: bool
    rank: tuple[int, int]
    kind: str = ""


@functools.lru_cache(maxsize=4096)
def normalize(name: str) -> str:
    """A column's name in one spelling: `Time (ms)` is `time_ms`, `TFLOP/s` is `tflops`, `maxError` is `max_error`."""
    text = re.sub(r"(?i)([tgm]?flop)s?/s\b", r"\1s", re.sub(r"([a-z])([A-Z])", r"\1_\2", name))
    return re.sub(r"[^a-z0-9]+", "_", text.replace("µ", "u").lower()).strip("_").replace("speed_up", "speedup")


@functools.lru_cache(maxsize=4096)
def metric(name: str) -> Metric | None:
    """The metric that a column name denotes, or None."""
    text = normalize(name)
    words = text.split("_")
    if not _AUXILIARY.isdisjoint(words) or text in SETTINGS:
        return None
    middle = next((place for place, word in enumerate(_MIDDLES) if word in words), 1)
    tokens = {*words, *(f"{a}_{b}" for a, b in itertools.pairwise(words))}
    # Rates first: `tokens_per_second` is not a duration.
    for groups, lower in ((_HIGHER, False), (_LOWER, True)):
        for place, known in groups.items():
            kind = next((word for word in known.split() if word in tokens), "")
            if kind == "speedup":
                return Metric(name, lower, (place, len(_MIDDLES)), kind)  # a ratio of the other columns
            if kind:
                return Metric(name, lower, (place, middle), "time" if place == 0 else kind)
    return None


METRIC_WORDS = frozenset(word for groups in (_HIGHER, _LOWER) for known in groups.values() for word in known.split())
"""Words, and pairs of words, that denote what a column measures."""
_UNMEASURED = re.compile(
    r"\b(?:not[ _-]measured|unmeasured|not[ _-]run|proj(?:ected|ection)?|predicted|simulat(?:ed|ion)|sim|estimated|"
    r"theoretical|placeholders?|hypothetical)\b",
    re.IGNORECASE,
)


def is_unmeasured(text: str) -> bool:
    """Whether words say that numbers were not measured: predicted, simulated, placeholders."""
    return _UNMEASURED.search(text) is not None


def number(value: Any) -> float | None:
    """A finite number, also from `1.5 ms`, `1,024` or `1.03x (1.01-1.05)`; a time with a unit is in milliseconds."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value) if math.isfinite(value) else None
    match = _NUMBER.match(str(value))
    if match is None or is_unmeasured(str(value)):
        return None
    found = float(match[1].replace(",", "")) * _UNITS.get((match[2] or "").lower(), 1.0)
    return found if math.isfinite(found) else None


def normalize_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record keyed by the normalized column names, without empty values."""
    return {normalize(key): value for key, value in record.items() if value is not None and value != ""}


def first(record: Mapping[str, Any], names: Iterable[str]) -> Any:
    """The value of the first of some columns that a record with normalized names has."""
    return next((record[name] for name in names if name in record), None)


def is_wrong(value: Any) -> bool:
    """Whether a verdict is negative."""
    return value is False or (
        isinstance(value, str)
        and normalize(value) in ("false", "fail", "failed", "wrong", "no", "incorrect", "error", "crash", "timeout")
    )


_UNDECIDED = ("skipped", "infra", "noisy", "review", "pending", "not_measured", "unknown")


def is_undecided(value: Any) -> bool:
    """Whether a verdict is neither positive nor negative: the row was not measured."""
    return isinstance(value, str) and normalize(value) in _UNDECIDED


def scalar(value: Any) -> bool | int | float | str | None:
    """The value of a parameter; a string of a CSV file is converted to the number or boolean it denotes."""
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if not isinstance(value, str) or not value.strip() or len(value) > 80:
        return None
    text = value.strip()
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if re.fullmatch(r"-?\d{1,15}", text):
        return int(text)
    if re.fullmatch(r"-?\d+\.\d+", text):
        return float(text)
    return text


@functools.lru_cache(maxsize=4096)
def is_auxiliary(name: str) -> bool:
    """Whether a column of numbers is neither a measurement nor a parameter: a bound, a deviation."""
    return not _AUXILIARY.isdisjoint(normalize(name).split("_"))
