"""JIT source: the jit functions of a candidate's file, written out again from a tree of which every node is listed.

Nothing of the candidate's own text is executed or compiled: comments, docstrings, decorators and encodings do not
survive. Names are resolved through the file's imports, so that an alias means what it stands for.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping

from harness.lanes.kernel.jit_names import (
    DROPPED_OPTIONS,
    HELPERS,
    JIT_OPTIONS,
    JITS,
    METHODS,
    MODULES,
    NODES,
    OURS,
    PLAIN,
    RANGES,
)  # fmt: skip
from harness.lanes.kernel.plan import PlanFault

MAX_BYTES = 1 << 18  # of a file
_MAX_STRING = 200
_HEADS = {
    "": "import triton\nimport triton.language as tl\n",
    "libdevice.": "from triton.language.extra import libdevice\n",
    "gluon.jit": """from triton.experimental import gluon
from triton.experimental.gluon import language as gl
from triton.experimental.gluon.language.nvidia import hopper
""",
}
_USE = "is not on the list of what a jit function may use"


class JitSource:
    """What may be executed of a candidate.

    Args:
        known: What names of its module stand for (see `Plan.globals`).

    Attributes:
        text: A module with its jit functions.
        parameters: The names of the parameters of each jit function.

    Raises:
        PlanFault: if the file cannot be parsed, or a jit function has a node that is not listed.
    """

    def __init__(self, source: bytes, known: Mapping[str, object] | None = None) -> None:
        if len(source) > MAX_BYTES:
            raise PlanFault("forbidden", f"the file has more than {MAX_BYTES >> 10} KiB")
        self._constants: dict[str, object] = {}
        self._modules: dict[str, str] = {}
        self._callable: set[str] = set()
        for name, value in (known or {}).items():
            if not name.isidentifier() or _is_reserved(name):
                raise PlanFault("forbidden", f"a constant with the reserved name {name!r}")
            if isinstance(value, tuple):
                self._modules[name] = value[0]
            else:
                self._constants[name] = value
        functions: dict[str, ast.FunctionDef] = {}
        try:
            tree = ast.parse(source.decode("utf-8-sig"))
            for node in tree.body:
                self._read_import(node)
            for node in tree.body:  # all other statements are host code
                if isinstance(node, ast.FunctionDef) and node.decorator_list and self._jit_of(node):
                    if node.name in functions or _is_reserved(node.name):
                        _refuse(f"a jit function {node.name!r} that is defined twice or has a reserved name", node)
                    functions[node.name] = node
            self.parameters = {name: [one.arg for one in node.args.args] for name, node in functions.items()}
            texts = [self._write_function(node) for node in functions.values()]
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise PlanFault("forbidden", f"the file cannot be parsed: {type(error).__name__}") from error
        constants = [f"{name} = tl.constexpr({_literal(value)})" for name, value in self._constants.items()]
        heads = [head for mark, head in _HEADS.items() if any(mark in text for text in texts)]
        self.text = "\n".join([*heads, *constants, *texts]) + "\n"

    @property
    def is_gluon(self) -> bool:
        """Whether a jit function is Gluon, which Triton's interpreter does not run."""
        return _HEADS["gluon.jit"] in self.text

    @property
    def uninterpreted(self) -> str:
        """What Triton's interpreter does not run of it; empty if it runs all."""
        if self.is_gluon:
            return "Gluon"
        # There they return nothing, and the error is about another line.
        return "library functions of the device (libdevice)" if _HEADS["libdevice."] in self.text else ""

    def _read_import(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Import):
            for one in node.names:
                whole = one.name if one.asname else one.name.partition(".")[0]
                self._modules[one.asname or whole] = whole
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            self._modules |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}

    def _dotted(self, node: ast.expr, local: set[str]) -> str:
        """The whole name of a member of a module; empty for anything else."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id in local or node.id not in self._modules:
            return ""
        return ".".join([self._modules[node.id], *reversed(parts)])

    def _jit_of(self, node: ast.FunctionDef) -> str:
        last = node.decorator_list[-1]
        return JITS.get(self._dotted(last.func if isinstance(last, ast.Call) else last, set()), "")

    def _resolve(self, node: ast.expr, local: set[str]) -> str:
        """The name under which a listed member is written out; empty if the node is not a member of a module.

        Raises:
            PlanFault: if it is a member that is not listed.
        """
        whole = self._dotted(node, local)
        if not whole or whole in HELPERS:
            return HELPERS.get(whole, "")
        for module, (own, listed) in MODULES.items():
            if whole.startswith(f"{module}.") and (member := whole.removeprefix(f"{module}.")) in listed:
                return f"{own}.{member}"
        return _refuse(f"{whole} {_USE}", node)

    def _write_function(self, node: ast.FunctionDef) -> str:
        arguments = node.args
        if arguments.vararg or arguments.kwarg or arguments.posonlyargs or arguments.kwonlyargs:
            _refuse("parameters that are not plain", node)
        stored = {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
        local = set(self.parameters[node.name]) | stored
        for name in sorted(local):
            if _is_reserved(name):
                _refuse(f"a variable may not be named {name!r}", node)
        for one in arguments.args:
            one.annotation = ast.Name("tl.constexpr") if self._is_constexpr(one.annotation) else None
        # A launch gives them jit functions, or what cannot be called.
        self._callable = {one.arg for one in arguments.args if one.annotation is not None} - stored
        last, jit = node.decorator_list[-1], ast.Name(self._jit_of(node))
        keywords = []
        for keyword in last.keywords if isinstance(last, ast.Call) else ():
            if keyword.arg in JIT_OPTIONS:
                keywords.append(ast.keyword(keyword.arg, ast.Constant(ast.literal_eval(keyword.value))))
            elif keyword.arg not in DROPPED_OPTIONS:
                _refuse(f"jit does not take {keyword.arg}", node)
        node.decorator_list = [ast.Call(jit, [], keywords)] if keywords else [jit]
        arguments.defaults = [self._checked(one, set()) for one in arguments.defaults]  # type: ignore[misc]
        node.returns = None
        node.body = [*self._write_body(node.body, local)] or [ast.Pass()]
        return ast.unparse(ast.fix_missing_locations(node))

    def _is_constexpr(self, annotation: ast.expr | None) -> bool:
        if isinstance(annotation, ast.Constant):
            return str(annotation.value).rpartition(".")[2] == "constexpr"
        return annotation is not None and self._dotted(annotation, set()).rpartition(".")[2] == "constexpr"

    def _write_body(self, body: list[ast.stmt], local: set[str]) -> Iterator[ast.stmt]:
        for node in body:
            if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):  # a docstring
                yield self._checked(node, local)  # type: ignore[misc]

    def _checked(self, node: ast.AST, local: set[str]) -> ast.AST:
        """The same tree, with members of modules under our names.

        Raises:
            PlanFault: if a node is not listed.
        """
        if not isinstance(node, NODES):
            _refuse(f"{type(node).__name__} {_USE}", node)
        match node:
            case ast.Attribute():
                if found := self._resolve(node, local):
                    return ast.Name(found, node.ctx)
                if node.attr not in METHODS or not isinstance(node.ctx, ast.Load):
                    _refuse(f".{node.attr} {_USE}", node)
            case ast.Name(id=name) if name not in local:
                if found := self._resolve(node, local):
                    return ast.Name(found, node.ctx)
                if not (name in self.parameters or name in self._constants or name in PLAIN):
                    _refuse(f"{name} is neither a jit function nor a constant number of this file", node)
            case ast.Constant(value=value):
                is_text = isinstance(value, str) and len(value) <= _MAX_STRING and value.isprintable()
                if not (is_text or value is None or isinstance(value, bool | int | float)):
                    _refuse(f"a constant {type(value).__name__} {_USE}", node)
            case ast.Assign(targets=[*targets]) if len(targets) > 1 or not _is_plain(targets[0]):
                _refuse("an assignment to something other than names", node)
            case ast.AugAssign(target=target) | ast.AnnAssign(target=target) if not isinstance(target, ast.Name):
                _refuse("an assignment to something other than names", node)
            case ast.For(target=target, iter=loop, orelse=rest):
                called = loop.func if isinstance(loop, ast.Call) else None
                name = (self._resolve(called, local) or ast.unparse(called)) if called else ""
                if name not in RANGES or rest or not isinstance(target, ast.Name):
                    _refuse("a loop over something other than a range", node)
            case ast.Call(func=func) if not isinstance(func, ast.Attribute):
                if not isinstance(func, ast.Name) or (func.id in local and func.id not in self._callable):
                    _refuse("a call of something other than a function", node)
            case ast.keyword(arg=None):
                _refuse(f"** {_USE}", node)
            case ast.Compare(ops=ops, comparators=right) if any(isinstance(op, ast.Is | ast.IsNot) for op in ops):
                if not all(isinstance(one, ast.Constant) and one.value is None for one in right):
                    _refuse("`is` with something other than None", node)
        for name, value in ast.iter_fields(node):
            if name in ("body", "orelse") and isinstance(value, list):
                setattr(node, name, [*self._write_body(value, local)] or ([ast.Pass()] if name == "body" else []))
            elif isinstance(value, list):
                setattr(node, name, [self._checked(one, local) for one in value])
            elif isinstance(value, ast.AST):
                setattr(node, name, self._checked(value, local))
        return node


def _refuse(what: str, node: ast.AST) -> str:
    raise PlanFault("forbidden", f"line {getattr(node, 'lineno', 0)}: {what}")


def _is_reserved(name: str) -> bool:
    return name in OURS or name in PLAIN or name.startswith("__")


def _is_plain(target: ast.expr) -> bool:
    if isinstance(target, ast.Tuple):
        return all(isinstance(one, ast.Name) for one in target.elts)
    return isinstance(target, ast.Name)


def _literal(value: object) -> str:
    return f"float({json.dumps(value)!r})" if isinstance(value, float) else repr(value)
