"""Layout: the columnar shape of a grammar, whose records can be read many at a time, or the reason why it has none.

Such a grammar is a header and then records to the end of the file. A record is numbers and blobs whose sizes are
constants or sums of multiples of numbers in its fixed first part. One of its blobs may hold a record chosen by a tag.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.grammar.language.evaluation import nested_path
from harness.grammar.language.expression import Attribute, Binary, Expr, Literal, Name
from harness.grammar.language.grammar import Checks, Field, Grammar, TypeDef, Word
from harness.grammar.language.primitive import Kind, Primitive

Path = tuple[str, ...]


class NoLayoutError(Exception):
    """The grammar is not columnar; the message names the reason."""


@dataclass(frozen=True, slots=True)
class Linear:
    """`constant + sum(factor * number)`, where the numbers are fields of the record."""

    constant: int
    terms: tuple[tuple[Path, int], ...] = ()

    def __add__(self, other: Linear) -> Linear:
        """The sum of two sizes, with equal terms combined."""
        terms = dict(self.terms)
        for path, factor in other.terms:
            terms[path] = terms.get(path, 0) + factor
        return Linear(self.constant + other.constant, tuple((p, f) for p, f in terms.items() if f))

    def times(self, factor: int) -> Linear:
        """Multiply the size by a factor."""
        return Linear(self.constant * factor, tuple((path, f * factor) for path, f in self.terms if factor))


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One leaf field of a record.

    Attributes:
        owner: Name of the type that defines the field.
        primitive: Primitive type; None for a record.
        size: Bytes; None if the part extends to the end of the confining bytes.
        bodies: Types that it may hold instead, by the value of `tag`; empty if there are none.
        single: The type it always holds, if there is no tag.
    """

    field: Field
    owner: str
    path: Path
    primitive: Primitive | None
    big: bool
    size: Linear | None
    row: bool = False
    tag: Path = ()
    bodies: tuple[tuple[int, str], ...] = ()
    single: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A type as a flat list of parts; nested records of fixed size are expanded.

    Attributes:
        inner: The nested records: (type, field name, type of the record), one entry per field.
        numbers: The numbers of the fixed first part: path to (offset, primitive, byte order).
        size: Bytes of a record; None if its last part takes the rest.
        fixed: Bytes of the fixed first part.
    """

    type: TypeDef
    parts: tuple[Part, ...]
    inner: tuple[tuple[str, str, str], ...]
    numbers: dict[Path, tuple[int, Primitive, bool]]
    size: Linear | None
    fixed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A grammar as a header and records.

    Attributes:
        header: The grammar of the bytes before the records; None without such bytes.
        array: The field that holds the records; None if the root repeats.
        bodies: Shapes of the types that blobs may hold.
    """

    grammar: Grammar
    header: Grammar | None
    array: Field | None
    record: Frame
    bodies: dict[str, Frame]


def layout_of(grammar: Grammar) -> Layout:
    """The layout of a grammar.

    Raises:
        NoLayoutError: if the grammar is not columnar.
    """
    if grammar.select is not None:
        raise NoLayoutError("record.switch picks the types of records")
    root = grammar.types[grammar.root]
    header: Grammar | None = None
    array: Field | None = None
    record, big = root, _order(root, big=grammar.big)
    if grammar.once:
        if not root.fields or root.instances or root.params:
            raise NoLayoutError("the root has instances or parameters")
        array = root.fields[-1]
        plain = array.type is not None and array.type.primitive is None and not array.type.arguments
        if array.repeat is not Word.REST or not plain or array.type is None or _extra(array, length=False):
            raise NoLayoutError("the root does not end with records to the end of the file")
        last = root.fields[-2].type if len(root.fields) > 1 else None
        if last is not None and last.primitive is not None and last.primitive.bitwise:
            raise NoLayoutError("the records follow bit fields")
        if any(f.checksum is not None for f in root.fields) or array.checks is not None:
            raise NoLayoutError("the root has a checksum, or its records are checked as a whole")
        record = grammar.types[array.type.name]
        big = _order(record, big=big if array.big is None else array.big)
        before = replace(root, fields=root.fields[:-1])
        header = replace(grammar, types={**grammar.types, root.name: before})
    frame = _Framer(grammar).frame(record, big=big)
    if frame.size is None or frame.size.constant <= 0 or frame.fixed <= 0:
        raise NoLayoutError(f"{record.name!r} does not contain its size")
    bodies: dict[str, Frame] = {}
    for part in frame.parts:
        for name in (*(n for _, n in part.bodies), *([part.single] if part.single else [])):
            if name not in bodies:
                inherited = big if part.field.big is None else part.field.big
                inner = grammar.types[name]
                bodies[name] = _Framer(grammar, confined=True).frame(inner, big=_order(inner, big=inherited))
    return Layout(grammar=grammar, header=header, array=array, record=frame, bodies=bodies)


def _order(definition: TypeDef, *, big: bool) -> bool:
    if definition.endian is None:
        return big
    if isinstance(definition.endian, bool):
        return definition.endian
    raise NoLayoutError(f"the byte order of {definition.name!r} is decided by the data")


def _extra(field: Field, *, length: bool) -> bool:
    """Whether a field has a property other than a type, a length and checks."""
    return bool(
        field.condition
        or field.until
        or field.compute
        or field.at
        or field.offset
        or field.skip
        or field.align
        or field.process
        or field.parent
        or field.delimiter
        or (field.length is not None and not length)
    )


def _plain(checks: Checks | None) -> bool:
    """Whether checks compare with constants only."""
    if checks is None:
        return True
    if checks.holds is not None or (checks.constants is None and (checks.equals is not None or checks.one_of)):
        return False
    return all(bound is None or isinstance(bound, Literal) for bound in (checks.low, checks.high, checks.not_equals))


class _Framer:
    def __init__(self, grammar: Grammar, *, confined: bool = False) -> None:
        self.grammar, self.confined = grammar, confined
        self.parts: list[Part] = []
        self.inner: list[tuple[str, str, str]] = []
        self.numbers: dict[Path, tuple[int, Primitive, bool]] = {}
        self.at: int | None = 0
        self.fixed = 0

    def frame(self, definition: TypeDef, *, big: bool) -> Frame:
        self.type(definition, (), big=big)
        size: Linear | None = Linear(0)
        for part in self.parts:
            size = None if size is None or part.size is None else size + part.size
        return Frame(
            type=definition,
            parts=tuple(self.parts),
            inner=tuple(self.inner),
            numbers=self.numbers,
            size=size,
            fixed=self.fixed,
        )

    def type(self, definition: TypeDef, path: Path, *, big: bool) -> None:
        if definition.instances or definition.params or not definition.fields:
            raise NoLayoutError(f"{definition.name!r} has instances, parameters or no fields")
        if len(path) > 4:
            raise NoLayoutError("records are nested deeper than four levels")
        for field in definition.fields:
            self.field(field, definition, (*path, field.name), big=big)

    def field(self, field: Field, owner: TypeDef, path: Path, *, big: bool) -> None:
        name = ".".join(path)
        if self.parts and self.parts[-1].size is None:
            raise NoLayoutError(f"{name!r} comes after a field that takes the rest")
        if _extra(field, length=True) or (field.type is None and field.switch is None):
            raise NoLayoutError(f"{name!r} is conditional, positioned, processed or delimited")
        if not _plain(field.checks):
            raise NoLayoutError(f"{name!r} is checked against more than constants")
        checksum = field.checksum
        if checksum is not None and (checksum.of or checksum.blank is not None or self.confined or len(path) > 1):
            raise NoLayoutError(f"{name!r} is a checksum of more than fields of the same record")
        order = big if field.big is None else field.big
        primitive = field.type.primitive if field.type is not None else None
        if field.switch is None and primitive is None:
            self.record(field, owner, path, big=order)
        elif field.switch is None and primitive is not None and primitive.numeric:
            self.number(field, owner, path, primitive, big=order)
        else:
            self.blob(field, owner, path, big=order)

    def record(self, field: Field, owner: TypeDef, path: Path, *, big: bool) -> None:
        if field.type is None or field.repeat is not None or field.type.arguments or field.checks:
            raise NoLayoutError(f"{'.'.join(path)!r} is repeated or has arguments")
        inner = self.grammar.types[field.type.name]
        if field.length is not None:
            self.blob(field, owner, path, big=big)
            return
        if self.at is None or any(f.checksum is not None for f in inner.fields):
            raise NoLayoutError(f"the record {'.'.join(path)!r} follows a field of variable size or has a checksum")
        self.inner.append((owner.name, field.name, inner.name))
        self.type(inner, path, big=_order(inner, big=big))
        if self.at is None:
            raise NoLayoutError(f"the record {'.'.join(path)!r} varies in size")

    def number(self, field: Field, owner: TypeDef, path: Path, primitive: Primitive, *, big: bool) -> None:
        if primitive.kind not in (Kind.INTEGER, Kind.FLOAT) or field.length is not None:
            raise NoLayoutError(f"{'.'.join(path)!r} is a {primitive.name}")
        order = big if primitive.big is None else primitive.big
        size: Linear | None = Linear(primitive.width)
        row = field.repeat is not None
        if row:
            if field.checks or field.checksum or not primitive.code:
                raise NoLayoutError(f"the row {'.'.join(path)!r} is checked or of odd width")
            size = None if field.repeat is Word.REST else self.linear(field.repeat, owner, path).times(primitive.width)
            if size is None and not self.confined:
                raise NoLayoutError(f"{'.'.join(path)!r} takes the rest of the file")
        elif self.at is not None:
            self.numbers[path] = (self.at, primitive, order)
        self.add(Part(field=field, owner=owner.name, path=path, primitive=primitive, big=order, size=size, row=row))

    def blob(self, field: Field, owner: TypeDef, path: Path, *, big: bool) -> None:
        name = ".".join(path)
        if field.repeat is not None or field.length is None or field.length is Word.PREFIX:
            raise NoLayoutError(f"{name!r} is repeated, prefixed or has no length")
        if field.length is Word.REST and not self.confined:
            raise NoLayoutError(f"{name!r} takes the rest of the file")
        size = None if field.length is Word.REST else self.linear(field.length, owner, path)
        primitive = field.type.primitive if field.type is not None else None
        part = Part(field=field, owner=owner.name, path=path, primitive=primitive, big=big, size=size)
        if field.switch is not None or primitive is None:
            if self.confined or field.checks:
                raise NoLayoutError(f"the record in {name!r} is nested too deep, or is checked")
            part = self.holding(field, owner, part)
        elif primitive.kind not in (Kind.BYTES, Kind.STRING):
            raise NoLayoutError(f"{name!r} is a confined {primitive.name}")
        elif field.checks is not None and (field.checks.low or field.checks.high or field.checks.not_equals):
            raise NoLayoutError(f"{name!r} is checked against more than constants")
        self.add(part)

    def holding(self, field: Field, owner: TypeDef, part: Part) -> Part:
        name = ".".join(part.path)
        if field.switch is None:
            return replace(part, single=field.type.name if field.type is not None else "")
        tag = self.resolve(field.switch.by, owner, part.path)
        if tag not in self.numbers or self.numbers[tag][1].kind is not Kind.INTEGER:
            raise NoLayoutError(f"the tag of {name!r} is not a number of the fixed part")
        if part.primitive is None or part.primitive.kind is not Kind.BYTES or field.switch.default is not None:
            raise NoLayoutError(f"{name!r} has a default other than bytes")
        bodies = []
        for value, ref in field.switch.cases.items():
            if not isinstance(value, int) or ref.primitive is not None or ref.arguments:
                raise NoLayoutError(f"a case of {name!r} is not a plain record")
            bodies.append((int(value), ref.name))
        return replace(part, tag=tag, bodies=tuple(bodies))

    def add(self, part: Part) -> None:
        self.parts.append(part)
        constant = part.size is not None and not part.size.terms
        if part.size is not None and constant and part.size.constant < 0:
            raise NoLayoutError(f"{'.'.join(part.path)!r} has a negative size")
        if self.at is not None and constant and part.size is not None:
            self.at += part.size.constant
            self.fixed = self.at
        else:
            self.at = None

    def linear(self, expr: Expr | Word | None, owner: TypeDef, path: Path) -> Linear:
        match expr:
            case Literal(value) if isinstance(value, int) and not isinstance(value, bool):
                return Linear(value)
            case Binary("+", left, right):
                return self.linear(left, owner, path) + self.linear(right, owner, path)
            case Binary("-", left, right):
                return self.linear(left, owner, path) + self.linear(right, owner, path).times(-1)
            case Binary("*", Literal(int() as factor), other) | Binary("*", other, Literal(int() as factor)):
                return self.linear(other, owner, path).times(factor)
            case Name() | Attribute():
                found = self.resolve(expr, owner, path)
                known = self.numbers.get(found)
                if known is not None and known[1].kind is Kind.INTEGER and known[1].width <= 4:
                    return Linear(0, ((found, 1),))
        raise NoLayoutError(f"the size of {'.'.join(path)!r} is not a sum of numbers of the fixed part")

    def resolve(self, expr: Expr, owner: TypeDef, path: Path) -> Path:
        match expr:
            case Name(name):
                nested = nested_path(name, owner, self.grammar.types)
                return (*path[:-1], *nested) if nested is not None else (*path[:-1], name)
            case Attribute(of, name):
                return (*self.resolve(of, owner, path), name)
        raise NoLayoutError(f"the size of {'.'.join(path)!r} depends on more than a field")
