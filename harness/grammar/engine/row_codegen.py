"""Row writing: the code that reads records as tuples, as `ast` nodes: our own names and numbers, nobody else's."""

from __future__ import annotations

import ast
import struct
from typing import Any

from harness.grammar.engine.boundary_scan import make_function
from harness.grammar.engine.layout import Frame, Linear, NoLayoutError, Part
from harness.grammar.language.encodings import codec
from harness.grammar.language.primitive import Kind


class Shape:
    """What decides the code: compared by identity of the frames, which a layout makes anew; so by their parts."""

    def __init__(self, frame: Frame, bodies: tuple[tuple[str, Frame], ...]) -> None:
        self.frame, self.bodies = frame, dict(bodies)
        self.key = (_signature(frame), tuple((name, _signature(body)) for name, body in bodies))

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shape) and self.key == other.key


def _signature(frame: Frame) -> tuple[Any, ...]:
    return tuple(
        (p.path, p.primitive, p.big, p.size, p.row, p.tag, p.bodies, p.single, p.field.encoding) for p in frame.parts
    )


def order_of_parts(parts: tuple[Part, ...]) -> str:
    """The byte order of some parts, as `struct` writes it."""
    wide = [order for part in parts if (order := wide_order(part)) is not None]
    return ">" if wide and wide[0] else "<"


def _load(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())


def _store(name: str, value: ast.expr) -> ast.stmt:
    return ast.Assign([ast.Name(name, ast.Store())], value)


def _call(function: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(_load(function), list(arguments), [])


def _plus(left: ast.expr, constant: int) -> ast.expr:
    return left if constant == 0 else ast.BinOp(left, ast.Add(), ast.Constant(constant))


def _slice(start: ast.expr, stop: ast.expr) -> ast.expr:
    return ast.Subscript(_load("b"), ast.Slice(start, stop, None), ast.Load())


class _Rows(dict[int, Any]):
    """Unpackers of rows by how many numbers they have, made when first wanted."""

    def __init__(self, order: str, code: str) -> None:
        super().__init__()
        self.order, self.code = order, code

    def __missing__(self, count: int) -> Any:
        made = struct.Struct(f"{self.order}{count}{self.code}").unpack_from
        if len(self) < 4096:
            self[count] = made
        return made


class RowWriter:
    """Writes `(data, position, end, records, doubtful) -> position of the first record that does not fit`."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.known: dict[str, Any] = {"L": len, "E": UnicodeDecodeError, "I": int.from_bytes, "S": str}
        self.count = 0

    def new(self, prefix: str) -> str:
        """A name that nothing else has."""
        self.count += 1
        return f"{prefix}{self.count}"

    def give(self, value: Any) -> str:
        """A name by which the code sees a value."""
        name = self.new("g")
        self.known[name] = value
        return name

    def write(self) -> Any:
        """The function."""
        frame = self.shape.frame
        # Sizes first: whether a record fits is known before any of it is made.
        body, names = self.frame(frame, "p", None)
        done: list[ast.stmt] = [
            ast.Expr(_call("a", ast.Tuple([_load(n) for n in names], ast.Load()))),
            _store("p", _load("q")),
        ]
        loop = ast.While(ast.Compare(_load("p"), [ast.LtE()], [_load("z")]), [*body, *done], [])
        start: list[ast.stmt] = [
            _store("a", ast.Attribute(_load("o"), "append", ast.Load())),
            _store("z", _plus(_load("e"), -frame.fixed)),
        ]
        return make_function("rows", ("b", "p", "e", "o", "d"), [*start, loop, ast.Return(_load("p"))], self.known)

    def frame(self, frame: Frame, base: str, limit: str | None) -> tuple[list[ast.stmt], list[str]]:
        """The statements that read a record at a position, and the names of its values."""
        out: list[ast.stmt] = []
        numbers: dict[tuple[str, ...], str] = {}
        names: dict[tuple[str, ...], str] = {}
        fixed, rest = _split(frame)
        at = 0
        for run in fixed:
            self.run(run, base, at, out, names)
            at += sum(p.size.constant for p in run if p.size is not None)
        numbers.update(names)
        here, offset = base, at
        later: list[ast.stmt] = []
        for part in rest:
            stop: ast.expr
            if part.size is None:
                stop = _load(limit or "e")
            else:
                stop = _plus(self.sized(part.size, numbers, _load(here)), offset)
            end = self.new("q")
            out.append(_store(end, stop))
            if part.size is not None and (part.size.constant < 0 or any(f < 0 for _, f in part.size.terms)):
                below = ast.Compare(_load(end), [ast.Lt()], [_plus(_load(here), offset)])
                out.append(ast.If(below, [ast.Return(_load("p"))], []))
            begin = self.new("r")
            out.append(_store(begin, _plus(_load(here), offset)))
            name = self.new("v")
            names[part.path] = name
            later.extend(self.variable(part, begin, end, name, numbers))
            here, offset = end, 0
        if limit is None:
            out.append(_store("q", _plus(_load(here), offset)))
            out.append(ast.If(ast.Compare(_load("q"), [ast.Gt()], [_load("e")]), [ast.Return(_load("p"))], []))
        return [*out, *later], [names[part.path] for part in frame.parts]

    def run(
        self, parts: list[Part], base: str, at: int, out: list[ast.stmt], names: dict[tuple[str, ...], str]
    ) -> None:
        """A run of parts of constant size and one byte order: one call unpacks them."""
        whole = struct.Struct(order_of_parts(tuple(parts)) + "".join(_code_of(part) for part in parts))
        made = []
        for part in parts:
            names[part.path] = self.new("f")
            made.append(names[part.path])
        targets: list[ast.expr] = [ast.Name(name, ast.Store()) for name in made]
        read = _call(self.give(whole.unpack_from), _load("b"), _plus(_load(base), at))
        row = parts[0].row
        target: ast.expr = targets[0] if row else ast.Tuple(targets, ast.Store())
        out.append(ast.Assign([target], read))
        for part in parts:
            out.extend(self.finished(part, names[part.path]))

    def finished(self, part: Part, name: str) -> list[ast.stmt]:
        """What is left to do with a value of constant size."""
        primitive = part.primitive
        if primitive is None or part.row:
            return []
        if primitive.kind is Kind.STRING:
            return self.text(name, _load(name), part)
        if primitive.numeric and not primitive.code:
            order = ast.Constant("big" if part.big else "little")
            signed = ast.keyword("signed", ast.Constant(primitive.signed))
            return [_store(name, ast.Call(_load("I"), [_load(name), order], [signed]))]
        return []

    def text(self, name: str, value: ast.expr, part: Part) -> list[ast.stmt]:
        """Decode; what does not decode stays bytes, and its record is doubtful."""
        decode = ast.Call(_load("S"), [value, ast.Constant(codec(part.field.encoding))], [])
        doubt = self.doubt()
        failed: list[ast.stmt] = [doubt] if isinstance(value, ast.Name) else [doubt, _store(name, value)]
        handler = ast.ExceptHandler(_load("E"), None, failed)
        return [ast.Try([_store(name, decode)], [handler], [], [])]

    @staticmethod
    def doubt() -> ast.stmt:
        """Note that the record being made is doubtful."""
        place = _call("L", _load("o"))
        return ast.Expr(ast.Call(ast.Attribute(_load("d"), "append", ast.Load()), [place], []))

    def sized(self, size: Linear, numbers: dict[tuple[str, ...], str], start: ast.expr) -> ast.expr:
        """A position and a size: where a part ends."""
        for path, factor in size.terms:
            if path not in numbers:
                raise NoLayoutError(f"{'.'.join(path)!r} is not read first")
            number = _load(numbers[path])
            start = ast.BinOp(
                start, ast.Add(), number if factor == 1 else ast.BinOp(number, ast.Mult(), ast.Constant(factor))
            )
        return _plus(start, size.constant)

    def variable(
        self, part: Part, begin: str, end: str, name: str, numbers: dict[tuple[str, ...], str]
    ) -> list[ast.stmt]:
        """Read a part whose size varies."""
        raw = _slice(_load(begin), _load(end))
        if part.row:
            return self.row(part, begin, end, name)
        if part.primitive is not None and part.primitive.numeric:
            return self.number(part, begin, name)
        if part.primitive is not None and part.primitive.kind is Kind.STRING:
            return self.text(name, raw, part)
        plain: list[ast.stmt] = [_store(name, raw)]
        if part.single:
            return self.held(self.shape.bodies[part.single], begin, end, name)
        for value, body in reversed(part.bodies):
            test = ast.Compare(_load(numbers[part.tag]), [ast.Eq()], [ast.Constant(value)])
            plain = [ast.If(test, self.held(self.shape.bodies[body], begin, end, name), plain)]
        return plain

    def number(self, part: Part, begin: str, name: str) -> list[ast.stmt]:
        """Read a number behind a part whose size varies."""
        unpack = struct.Struct(order_of_parts((part,)) + _code_of(part)).unpack_from
        target = ast.Tuple([ast.Name(name, ast.Store())], ast.Store())
        read: ast.stmt = ast.Assign([target], _call(self.give(unpack), _load("b"), _load(begin)))
        return [read, *self.finished(part, name)]

    def row(self, part: Part, begin: str, end: str, name: str) -> list[ast.stmt]:
        """Read a row of numbers that fills its bytes."""
        primitive = part.primitive
        if primitive is None:
            raise NoLayoutError(name)
        unpackers = self.give(_Rows(">" if part.big else "<", primitive.code))
        count: ast.expr = ast.BinOp(_load(end), ast.Sub(), _load(begin))
        if primitive.width > 1:
            count = ast.BinOp(count, ast.FloorDiv(), ast.Constant(primitive.width))
        unpack = ast.Subscript(_load(unpackers), count, ast.Load())
        return [_store(name, ast.Call(unpack, [_load("b"), _load(begin)], []))]

    def held(self, frame: Frame, begin: str, end: str, name: str) -> list[ast.stmt]:
        """Read a record that a part holds, if it fits; else keep the bytes and doubt them."""
        if any(part.size is not None and part.size.terms for part in frame.parts):
            raise NoLayoutError(f"{frame.type.name!r} varies in size")
        statements, names = self.frame(frame, begin, end)
        made = _store(name, ast.Tuple([_load(n) for n in names], ast.Load()))
        length = ast.BinOp(_load(end), ast.Sub(), _load(begin))
        exact = frame.size is not None
        test: ast.expr = ast.Compare(length, [ast.Eq() if exact else ast.GtE()], [ast.Constant(frame.fixed)])
        last = frame.parts[-1]
        if not exact and last.row and last.primitive is not None and last.primitive.width > 1:
            over = ast.BinOp(_plus(length, -frame.fixed), ast.Mod(), ast.Constant(last.primitive.width))
            test = ast.BoolOp(ast.And(), [test, ast.Compare(over, [ast.Eq()], [ast.Constant(0)])])
        misfit = [self.doubt(), _store(name, _slice(_load(begin), _load(end)))]
        return [ast.If(test, [*statements, made], misfit)]


def _split(frame: Frame) -> tuple[list[list[Part]], list[Part]]:
    """The fixed first part of a record as runs that one call unpacks, and what follows it."""
    fixed: list[Part] = []
    for part in frame.parts:
        if part.size is None or part.size.terms or part.bodies or part.single:
            break
        fixed.append(part)

    runs: list[list[Part]] = []
    for part in fixed:
        last = runs[-1] if runs else []
        orders = {order for p in (*last, part) if (order := wide_order(p)) is not None}
        if not last or part.row or last[0].row or len(orders) > 1:
            runs.append([part])
        else:
            last.append(part)
    return runs, list(frame.parts[len(fixed) :])


def wide_order(part: Part) -> bool | None:
    """The byte order of a number for which it matters to `struct`."""
    primitive = part.primitive
    return part.big if primitive is not None and primitive.width > 1 and primitive.code else None


def _code_of(part: Part) -> str:
    primitive = part.primitive
    if primitive is None or part.size is None:
        return ""
    if part.row:
        return f"{part.size.constant // primitive.width}{primitive.code}"
    return primitive.code or f"{part.size.constant}s"
