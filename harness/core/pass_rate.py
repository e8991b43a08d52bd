"""Pass rates of groups of candidates: unbiased estimators of pass@k and pass^k."""

from __future__ import annotations

from math import comb


def pass_at(k: int, *, passed: int, total: int) -> float | None:
    """pass@k: the probability that at least one of k candidates passes, sampled without replacement.

    The unbiased estimator of Chen et al., "Evaluating Large Language Models Trained on Code" (2021):
    1 - C(n - c, k) / C(n, k).

    Args:
        k: Number of sampled candidates.
        passed: c, the number of candidates that pass.
        total: n, the number of all candidates.

    Returns:
        A probability; None if there are fewer than k candidates.

    Raises:
        ValueError: if k is less than 1, or `passed` is not within 0 and `total`.
    """
    _check(k, passed, total)
    return None if total < k else 1 - comb(total - passed, k) / comb(total, k)


def pass_all(k: int, *, passed: int, total: int) -> float | None:
    """pass^k: the probability that all of k candidates pass (Yao et al., tau-bench, 2024): C(c, k) / C(n, k).

    Arguments, result and errors are those of `pass_at`.
    """
    _check(k, passed, total)
    return None if total < k else comb(passed, k) / comb(total, k)


def _check(k: int, passed: int, total: int) -> None:
    if k < 1 or not 0 <= passed <= total:
        msg = f"pass@{k} is undefined for {passed} passed of {total}"
        raise ValueError(msg)
