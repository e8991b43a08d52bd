"""Backends: who may answer a question, as command lines name them."""

from __future__ import annotations

BACKENDS = ("sim", "file", "person", "ollama", "openai", "command")
