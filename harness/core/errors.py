"""The exceptions of Crucible. A fault of a candidate is data (`Evidence.status`), never an exception."""

from __future__ import annotations

from pathlib import Path


class CrucibleError(Exception):
    """An error of Crucible, of its use, or of a trusted file.

    Args:
        what: The problem, in one sentence.
        where: `file`, `file:line` or `file:line:column`, or a name that the user gave.
        fix: How to fix it: a command, a key, a value.
    """

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        self.what, self.where, self.fix = what, where, fix
        super().__init__(what)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}\n  fix: {self.fix}" if self.fix else text

    def __reduce__(self) -> tuple[object, ...]:
        # The default pickling loses keyword-only arguments; xdist or multiprocessing may pickle an error.
        return _rebuild, (type(self), self.what, self.where, self.fix)


def _rebuild(kind: type[CrucibleError], what: str, where: str, fix: str) -> CrucibleError:
    return kind(what, where=where, fix=fix)


class UsageError(CrucibleError):
    """The command line names something that does not exist, or contradicts itself (exit status 4)."""


class SuiteError(CrucibleError):
    """A suite file, or a file that it names, is wrong: a collection error of only that suite."""


class SpecError(SuiteError):
    """A trusted specification (tool, grammar, program, kernel definition) is wrong."""


class InfraError(CrucibleError):
    """Crucible failed while judging; the case becomes `infra`, which is never the candidate's fault."""


class ProcessEndedError(InfraError):
    """A helper process ended or was killed from outside, so the same may succeed with a new one."""


class TierError(CrucibleError):
    """The machine cannot provide the required isolation (exit status 4)."""


class LedgerError(CrucibleError):
    """The ledger cannot be opened, read or written."""


class MissingExtraError(CrucibleError):
    """An optional dependency is not installed; the message has the command that installs it."""

    def __init__(self, extra: str, *, module: str) -> None:
        self.extra, self.module = extra, module
        super().__init__(f"{module} is not installed", fix=f"pip install 'pytest-crucible[{extra}]'")

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild_missing, (self.extra, self.module)


def _rebuild_missing(extra: str, module: str) -> MissingExtraError:
    return MissingExtraError(extra, module=module)


def position(path: Path | str, line: int | None = None, column: int | None = None) -> str:
    """`file:line:column`, the form that editors and CI parse; unknown parts are left out."""
    parts = [str(path), *(str(n) for n in (line, column) if n is not None)]
    return ":".join(parts)
