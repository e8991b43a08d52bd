"""The names of the back ends that can answer a question, as used on the command line."""

from __future__ import annotations

BACKENDS = ("sim", "file", "person", "ollama", "openai", "command")
