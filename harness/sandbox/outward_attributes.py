"""Outward attributes: what leads from a subject to the frames below it and to memory, made events or hidden.

Standard library only.
"""

from __future__ import annotations

import gc
import sys
import types
from typing import Any

from harness.sandbox.filled_code import made

OUTWARD = {
    types.FrameType: ("f_back", "f_builtins", "f_globals", "f_locals"),
    types.FunctionType: ("__builtins__", "__globals__"),
}
"""Those of which the interpreter makes no event; they lead to the frames below a subject, and so to `ctypes`."""
READ = {name: vars(kind)[name].__get__ for kind, names in OUTWARD.items() for name in names}
"""What reads each of them without an event."""


def watch_attributes() -> None:
    """Make reading an attribute of `OUTWARD` an event, and hide the classes that read memory and make system calls.

    It is done in the root zygote, once for all boxes, before their subjects run.
    """
    import ctypes  # not a name of this module: a subject that finds its globals must not find it

    members = {kind: gc.get_referents(vars(kind))[0] for kind in (*OUTWARD, type)}  # a type is immutable, this is not
    for kind, names in OUTWARD.items():
        for name in names:
            values = {"@read": READ[name], "@audit": sys.audit, "@name": name}
            members[kind][name] = property(made(_read_attribute, "_read_attribute", values))
    hidden: list[type] = []
    waiting: list[type] = [object]
    while waiting:
        below: list[type] = type.__subclasses__(waiting.pop())
        waiting += below
        hidden += [one for one in below if str(one.__module__).partition(".")[0] in ("ctypes", "_ctypes", "harness")]
    values = {"@read": type.__subclasses__, "@id": id, "@hidden": frozenset(map(id, hidden)), "@kept": hidden}
    members[type]["__subclasses__"] = made(_subclasses, "__subclasses__", values)
    for kind in members:
        ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))


def _read_attribute(self: Any) -> Any:
    audit: Any = "@audit"
    read: Any = "@read"
    audit("object.__getattr__", self, "@name")
    return read(self)


def _subclasses(self: Any, /) -> list[type]:
    read: Any = "@read"
    identity: Any = "@id"
    found: list[type] = []
    for one in read(self):
        if identity(one) not in "@hidden":
            found.append(one)  # noqa: PERF401 - a comprehension is a function of its own, with its own constants
    return found
