"""Creates the provider that the settings of a command line select."""

from __future__ import annotations

import shlex
from pathlib import Path

from pydantic import Field

from harness.core.errors import UsageError
from harness.core.frozen import Frozen
from harness.providers.backends import BACKENDS
from harness.providers.question import Provider


class Backend(Frozen):
    """Settings of a provider, kept with a suspended run. They never contain keys or passwords."""

    backend: str = "sim"
    """`sim` answers from the cassette only, `file` from a file of answers, the others ask."""
    model: str = ""
    base_url: str = ""
    answers: str = ""
    """Path of a file of answers."""
    cassette: str = ""
    """Path of recordings; with another back end than `sim`, missing answers are recorded."""
    command: str = ""
    """For `command`: a command line, split by the rules of a shell but run without a shell."""
    timeout_s: float = Field(default=120.0, gt=0)


def provider_for(settings: Backend) -> Provider | None:
    """The provider that the settings select; None if no provider answers, so that every question suspends the run.

    Raises:
        UsageError: if the settings are incomplete or unknown.
    """
    inner = _inner(settings)
    if not settings.cassette:
        return inner
    from harness.providers.cassette import CassetteProvider

    return CassetteProvider(Path(settings.cassette), inner=inner)


def _inner(settings: Backend) -> Provider | None:
    match settings.backend:
        case "sim" | "file":
            if not settings.answers:
                return None
            from harness.providers.file import FileProvider

            return FileProvider(Path(settings.answers))
        case "person":
            from harness.providers.person import PersonProvider

            return PersonProvider()
        case "ollama":
            from harness.providers import ollama
            from harness.providers.http import Endpoint

            endpoint = Endpoint(settings.base_url or ollama.BASE_URL, timeout_s=settings.timeout_s)
            return ollama.OllamaProvider(endpoint, model=settings.model)
        case "openai":
            from harness.providers import openai

            endpoint = openai.authorised(settings.base_url or openai.BASE_URL, timeout_s=settings.timeout_s)
            return openai.OpenAIProvider(endpoint, model=settings.model)
        case "command":
            from harness.providers.command import CommandProvider

            if not settings.command:
                raise UsageError("--backend command needs a command", fix="--command 'my-model --flag'")
            try:
                argv = shlex.split(settings.command)
            except ValueError as error:
                raise UsageError(f"the command cannot be split: {error}", fix="close the quotes") from error
            return CommandProvider(argv, timeout_s=settings.timeout_s)
        case other:
            raise UsageError(f"unknown back end {other!r}", fix=f"use one of {', '.join(BACKENDS)}")
