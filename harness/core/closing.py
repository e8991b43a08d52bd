"""Closing: a context manager that gives itself and ends with `close`."""

from __future__ import annotations

from typing import Self


class Closing:
    """The base of what is closed at the end of its `with` block."""

    __slots__ = ()

    def close(self) -> None:
        """Release what it holds."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_ended: object) -> None:
        self.close()
