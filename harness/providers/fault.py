"""ProviderError: a question could not be asked, or its answer cannot be used."""

from __future__ import annotations

from harness.core.errors import InfraError


class ProviderError(InfraError):
    """A provider has no usable answer.

    Attributes:
        status: The kind of failure: `timeout`, `crash` (no connection, the server failed), `protocol` (the reply
            violates the protocol), `output` (the reply is too long), `forbidden` (refused).
    """

    def __init__(self, what: str, *, where: str = "", fix: str = "", status: str = "crash") -> None:
        super().__init__(what, where=where, fix=fix)
        self.status = status

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (self.what, self.where, self.fix, self.status)


def _rebuild(what: str, where: str, fix: str, status: str) -> ProviderError:
    return ProviderError(what, where=where, fix=fix, status=status)
