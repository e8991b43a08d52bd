"""Versions: immutable states of a grammar, each with its parent and its patch; `SpecStore` keeps them."""

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
from harness.grammar.patch import Patch, PatchError, RejectedOperationError, apply_patch, read_patch

ID_DIGITS = 16
_NAMED = Path("grammar")


class InvalidSpecError(SpecError, ValueError):
    """A string is not a YAML document."""


@dataclass(frozen=True)
class SpecVersion:
    """One state of a grammar.

    Attributes:
        id: First 16 hexadecimal digits of the SHA-256 of its text and its parent's id; equal histories have equal ids.
        parent_id: Id of the version that was patched; None for a root.
        spec_dict: Its value, deeply frozen.
        patch_applied: The patch from the parent to this version; None for a root.
        lint_valid: Whether lint found no error; None if lint did not run.
        created_at: When this object was made; not part of its identity.
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
    """The outcome of applying a patch.

    Attributes:
        new_spec_id: Id of the new version, or None.
        rejected_ops: Indices of the operations that do not fit.
    """

    success: bool
    new_spec_id: str | None = None
    errors: tuple[str, ...] = ()
    rejected_ops: tuple[int, ...] = ()


class SpecStore:
    """Versions by id, and branches: names that point to a version.

    Everything is in memory; `export` returns the store as JSON values and `restore` adds them to another store.
    """

    def __init__(self) -> None:
        self._versions: dict[str, SpecVersion] = {}
        self.branches: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._versions)

    def __iter__(self) -> Iterator[SpecVersion]:
        """Iterate over all versions, parents before children."""
        return iter(self._versions.values())

    def create_initial(self, yaml_text: str, run_lint: bool = True) -> SpecVersion:
        """Add a root version; it is kept also if lint finds errors, which `lint_valid` and `lint_errors` report.

        A text that is not YAML has no value: its `spec_dict` is empty, and lint reports it even if it was not asked to.
        """
        return self._keep(yaml_text, None, None, run_lint=run_lint)

    def apply_patch(
        self, parent_id: str, patch: Patch, run_lint: bool = True, *, branch: str | None = None
    ) -> PatchResult:
        """Add a version by applying a patch atomically.

        Args:
            run_lint: Whether to reject the patch if lint finds errors in the result.
            branch: A branch to move to the new version.
        """
        parent = self._versions.get(parent_id)
        if parent is None:
            return PatchResult(False, errors=(f"Parent version {parent_id} not found",))
        if not parent.spec_dict and parent.lint_valid is False:
            return PatchResult(False, errors=tuple(f"The grammar to patch is wrong: {e}" for e in parent.lint_errors))
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

    def get(self, version_id: str | None) -> SpecVersion | None:
        """Return the version with exactly this id, or None."""
        return self._versions.get(version_id) if version_id is not None else None

    def version(self, version_id: str) -> SpecVersion:
        """Find a version by id, by the beginning of its id, or by branch.

        Raises:
            UsageError: if no version or several versions match.
        """
        version_id = self.branches.get(version_id, version_id)
        found = [v for key, v in self._versions.items() if key == version_id] or [
            v for key, v in self._versions.items() if version_id and key.startswith(version_id)
        ]
        if len(found) != 1:
            what = "several versions begin with" if found else "unknown version"
            raise UsageError(f"{what} {version_id!r}", fix="name a version's id, its beginning, or a branch")
        return found[0]

    def get_lineage(self, version_id: str) -> list[str]:
        """List ids from the root to the version.

        Raises:
            UsageError: if the version is unknown.
        """
        lineage = [self.version(version_id).id]
        while (version := self._versions.get(lineage[-1])) is not None and version.parent_id is not None:
            lineage.append(version.parent_id)
        return lineage[::-1]

    def children(self, version_id: str) -> list[SpecVersion]:
        """List the versions whose parent is this version."""
        return [version for version in self if version.parent_id == version_id]

    def diff_specs(self, old_id: str, new_id: str) -> list[str]:
        """List the changes between two versions as sentences, in a fixed order."""
        missing = [version_id for version_id in (old_id, new_id) if version_id not in self._versions]
        if missing:
            return [f"Version {version_id} not found" for version_id in missing]
        return [str(change) for change in self.changes(old_id, new_id)]

    def changes(self, old_id: str, new_id: str) -> tuple[Change, ...]:
        """List the changes between two versions as data, in a fixed order.

        Raises:
            UsageError: if a version is unknown.
        """
        return changes(self.version(old_id).spec_dict, self.version(new_id).spec_dict)

    def export(self) -> dict[str, Any]:
        """Return all versions and branches as JSON values."""
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
        try:
            value = _read(text)
        except InvalidSpecError:
            return self._add(text, freeze({}), parent_id, patch, lint_text(text))
        return self._add(text, value, parent_id, patch, lint_text(text) if run_lint else None)

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
        """Add versions and branches returned by `export`.

        Raises:
            SpecError: if an id does not match its text, or a parent is missing.
        """
        for entry in exported["versions"]:
            text, parent = entry["text"], entry["parent"]
            if identity(text, parent) != entry["id"]:
                raise SpecError(f"version {entry['id']} does not match its id", fix="the export was changed by hand")
            if parent is not None and parent not in self._versions:
                raise SpecError(f"version {entry['id']} comes before its parent {parent}", fix="export the whole store")
            patch = read_patch(entry["patch"]) if entry["patch"] and entry["patch"]["ops"] else None
            self._keep(text, parent, patch, run_lint=True)
        for name, version_id in exported["branches"].items():
            if version_id not in self._versions:
                raise SpecError(f"branch {name!r} points to the unknown version {version_id}")
            self.branches[name] = version_id


def identity(text: str, parent_id: str | None) -> str:
    """Compute the id of a version from its text and its parent's id."""
    return digest_json([parent_id, text])[:ID_DIGITS]


def _read(text: str) -> Any:
    try:
        return freeze(read_text(text, _NAMED).value)
    except (SuiteError, ValueError) as error:
        where = getattr(error, "where", "")
        raise InvalidSpecError(f"Invalid YAML: {getattr(error, 'what', error)}", where=where) from error


def _text(text: str, edits: list[Any], value: Any) -> str:
    """Apply edits to the text. Where YAML aliases prevent that, write a new text, which has no comments."""
    try:
        made = rewrite(text, edits)
        if _read(made) == value:
            return made
    except (UnwritableError, InvalidSpecError):
        pass
    return yaml_writer.document(value)
