"""Proposer options: the built-in proposer, a program, a function, or a model."""

from __future__ import annotations

import argparse
import re
import shlex
from typing import Any

from harness.cli import output
from harness.core.errors import UsageError
from harness.core.module_file import import_named
from harness.core.nearest import did_you_mean
from harness.grammar.improvement.proposer import Proposer, from_command, from_provider
from harness.grammar.induction.inducer import propose

_FUNCTION = re.compile(r"([\w./-]+\.py|[A-Za-z_][\w.]*):([A-Za-z_]\w*)")


def add_proposer(parser: argparse.ArgumentParser) -> None:
    """Add the options that select a proposer; the default is the built-in one."""
    parser.add_argument(
        "--proposer",
        metavar="PROPOSER",
        help="a program (situation as JSON in, patches as JSON out), or a function: file.py:name, module:name",
    )
    output.add_provider(parser)


def select_proposer(args: argparse.Namespace) -> Proposer:
    """Return the selected proposer.

    Raises:
        UsageError: if the options contradict each other, or name a missing file or function.
    """
    options = {name: getattr(args, name) for name in ("model", "base_url", "command", "answers", "cassette")}
    given = [f"--{name.replace('_', '-')}" for name, value in options.items() if value]
    if args.proposer is not None:
        if args.backend is not None or given:
            raise UsageError("--proposer and a provider are two proposers", fix="keep one of them")
        return _parse_proposer(args.proposer, args.timeout)
    if args.backend is None and not given:
        return propose
    from harness.providers.factory import Backend, provider_for

    provider = provider_for(Backend(backend=args.backend or "sim", timeout_s=args.timeout, **options))
    if provider is None:
        raise UsageError("no provider is selected", fix="--backend ollama, openai, command, or file with --answers")
    return from_provider(provider)


def _parse_proposer(text: str, seconds: float) -> Proposer:
    if (function := _FUNCTION.fullmatch(text)) is not None:
        return _load_function(*function.groups())
    try:
        command = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"--proposer {text}: {error}", fix="close the quotes") from error
    if not command:
        raise UsageError("--proposer is empty", fix="--proposer ./propose.py, or file.py:function")
    return from_command(command, seconds=seconds)


def _load_function(where: str, name: str) -> Proposer:
    module = import_named(where)
    found: Any = getattr(module, name, None)
    if not callable(found):
        known = [other for other, value in vars(module).items() if callable(value)]
        raise UsageError(f"has no function {name!r}", where=where, fix=did_you_mean(name, known) or "define it")
    return found  # type: ignore[no-any-return]
