"""Plain classes: like `dataclass(slots=True)`, with a twentieth of the start-up time.

A run needs about eighty classes before its first step. `dataclasses` imports `inspect` and compiles six methods for
each class; here one method is compiled when a class is first called, and the others are shared.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, NoReturn, TypeVar, cast, dataclass_transform

T = TypeVar("T")


class _Factory:
    """The default of a field that is created for each instance."""

    __slots__ = ("factory",)

    def __init__(self, factory: Callable[[], Any]) -> None:
        self.factory = factory


def field(*, default_factory: Callable[[], T]) -> T:
    """A field whose default is created for each instance."""
    return cast("T", _Factory(default_factory))


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def plain(made: type[T]) -> type[T]:
    """A class of immutable values: equal if all fields are equal, hashable if all fields are hashable."""
    return _make_class(made, frozen=True)


@dataclass_transform(field_specifiers=(field,))
def mutable(made: type[T]) -> type[T]:
    """A class of mutable values: equal if all fields are equal, not hashable."""
    return _make_class(made, frozen=False)


def names(kind: type) -> tuple[str, ...]:
    """Names of the fields of a plain or mutable class, in order; empty for any other class."""
    return cast("tuple[str, ...]", getattr(kind, "__match_args__", ())) if hasattr(kind, "_plain_set") else ()


def contents(value: Any) -> dict[str, Any]:
    """The values of all fields by name."""
    return {name: getattr(value, name) for name in names(type(value))}


def changed(value: T, **fields: Any) -> T:
    """A copy with some fields replaced."""
    return type(value)(**{**contents(value), **fields})


def build(kind: type[T], values: list[Any]) -> T:
    """An instance with all fields in order, without a call of `__init__`.

    Raises:
        ValueError: if the number of values is wrong.
    """
    found = object.__new__(kind)
    for put, value in zip(kind._plain_set, values, strict=True):  # type: ignore[attr-defined]
        put(found, value)
    return found


def _make_class(made: type[T], *, frozen: bool) -> type[T]:
    fields = tuple(made.__annotations__)
    body = {key: value for key, value in made.__dict__.items() if key not in ("__dict__", "__weakref__")}
    defaults = {name: body.pop(name) for name in fields if name in body}
    read = attrgetter(*fields)
    body |= {
        "__slots__": fields,
        "__match_args__": fields,
        "__repr__": _repr,
        "__reduce__": _reduce,
        "_plain_get": read,
    }
    body["__eq__"] = _equality(read)
    body["__hash__"] = (lambda self: hash(read(self))) if frozen else None
    if frozen:
        body |= {"__setattr__": _refuse, "__delattr__": _refuse}
    kind: Any = type(made.__name__, made.__bases__, body)
    kind._plain_set = tuple(kind.__dict__[name].__set__ for name in fields)
    kind.__init__ = _lazy_init(kind, fields, defaults)
    return cast("type[T]", kind)


def _lazy_init(kind: Any, fields: tuple[str, ...], defaults: dict[str, Any]) -> Callable[..., None]:
    """An `__init__` that compiles the real one, replaces itself with it and calls it."""

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        scope: dict[str, Any] = {"_factory": _Factory}
        parameters, lines = [], []
        for number, name in enumerate(fields):
            scope[f"_set{number}"] = kind._plain_set[number]
            value = name
            if name in defaults:
                scope[f"_default{number}"] = default = defaults[name]
                parameters.append(f"{name}=_default{number}")
                if type(default) is _Factory:
                    value = f"_default{number}.factory() if {name} is _default{number} else {name}"
            else:
                parameters.append(name)
            lines.append(f"    _set{number}(_self, {value})")
        # The names are annotations of the class: Python has parsed them as names.
        exec(f"def __init__(_self, {', '.join(parameters)}):\n" + "\n".join(lines), scope)  # noqa: S102
        kind.__init__ = scope["__init__"]
        kind.__init__(self, *args, **kwargs)

    return init


def _equality(read: attrgetter[Any]) -> Callable[[Any, Any], Any]:
    def equal(self: Any, other: Any) -> Any:
        return read(self) == read(other) if type(other) is type(self) else NotImplemented

    return equal


def _repr(self: Any) -> str:
    return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self.__match_args__)})"


def _reduce(self: Any) -> tuple[Any, ...]:
    return type(self), tuple(getattr(self, name) for name in self.__match_args__)


def _refuse(self: Any, name: str, _value: Any = None) -> NoReturn:
    raise AttributeError(f"{type(self).__name__}.{name} cannot be changed")
