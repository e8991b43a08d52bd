"""Frozen: the base class of every value that is serialised (YAML, JSON, database, pipe, xdist)."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """An immutable value with a JSON form; unknown keys are errors."""

    # Without `use_attribute_docstrings`: it parses the source of every model at each start (40 ms in a toolgen run).
    # `crucible schema` reads the docstrings of fields where it needs them.
    model_config = ConfigDict(frozen=True, extra="forbid")

    def to_wire(self) -> dict[str, Any]:
        """The value as built-in types that xdist and JSON can represent."""
        return self.model_dump(mode="json")

    def replace(self, **changes: Any) -> Self:
        """A copy with other values for some fields; unlike `model_copy`, it is validated."""
        return type(self).model_validate({name: getattr(self, name) for name in type(self).model_fields} | changes)

    @classmethod
    def from_wire(cls, value: Any) -> Self:
        """Validate and restore a value from the result of `to_wire`; raises pydantic's ValidationError."""
        return cls.model_validate(value)
