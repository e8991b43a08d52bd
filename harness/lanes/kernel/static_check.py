"""Static check: finds names and imports in a kernel's source that no kernel needs.

The notes about a running kernel are made in its own process, where a hostile kernel can change them: it computes the
answer with PyTorch unobserved (in a thread, without the log of operators, in NumPy, element by element) and launches a
kernel that copies it. Every such way begins with one of the names below. Imports are checked against a positive list,
so that unknown ways are closed too.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator

_PLAIN = frozenset(
    "__future__ abc collections collections.abc contextlib dataclasses enum functools itertools math typing".split()
)
_TORCH = frozenset(("torch", "torch.nn", "torch.nn.functional"))
"""The allowed modules of PyTorch: their operators are logged when they are called."""
_TRITON = ("triton.language", "triton.tools", "triton.experimental", "triton.testing")
_NAMES = frozenset(
    """
    eval exec compile open globals locals vars setattr delattr breakpoint input memoryview __import__ __builtins__
    get_type_hints ForwardRef attrgetter methodcaller update_wrapper wraps make_dataclass asdict astuple
    """.split()
)
_ATTRIBUTES = frozenset(
    """
    numpy tolist from_numpy frombuffer from_dlpack to_dlpack from_file asarray storage untyped_storage redispatch
    get_type_hints ForwardRef
    gi_frame gi_code cr_frame ag_frame tb_frame f_back f_globals f_locals f_builtins f_code
    jit multiprocessing overrides futures distributed hub fx profiler serialization utils modules
    apply_ map_ map2_ update_wrapper wraps make_dataclass asdict astuple bltns np
    """.split()
)
"""Ways from a tensor to its elements without an operator, to attributes by computed names, to frames and to threads."""
_HARMLESS = frozenset("copy numbers platform queue random select stat statistics test this time token types".split())
_MODULES = sys.stdlib_module_names - _PLAIN - _HARMLESS
"""A module exposes the modules that it imports (`torch.ctypes`), so these names are refused after any dot."""
_OF_TORCH = frozenset("compile export fork library load package save set_default_dtype".split())
_OF_TRITON = frozenset("compiler backends knobs".split())
_DUNDERS = frozenset(("__init__", "__name__", "__post_init__", "__call__", "__version__", "__future__"))
_DEFINED = _DUNDERS | frozenset(
    """
    __all__ __doc__ __file__ __slots__ __repr__ __str__ __hash__ __eq__ __len__ __iter__ __getitem__ __enter__ __exit__
    """.split()
)
"""Special names of Python that a kernel's file may define or use; `__match_args__` is not one of them."""
_JITS = ("triton", "gluon")
"""The modules whose `jit` makes a kernel."""


def find_forbidden(source: str) -> list[str]:
    """What a kernel's source uses that is forbidden, each once, in a few words; empty if it is not valid Python."""
    try:
        return list(dict.fromkeys(_Reader().read(ast.parse(source))))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


class _Reader:
    def __init__(self) -> None:
        self._modules: dict[str, str] = {}
        """The module or object of each imported name."""
        self._literal_names: set[int] = set()
        """Ids of the `getattr` nodes whose name is a literal."""

    def read(self, tree: ast.Module) -> Iterator[str]:
        for node in ast.walk(tree):  # names first: a function may come before the import it uses
            if isinstance(node, ast.Import):
                self._modules |= {
                    alias.asname or alias.name.partition(".")[0]: alias.name
                    if alias.asname
                    else alias.name.partition(".")[0]
                    for alias in node.names
                }
            elif isinstance(node, ast.ImportFrom):
                self._modules |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        for node in ast.walk(tree):
            yield from self._of(node)

    def _of(self, node: ast.AST) -> Iterator[str]:
        match node:
            case ast.Import(names=names):
                for alias in names:
                    yield from _imported(alias.name)
            case ast.ImportFrom(module=module, names=names, level=level):
                place = "." * level + (module or "")
                for alias in names:
                    whole = f"{place}.{alias.name}"
                    yield from _imported(whole if whole in _TORCH else place)
                    if alias.name == "*" or _is_private(alias.name):
                        yield f"imports {whole}"
                    yield from self._attribute(place, alias.name, whole)
            case ast.Call(func=ast.Name(id="getattr") as called, args=[value, ast.Constant(value=str(name)), *_]):
                self._literal_names.add(id(called))
                yield from self._attribute(self._module_of(value), name, ast.unparse(node)[:60])
            case ast.Name(id="getattr") if id(node) not in self._literal_names:
                yield "uses getattr with a name that is not a literal"
            case ast.Name(id=name) if name in _NAMES or _is_special(name):
                yield f"uses {name}"
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name) if _is_special(
                name
            ):
                yield f"defines {name}"
            case ast.Call(func=ast.Name(id="type"), args=[_, _, *_]):
                yield "makes a class by calling type"
            case ast.MatchClass(kwd_attrs=names):
                for name in names:
                    yield from self._attribute("", name, f".{name}")
            case ast.Attribute(value=value, attr=name, ctx=context):
                text = ast.unparse(node)[-60:]
                if not isinstance(context, ast.Load) and self._module_of(value):
                    yield f"changes {text}"
                yield from self._attribute(self._module_of(value), name, text)
            case _:
                return

    def _attribute(self, of: str, name: str, text: str) -> Iterator[str]:
        if name == "jit" and of.rpartition(".")[2] in _JITS:
            return
        is_forbidden = (
            _is_private(name)
            or name in _ATTRIBUTES
            or name in _MODULES
            or name.endswith("Storage")  # whose bytes can be read one by one
            or (of == "torch" and name in _OF_TORCH)
            or (of == "triton" and name in _OF_TRITON)
            or (of == "triton.runtime" and name != "driver")  # which names the device
        )
        if is_forbidden:
            yield f"uses {text}"

    def _module_of(self, node: ast.expr) -> str:
        """The dotted name of the module that an expression refers to; empty if it refers to something else."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self._modules:
            return ""
        return ".".join([self._modules[node.id], *reversed(parts)])


def _imported(name: str) -> Iterator[str]:
    head = name.partition(".")[0]
    allowed = (
        name in _PLAIN
        or name in _TORCH
        or name == "triton"
        or name in ("triton.runtime", "triton.runtime.driver")
        or any(name == one or name.startswith(f"{one}.") for one in _TRITON)
    )
    if not allowed or any(_is_private(part) for part in name.split(".")):
        yield f"imports {name or head}"


def _is_special(name: str) -> bool:
    return name.startswith("__") and name.endswith("__") and name not in _DEFINED


def _is_private(name: str) -> bool:
    return name.startswith("_") and name not in _DUNDERS
