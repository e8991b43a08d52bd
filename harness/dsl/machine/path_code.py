"""Path code: one Python function for all known paths through a step, instead of one for each of its expressions.

The function binds no variable before the step has ended. Where it does not apply (an undefined value, a number out of
range, a path that was never executed) it has no effect, and the instructions are executed one by one.
"""

from __future__ import annotations

import _ast as ast  # the node classes only: importing `ast` adds to the start-up time

from harness.core.python_source import call, compile_function, load
from harness.dsl.eventlog.canonical import encode
from harness.dsl.expressions import nodes as n
from harness.dsl.expressions.codegen import Compiler
from harness.dsl.machine.segment import Node, SegmentWriter, Shape, StepCode
from harness.dsl.types import Kind

MAX_NODES = 64  # maximum number of nodes in one function; a step with more paths executes few of them twice
MAX_LITERAL = 200  # maximum characters of a constant string that becomes part of the template of an event


def generate_step(root: Node, writer: SegmentWriter) -> StepCode | None:
    """The code of the paths that begin at a node; None if none of them ends a step, or they are too many."""
    nodes = [root]
    for node in nodes:
        nodes += [one for one in (node.yes, node.no) if one is not None]
        if len(nodes) > MAX_NODES:
            return None
    if not any(node.shape is not None for node in nodes):
        return None
    builder = _Builder(writer)
    slots = ast.Assign([ast.Name("slots", ast.Store())], _of_frame("slots", ast.Load()))
    visits = ast.Assign([_of_frame("visits", ast.Store())], ast.Constant(0))
    body = [slots, visits, *builder.way(root, {})]
    return compile_function("step", ["frame"], body, builder.compiler.constants)


class _Builder:
    """Builds the statements of one function.

    Attributes:
        compiler: Of the expressions; it also holds the objects that the function names.
    """

    def __init__(self, writer: SegmentWriter) -> None:
        self.compiler = Compiler(locals_=set())
        self._writer, self._count = writer, 0
        self.compiler.constants["encode"] = writer.encode_value

    def way(self, node: Node, texts: dict[int, str | ast.expr]) -> list[ast.stmt]:
        """The statements of a node and of those after it.

        Args:
            node: Where the path begins.
            texts: The JSON of the bound slots: a constant, or what makes it.
        """
        found: list[ast.stmt] = []
        for index, value in node.sources:
            found.append(ast.Assign([ast.Name(f"e{index}", ast.Store())], self.compiler.expression(value)))
            self.compiler.locals.add(index)
            texts = {**texts, index: _text(value, load(f"e{index}"))}
        if node.shape is not None:
            return found + self._end(node, node.shape, texts)
        if node.condition is None:
            return [*found, _leave()]
        self._count += 1
        test = f"test{self._count}"
        found.append(ast.Assign([ast.Name(test, ast.Store())], self.compiler.expression(node.condition)))
        for outcome, after in ((True, node.yes), (False, node.no)):
            is_so = ast.Compare(load(test), [ast.Is()], [ast.Constant(outcome)])
            found.append(ast.If(is_so, self._after(after, texts), []))
        return [*found, _leave()]

    def _after(self, node: Node | None, texts: dict[int, str | ast.expr]) -> list[ast.stmt]:
        if node is None:
            return [_leave()]
        before = set(self.compiler.locals)
        found = self.way(node, texts)
        self.compiler.locals = before
        return found

    def _end(self, node: Node, shape: Shape, texts: dict[int, str | ast.expr]) -> list[ast.stmt]:
        """Bind the variables, and return the event: its template, filled with what differs."""
        found: list[ast.stmt] = [
            ast.Assign([ast.Subscript(load("slots"), ast.Constant(index), ast.Store())], load(f"e{index}"))
            for index in dict.fromkeys(node.bound)
        ]
        parts = [texts[index] for index in shape.order]
        constants = tuple(part.replace("%", "%%") if isinstance(part, str) else "%s" for part in parts)
        template = ast.Constant(shape.template.replace("%%", "%%%%") % constants)
        values = ast.Tuple([part for part in parts if not isinstance(part, str)], ast.Load())
        self._count += 1
        self.compiler.constants[f"node{self._count}"] = node
        body = ast.Attribute(ast.BinOp(template, ast.Mod(), values), "encode", ast.Load())
        event = call(body, ast.Constant("ascii"))
        return [*found, ast.Return(ast.Tuple([load(f"node{self._count}"), event], ast.Load()))]


def _text(value: n.Expr, bound: ast.expr) -> str | ast.expr:
    """The JSON of a value that is bound to a variable: of a short constant, or an expression."""
    if isinstance(value, n.Const) and (isinstance(value.value, int) or type(value.value) is str):
        literal = encode(value.value).decode("ascii")
        if len(literal) <= MAX_LITERAL:
            return literal
    if isinstance(value, n.Binary) and {value.type.kind, value.left.type.kind, value.right.type.kind} == {Kind.INT}:
        return bound  # the code has tested that it is in range
    return call(load("encode"), bound)


def _of_frame(name: str, context: ast.expr_context) -> ast.expr:
    return ast.Attribute(load("frame"), name, context)


def _leave() -> ast.stmt:
    return ast.Return(ast.Constant(None))
