"""Version: immutable states of a grammar, each with its parent and the patch that made it; SpecStore keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.core.digest import digest_json
from harness.core.document import read_text
from harness.core.errors import SpecError, SuiteError, UsageError
from harness.grammar.change_list import Change, changes
from harness.grammar.editing import yaml_writer
from harness.grammar.editing.frozen import freeze
from harness.grammar.editing.yaml_text import rewrite
from harness.grammar.editing.yaml_tree import UnwritableError
from harness.grammar.language.lint import Lint, lint_text
from harness.grammar.patch import Patch, PatchError, RejectedOperationError, apply_patch

ID_DIGITS = 16
_NAMED = Path("grammar")


class InvalidSpecError(SpecError, ValueError):
    """A text that is no YAML document."""


@dataclass(frozen=True)
class SpecVersion:
    """One state of a grammar.

    Attributes:
        id: The beginning of the SHA-256 of its text and its parent's id: the same history has the same ids anywhere.
        parent_id: The version it was made from; None for a root.
        spec_text: The YAML.
        spec_dict: Its value, deeply frozen.
        patch_applied: What made it from its parent; None for a root.
        lint_valid: Whether lint found no error; None where lint was not asked for.
        lint_errors: What lint found.
        lint_warnings: Likewise.
        created_at: When this object was made; no part of its identity.
    """

    id: str
    parent_id: str | None
    spec_text: str
    spec_dict: Any = field(repr=False)
    patch_applied: Patch | None = None
    lint_valid: bool | None = None
    lint_errors: tuple[str, ...] = ()
    lint_warnings: tuple[str, ...] = ()
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC), compare=False)


@dataclass(frozen=True)
class PatchResult:
    """What became of a patch.

    Attributes:
        success: Whether there is a new version.
        new_spec_id: Its id.
        errors: Why there is none.
        rejected_ops: Indices of the operations that do not fit.
    """

    success: bool
    new_spec_id: str | None = None
    errors: tuple[str, ...] = ()
    rejected_ops: tuple[int, ...] = ()


class SpecStore:
    """Versions by id, with branches: names of the version that work goes on from.

    Everything is in memory; `VersionArchive` (`archive.py`) keeps a store in a ledger, `export` and `from_export` move
    it as JSON.
    """

    def __init__(self) -> None:
        self._versions: dict[str, SpecVersion] = {}
        self.branches: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._versions)

    def __iter__(self) -> Iterator[SpecVersion]:
        """All versions, parents before children."""
        return iter(self._versions.values())

    def create_initial(self, yaml_text: str, run_lint: bool = True) -> SpecVersion:
        """A root; one that lint refuses is kept as well and says so.

        Raises:
            InvalidSpecError: if the text is no YAML.
        """
        return self._keep(yaml_text, None, None, run_lint=run_lint)

    def apply_patch(
        self, parent_id: str, patch: Patch, run_lint: bool = True, *, branch: str | None = None
    ) -> PatchResult:
        """Make a new version from a version and a patch: all of it, or nothing.

        Args:
            parent_id: The version to start from.
            patch: What to change.
            run_lint: Whether a result that lint refuses is rejected.
            branch: A branch to move to the new version.
        """
        parent = self._versions.get(parent_id)
        if parent is None:
            return PatchResult(False, errors=(f"Parent version {parent_id} not found",))
        valid, wrong = patch.validate()
        if not valid:
            return PatchResult(False, errors=tuple(wrong))
        try:
            applied = apply_patch(patch, parent.spec_dict)
        except RejectedOperationError as error:
            return PatchResult(False, errors=(str(error),), rejected_ops=(error.index,))
        except PatchError as error:
            return PatchResult(False, errors=(str(error),))
        text = _text(parent.spec_text, list(applied.edits), applied.document)
        lint = lint_text(text) if run_lint else None
        if lint is not None and lint.errors:
            return PatchResult(False, errors=tuple(f"Lint failed: {finding.message}" for finding in lint.errors))
        made = self._add(text, applied.document, parent_id, patch, lint)
        if branch is not None:
            self.branches[branch] = made.id
        return PatchResult(True, made.id)

    def commit_text(
        self, parent_id: str, text: str, *, description: str = "", branch: str | None = None
    ) -> SpecVersion:
        """A new version from edited text; the patch that leads to it is worked out.

        Raises:
            InvalidSpecError: if the text is no YAML.
            UsageError: if there is no such parent.
        """
        from harness.grammar.patch_inference import patch_between

        parent = self.version(parent_id)
        found = patch_between(parent.spec_dict, _read(text), description=description)
        made = self._keep(text, parent_id, found, run_lint=True)
        if branch is not None:
            self.branches[branch] = made.id
        return made

    def get(self, version_id: str | None) -> SpecVersion | None:
        """The version with that id, or None."""
        return self._versions.get(version_id) if version_id is not None else None

    def version(self, version_id: str) -> SpecVersion:
        """The version whose id this is, or begins with, or the branch of that name points to.

        Raises:
            UsageError: if there is none, or several.
        """
        version_id = self.branches.get(version_id, version_id)
        found = [v for key, v in self._versions.items() if key == version_id] or [
            v for key, v in self._versions.items() if version_id and key.startswith(version_id)
        ]
        if len(found) != 1:
            what = "several versions begin with" if found else "there is no version"
            raise UsageError(f"{what} {version_id!r}", fix="name a version's id, its beginning, or a branch")
        return found[0]

    def get_lineage(self, version_id: str) -> list[str]:
        """Ids from the root to the version; an unknown id alone."""
        lineage = [version_id]
        while (version := self._versions.get(lineage[-1])) is not None and version.parent_id is not None:
            lineage.append(version.parent_id)
        return lineage[::-1]

    def children(self, version_id: str) -> list[SpecVersion]:
        """The versions made from a version."""
        return [version for version in self if version.parent_id == version_id]

    def diff_specs(self, old_id: str, new_id: str) -> list[str]:
        """What changed between two versions, one line each, in a fixed order."""
        missing = [version_id for version_id in (old_id, new_id) if version_id not in self._versions]
        if missing:
            return [f"Version {version_id} not found" for version_id in missing]
        return [str(change) for change in self.changes(old_id, new_id)]

    def changes(self, old_id: str, new_id: str) -> tuple[Change, ...]:
        """What changed between two versions, as data.

        Raises:
            UsageError: if there is no such version.
        """
        return changes(self.version(old_id).spec_dict, self.version(new_id).spec_dict)

    def export(self) -> dict[str, Any]:
        """All versions and branches as JSON values."""
        return {
            "versions": [
                {
                    "id": version.id,
                    "parent": version.parent_id,
                    "text": version.spec_text,
                    "patch": version.patch_applied.to_wire() if version.patch_applied else None,
                }
                for version in self
            ],
            "branches": dict(sorted(self.branches.items())),
        }

    def _keep(self, text: str, parent_id: str | None, patch: Patch | None, *, run_lint: bool) -> SpecVersion:
        return self._add(text, _read(text), parent_id, patch, lint_text(text) if run_lint else None)

    def _add(self, text: str, value: Any, parent_id: str | None, patch: Patch | None, lint: Lint | None) -> SpecVersion:
        version_id = identity(text, parent_id)
        known = self._versions.get(version_id)
        if known is not None and (known.lint_valid is not None or lint is None):
            return known
        made = SpecVersion(
            id=version_id,
            parent_id=parent_id,
            spec_text=text,
            spec_dict=value,
            patch_applied=patch if known is None else known.patch_applied,
            lint_valid=None if lint is None else not lint.errors,
            lint_errors=() if lint is None else tuple(finding.message for finding in lint.errors),
            lint_warnings=() if lint is None else tuple(finding.message for finding in lint.warnings),
        )
        self._versions[version_id] = made
        return made

    def restore(self, exported: dict[str, Any]) -> None:
        """Add what `export` gave.

        Raises:
            SpecError: if an id does not belong to its text, or a parent is missing.
        """
        from harness.grammar.patch import read_patch

        for entry in exported["versions"]:
            text, parent = entry["text"], entry["parent"]
            if identity(text, parent) != entry["id"]:
                raise SpecError(f"version {entry['id']} is not what its id says", fix="the export was changed by hand")
            if parent is not None and parent not in self._versions:
                raise SpecError(f"version {entry['id']} comes before its parent {parent}", fix="export the whole store")
            patch = read_patch(entry["patch"]) if entry["patch"] and entry["patch"]["ops"] else None
            self._keep(text, parent, patch, run_lint=True)
        for name, version_id in exported["branches"].items():
            if version_id not in self._versions:
                raise SpecError(f"branch {name!r} points to {version_id}, which is not there")
            self.branches[name] = version_id


def identity(text: str, parent_id: str | None) -> str:
    """The id of a version."""
    return digest_json([parent_id, text])[:ID_DIGITS]


def _read(text: str) -> Any:
    try:
        return freeze(read_text(text, _NAMED).value)
    except (SuiteError, ValueError) as error:
        where = getattr(error, "where", "")
        raise InvalidSpecError(f"Invalid YAML: {getattr(error, 'what', error)}", where=where) from error


def _text(text: str, edits: list[Any], value: Any) -> str:
    """The text with edits in it; written anew, without comments, only where YAML's aliases leave no other way."""
    try:
        made = rewrite(text, edits)
        if _read(made) == value:
            return made
    except (UnwritableError, InvalidSpecError):
        pass
    return yaml_writer.document(value)
