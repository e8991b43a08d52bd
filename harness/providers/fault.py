"""ProviderError: a question could not be put or its answer cannot be used."""

from __future__ import annotations

from harness.core.errors import InfraError


class ProviderError(InfraError):
    """No usable answer.

    Attributes:
        status: The word for what happened: `timeout`, `crash` (no connection, the server failed), `protocol` (it said
            something else than its protocol allows), `output` (too much), `forbidden` (refused).
    """

    def __init__(self, what: str, *, where: str = "", fix: str = "", status: str = "crash") -> None:
        super().__init__(what, where=where, fix=fix)
        self.status = status

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (self.what, self.where, self.fix, self.status)


def _rebuild(what: str, where: str, fix: str, status: str) -> ProviderError:
    return ProviderError(what, where=where, fix=fix, status=status)
