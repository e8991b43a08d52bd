"""Patching: Python code that could change what measures it, found in its syntax tree without running it."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from itertools import chain

_TRACE = ("__SPAK_TRACE__", "CRUCIBLE_TRACE_FD")
_NAMES = frozenset("exec eval compile __import__ globals vars __builtins__ setattr delattr __loader__ __spec__".split())
"""Names through which code reaches other modules or code that is not in its syntax tree."""
_MODULES = frozenset(
    """builtins ctypes gc inspect importlib imp runpy atexit signal faulthandler tracemalloc pdb code codeop
    sysconfig site""".split()
)
"""Modules that reach into others, or act after the measurement."""
_ATTRIBUTES = frozenset(
    """_getframe __dict__ __globals__ __code__ __closure__ __builtins__ __subclasses__ __bases__ __class__ f_globals
    f_back""".split()
)
_OF_MODULES = frozenset(
    "modules meta_path path_hooks settrace setprofile stdout stderr _exit dup dup2 fdopen fork execv execve".split()
)
"""Attributes of modules such as `sys` and `os`; objects may have attributes of the same name."""


_COMPARISONS = frozenset("__lt__ __le__ __gt__ __ge__ __eq__ __ne__ __len__ __bool__".split())
"""Methods by which values could pass the tests of what measures them."""


def find_patch(text: bytes, measuring: Collection[str] = ()) -> str:
    """How Python code could change its measurement, in words; empty if it cannot, as far as its syntax tree shows."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""  # it does not run either
    nodes = list(ast.walk(tree))
    modules = {name for node in nodes for name in _bound(node)}
    plain = {name for node in nodes if isinstance(node, ast.Import) for name in _bound(node)}
    read = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    passed = (
        f"passes the module {node.id} on"  # another name of it can be patched
        for node in nodes
        if isinstance(node, ast.Name) and node.id in plain and id(node) not in read
    )
    found = (what for node in nodes for what in _patches(node, modules, measuring))
    return next(chain(found, passed), "")


def imported_names(text: bytes) -> set[str]:
    """Names of the modules that Python code imports."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    return {name for node in ast.walk(tree) for name in _imports(node)}


def _imports(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module.partition(".")[0]


def _bound(node: ast.AST) -> Iterator[str]:
    """Names that an import binds."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)


def _patches(node: ast.AST, modules: set[str], measuring: Collection[str]) -> Iterator[str]:
    for name in _imports(node):
        if name in _MODULES or name in measuring or name == "__main__":
            yield f"imports {name}"
    match node:
        case ast.Attribute(attr=name) if name in _ATTRIBUTES:
            yield f"uses {name}"
        case ast.Attribute(value=ast.Name(id=root), attr=name) if name in _OF_MODULES and root in modules:
            yield f"uses {root}.{name}"
        case ast.Attribute(value=value, attr=name, ctx=ast.Store() | ast.Del()) if _root(value) in modules:
            yield f"patches {_root(value)}.{name}"
        case ast.Subscript(value=value, ctx=ast.Store() | ast.Del()) if _root(value) in modules:
            yield f"patches {_root(value)}"
        case ast.Name(id=name) if name in _NAMES:
            yield f"uses {name}"
        case ast.Call(func=ast.Name(id="getattr"), args=[_, key, *_]) if not isinstance(key, ast.Constant):
            yield "uses getattr with a computed name"
        case ast.FunctionDef(name=name) if name in _COMPARISONS:
            yield f"defines {name}: its values compare in their own way"
        case ast.Constant(value=str() as text) if text in _ATTRIBUTES:
            yield f"uses {text}"
        case ast.Constant(value=str() as text) if any(mark in text for mark in _TRACE):
            yield "reports trace items itself"


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
