"""Autotuner configurations: launch an autotuned kernel with single configurations, without a device to measure on."""

from __future__ import annotations

from typing import Any


def configurations(tuner: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    """The configurations that the autotuner tries for these arguments, after its own pruning; at least one."""
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
