"""Autotuning: what an autotuned kernel would try, one launch at a time, where there is no device to measure on."""

from __future__ import annotations

from typing import Any


def configurations(tuner: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    """What the autotuner would try for these arguments: its own pruning applied, at least one."""
    tuner.nargs = dict(zip(tuner.arg_names, args, strict=False))
    return list(tuner.prune_configs(kwargs)) or list(tuner.configs[:1])


def run_configuration(tuner: Any, configuration: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Launch an autotuned kernel with one of its configurations."""
    chosen = configuration.all_kwargs()
    named = {**dict(zip(tuner.arg_names, args, strict=False)), **kwargs, **chosen}
    if configuration.pre_hook is not None:
        configuration.pre_hook(named)
    tuner.pre_hook(named)
    return tuner.fn.run(*args, **kwargs, **chosen)
