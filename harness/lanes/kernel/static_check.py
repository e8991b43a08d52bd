"""Reaching: what a kernel's text reaches for that no kernel needs, found by reading it, from outside its process.

What is noted while a kernel runs is noted in its own process, which a kernel that means to can change: it works out the
answer with PyTorch where nobody looks (in a thread, without the log of operators, in NumPy, number by number), and
launches a kernel that copies it. Each way there begins with one of the things below. The rule is a positive list for
what is imported, so that a way nobody thought of is closed too.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator

_PLAIN = frozenset(
    "__future__ abc collections collections.abc contextlib dataclasses enum functools itertools math typing".split()
)
_TORCH = frozenset(("torch", "torch.nn", "torch.nn.functional"))
"""Of PyTorch only itself and its operators, which are noted where they are called."""
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
"""Ways from a tensor to numbers that no operator is called on, to attributes by names that are text, to the frames of
others, to other threads."""
_HARMLESS = frozenset("copy numbers platform queue random select stat statistics test this time token types".split())
_MODULES = sys.stdlib_module_names - _PLAIN - _HARMLESS
"""What modules import they hand on (`torch.ctypes`); whatever the name before the dot stands for."""
_OF_TORCH = frozenset("compile export fork library load package save set_default_dtype".split())
_OF_TRITON = frozenset("compiler backends knobs".split())
_DUNDERS = frozenset(("__init__", "__name__", "__post_init__", "__call__", "__version__", "__future__"))
_DEFINED = _DUNDERS | frozenset(
    """
    __all__ __doc__ __file__ __slots__ __repr__ __str__ __hash__ __eq__ __len__ __iter__ __getitem__ __enter__ __exit__
    """.split()
)
"""Names with a meaning for Python that a kernel's file may define or use by themselves; not `__match_args__`."""
_JITS = ("triton", "gluon")
"""`jit` of these is what makes a kernel."""


def reach(source: str) -> list[str]:
    """What it reaches for, each once, in a few words; nothing if the text is no Python."""
    try:
        return list(dict.fromkeys(_Reader().read(ast.parse(source))))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


class _Reader:
    def __init__(self) -> None:
        self._modules: dict[str, str] = {}
        """What each name that was imported stands for."""
        self._written_out: set[int] = set()
        """Uses of `getattr` whose name stands there."""

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
                    if alias.name == "*" or _private(alias.name):
                        yield f"imports {whole}"
                    yield from self._attribute(place, alias.name, whole)
            case ast.Call(func=ast.Name(id="getattr") as called, args=[value, ast.Constant(value=str(name)), *_]):
                self._written_out.add(id(called))
                yield from self._attribute(self._meant(value), name, ast.unparse(node)[:60])
            case ast.Name(id="getattr") if id(node) not in self._written_out:
                yield "uses getattr with a name that is not written out"
            case ast.Name(id=name) if name in _NAMES or _meaningful(name):
                yield f"uses {name}"
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name) if _meaningful(
                name
            ):
                yield f"defines {name}"
            case ast.Call(func=ast.Name(id="type"), args=[_, _, *_]):
                yield "makes a class by calling type"
            case ast.MatchClass(kwd_attrs=names):
                for name in names:
                    yield from self._attribute("", name, f".{name}")
            case ast.Attribute(value=value, attr=name, ctx=context):
                said = ast.unparse(node)[-60:]
                if not isinstance(context, ast.Load) and self._meant(value):
                    yield f"changes {said}"
                yield from self._attribute(self._meant(value), name, said)
            case _:
                return

    def _attribute(self, of: str, name: str, said: str) -> Iterator[str]:
        if name == "jit" and of.rpartition(".")[2] in _JITS:
            return
        taken = (
            _private(name)
            or name in _ATTRIBUTES
            or name in _MODULES
            or name.endswith("Storage")  # whose bytes can be read one by one
            or (of == "torch" and name in _OF_TORCH)
            or (of == "triton" and name in _OF_TRITON)
            or (of == "triton.runtime" and name != "driver")  # which says what device there is
        )
        if taken:
            yield f"uses {said}"

    def _meant(self, node: ast.expr) -> str:
        """The module that an expression stands for, as far as names tell; empty for anything else."""
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
    if not allowed or any(_private(part) for part in name.split(".")):
        yield f"imports {name or head}"


def _meaningful(name: str) -> bool:
    return name.startswith("__") and name.endswith("__") and name not in _DEFINED


def _private(name: str) -> bool:
    return name.startswith("_") and name not in _DUNDERS
