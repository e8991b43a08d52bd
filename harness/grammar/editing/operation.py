"""Operations: structured changes of a grammar, checked as far as possible without the grammar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeAlias

from harness.grammar.editing.frozen import freeze
from harness.grammar.editing.path import Path, is_index, validate_path

Json: TypeAlias = Any
_ENDIANS = ("big", "little")


class _Base:
    """Base of all operations; values are frozen copies, so later changes by the caller have no effect."""

    op_type: ClassVar[str]

    def __post_init__(self) -> None:
        for part in fields(self):  # type: ignore[arg-type]
            value = getattr(self, part.name)
            if part.name == "path" and isinstance(value, list):
                object.__setattr__(self, "path", tuple(value))
            elif isinstance(value, Mapping | list):
                try:
                    object.__setattr__(self, part.name, freeze(value))
                except ValueError as error:
                    object.__setattr__(self, part.name, Refused(str(error)))

    def validate(self) -> tuple[bool, list[str]]:
        """Check the operation without a grammar; return whether it is valid, and its errors."""
        wrong: list[str] = []
        path = getattr(self, "path", ())
        if not validate_path(path):
            wrong.append(f"Invalid path: {path!r}")
        wrong.extend(str(v) for part in fields(self) if isinstance(v := getattr(self, part.name), Refused))  # type: ignore[arg-type]
        if not wrong:
            wrong.extend(self._check(path))
        return not wrong, wrong

    def _check(self, path: Path) -> list[str]:
        raise NotImplementedError

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON values of the operation in a patch file."""
        wire: dict[str, Any] = {"op": self.op_type}
        for part in fields(self):  # type: ignore[arg-type]
            value = getattr(self, part.name)
            wire[part.name] = list(value) if part.name == "path" else value
        return wire


@dataclass(frozen=True, slots=True)
class Refused:
    """Replaces a value that is not JSON, so that `validate` can report it."""

    why: str

    def __str__(self) -> str:
        return self.why


@dataclass(frozen=True)
class InsertField(_Base):
    """Add a field to a type at `index`; a negative index, or one past the end, appends."""

    op_type: ClassVar[str] = "insert_field"
    path: Path
    index: int = 0
    field_def: Json = None

    def _check(self, path: Path) -> list[str]:
        wrong = _type_path(path) + _mapping(self.field_def, "field_def", needs=("name",))
        if (
            isinstance(self.field_def, dict)
            and self.field_def
            and not {"type", "compute", "switch"} & set(self.field_def)
        ):
            wrong.append("field_def missing 'type'")
        return wrong if is_index(self.index) else [*wrong, f"index must be int, got {self.index!r}"]


@dataclass(frozen=True)
class UpdateField(_Base):
    """Set properties of a field; other properties stay."""

    op_type: ClassVar[str] = "update_field"
    path: Path
    updates: Json = None

    def _check(self, path: Path) -> list[str]:
        return _field_path(path) + _mapping(self.updates, "updates")


@dataclass(frozen=True)
class DeleteField(_Base):
    """Remove a field from its type."""

    op_type: ClassVar[str] = "delete_field"
    path: Path

    def _check(self, path: Path) -> list[str]:
        return _field_path(path)


@dataclass(frozen=True)
class MoveField(_Base):
    """Move a field within its type; `index` is its position after removal, a negative one means the end."""

    op_type: ClassVar[str] = "move_field"
    path: Path
    index: int = -1

    def _check(self, path: Path) -> list[str]:
        wrong = _field_path(path)
        return wrong if is_index(self.index) else [*wrong, f"index must be int, got {self.index!r}"]


@dataclass(frozen=True)
class AddType(_Base):
    """Define a type; its name must be unused."""

    op_type: ClassVar[str] = "add_type"
    path: Path
    type_def: Json = None

    def _check(self, path: Path) -> list[str]:
        wrong = _type_path(path) + _mapping(self.type_def, "type_def", needs=("fields",))
        if not wrong and not isinstance(self.type_def["fields"], list):
            wrong.append("type_def['fields'] must be a list")
        return wrong


@dataclass(frozen=True)
class UpdateType(_Base):
    """Set properties of a type; other properties stay."""

    op_type: ClassVar[str] = "update_type"
    path: Path
    updates: Json = None

    def _check(self, path: Path) -> list[str]:
        wrong = _type_path(path) + _mapping(self.updates, "updates")
        if not wrong and "fields" in self.updates and not isinstance(self.updates["fields"], list):
            wrong.append("updates['fields'] must be a list")
        return wrong


@dataclass(frozen=True)
class RemoveType(_Base):
    """Remove a type; lint reports where it is still used."""

    op_type: ClassVar[str] = "remove_type"
    path: Path

    def _check(self, path: Path) -> list[str]:
        return _type_path(path)


@dataclass(frozen=True)
class RenameType(_Base):
    """Rename a type, also in fields, switches, the root and the record switch."""

    op_type: ClassVar[str] = "rename_type"
    path: Path
    new_name: str = ""

    def _check(self, path: Path) -> list[str]:
        wrong = _type_path(path)
        if not isinstance(self.new_name, str) or not self.new_name:
            wrong.append("new_name is empty")
        return wrong


@dataclass(frozen=True)
class UnsetProperty(_Base):
    """Remove one property of a field, of a type, or of the grammar; the path ends with its name."""

    op_type: ClassVar[str] = "unset_property"
    path: Path

    def _check(self, path: Path) -> list[str]:
        if not isinstance(path[-1], str) or (path[0] in ("types", "registry") and len(path) == 2):
            return [f"Path must end with a property's name, got {path!r}"]
        return []


@dataclass(frozen=True)
class SetProperty(_Base):
    """Set one property at any path: `("types", "T", "doc")`, `("enums", "Colour", "0")`, `("root",)`."""

    op_type: ClassVar[str] = "set_property"
    path: Path
    value: Json = None

    def _check(self, path: Path) -> list[str]:
        if len(path) == 2 and path[0] == "types":
            return [f"Path must end with a property, got {path!r}: use add_type, update_type or remove_type"]
        return []


@dataclass(frozen=True)
class AddRegistryEntry(_Base):
    """Add the registry entry of a discriminator."""

    op_type: ClassVar[str] = "add_registry_entry"
    path: Path
    entry: Json = None

    def _check(self, path: Path) -> list[str]:
        return _registry_path(path) + _mapping(self.entry, "entry", needs=("name",))


@dataclass(frozen=True)
class UpdateRegistryEntry(_Base):
    """Set properties of a registry entry; other properties stay."""

    op_type: ClassVar[str] = "update_registry_entry"
    path: Path
    updates: Json = None

    def _check(self, path: Path) -> list[str]:
        return _registry_path(path) + _mapping(self.updates, "updates")


@dataclass(frozen=True)
class RemoveRegistryEntry(_Base):
    """Remove an entry of a registry; the entry must exist."""

    op_type: ClassVar[str] = "remove_registry_entry"
    path: Path

    def _check(self, path: Path) -> list[str]:
        return _registry_path(path)


@dataclass(frozen=True)
class SetEndian(_Base):
    """Set the byte order of the grammar `("endian",)`, of a type `("types", T)` or of a field."""

    op_type: ClassVar[str] = "set_endian"
    path: Path = ("endian",)
    endian: str = ""

    def _check(self, path: Path) -> list[str]:
        wrong = [] if path == ("endian",) else _type_path(path) if len(path) == 2 else _field_path(path)
        return wrong if self.endian in _ENDIANS else [*wrong, f"endian must be big or little, got {self.endian!r}"]


@dataclass(frozen=True)
class SetFraming(_Base):
    """Set the framing: `{"repeat": "until_eof"}` or `{"repeat": "once"}`."""

    op_type: ClassVar[str] = "set_framing"
    path: Path = ("framing",)
    framing: Json = None

    def _check(self, path: Path) -> list[str]:
        wrong = [] if path == ("framing",) else [f"Path must be ('framing',), got {path!r}"]
        return wrong + _mapping(self.framing, "framing")


@dataclass(frozen=True)
class SetSwitch(_Base):
    """Set the switch that selects the type of records `("record",)` or of a field `("types", T, "fields", i)`."""

    op_type: ClassVar[str] = "set_switch"
    path: Path = ("record",)
    switch: Json = None

    def _check(self, path: Path) -> list[str]:
        wrong = [] if path == ("record",) else _field_path(path)
        return wrong + _mapping(self.switch, "switch", needs=("cases",))


@dataclass(frozen=True)
class ExpectValue(_Base):
    """Reject the whole patch unless this value is at the path, so that a patch applies only to the intended grammar."""

    op_type: ClassVar[str] = "expect_value"
    path: Path
    value: Json = None

    def _check(self, path: Path) -> list[str]:
        return []


Operation = (
    InsertField | UpdateField | DeleteField | MoveField | AddType | UpdateType | RemoveType | RenameType | UnsetProperty
    | SetProperty | AddRegistryEntry | UpdateRegistryEntry | RemoveRegistryEntry | SetEndian | SetFraming | SetSwitch
    | ExpectValue
)  # fmt: skip
KINDS: dict[str, type[Any]] = {kind.op_type: kind for kind in Operation.__args__}
"""Operations by their name in patch files."""


def _type_path(path: Path) -> list[str]:
    good = len(path) == 2 and path[0] == "types" and isinstance(path[1], str)
    return [] if good else [f"Path must be ('types', 'TypeName'), got {path!r}"]


def _field_path(path: Path) -> list[str]:
    if len(path) < 4:
        return [f"Path too short for field: {path!r}"]
    if len(path) > 4 or path[0] != "types" or not isinstance(path[1], str) or path[2] not in ("fields", "instances"):
        return [f"Path must be ('types', name, 'fields', index), got {path!r}"]
    return [] if is_index(path[3]) else [f"Field index must be int, got {type(path[3])}"]


def _registry_path(path: Path) -> list[str]:
    good = len(path) == 2 and path[0] == "registry" and isinstance(path[1], str)
    return [] if good else [f"Path must be ('registry', 'discriminator'), got {path!r}"]


def _mapping(value: Any, name: str, *, needs: tuple[str, ...] = ()) -> list[str]:
    if value is not None and not isinstance(value, dict):
        return [f"{name} must be a mapping, got {type(value).__name__}"]
    if not value:
        return [f"{name} is empty"]
    return [f"{name} missing {key!r}" for key in needs if key not in value]
