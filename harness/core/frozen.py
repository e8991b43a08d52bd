"""Frozen: the base of every value that crosses a border (YAML, JSON, database, pipe, xdist)."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """An immutable value that knows its JSON form; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    def to_wire(self) -> dict[str, Any]:
        """Plain builtins only: what xdist can carry and JSON can hold."""
        return self.model_dump(mode="json")

    def replace(self, **changes: Any) -> Self:
        """A copy with other values for some fields; unlike `model_copy`, it is validated."""
        return type(self).model_validate({name: getattr(self, name) for name in type(self).model_fields} | changes)

    @classmethod
    def from_wire(cls, value: Any) -> Self:
        """The inverse of `to_wire`."""
        return cls.model_validate(value)
