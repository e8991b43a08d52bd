"""Pass rates of groups of candidates: pass@k and pass^k, without bias."""

from __future__ import annotations

from math import comb


def pass_at(k: int, *, passed: int, total: int) -> float | None:
    """pass@k: the chance that at least one of k candidates passes, drawn without replacement.

    The unbiased estimator of Chen et al., "Evaluating Large Language Models Trained on Code" (2021):
    1 - C(n - c, k) / C(n, k).

    Args:
        k: How many are drawn.
        passed: c, the candidates that pass.
        total: n, all candidates.

    Returns:
        None if there are fewer than k candidates: nothing was observed that says more.

    Raises:
        ValueError: if k is less than 1, or more pass than there are.
    """
    _check(k, passed, total)
    return None if total < k else 1 - comb(total - passed, k) / comb(total, k)


def pass_all(k: int, *, passed: int, total: int) -> float | None:
    """pass^k: the chance that all of k candidates pass (Yao et al., tau-bench, 2024): C(c, k) / C(n, k).

    Arguments, result and errors are those of `pass_at`.
    """
    _check(k, passed, total)
    return None if total < k else comb(passed, k) / comb(total, k)


def _check(k: int, passed: int, total: int) -> None:
    if k < 1 or not 0 <= passed <= total:
        msg = f"pass@{k} of {passed} in {total} makes no sense"
        raise ValueError(msg)
