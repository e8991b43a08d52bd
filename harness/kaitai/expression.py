"""Expressions of Kaitai Struct: the grammar language's nodes, and the names of types.

| Kaitai Struct | node |
|---|---|
| `value.as<type>` | `Method(value, "as", (Literal("type"),))` |
| `sizeof<type>`, `bitsizeof<type>` | `Call("sizeof", (Literal("type"),))` |
| `f"…{x}…"` | `Call("f", (Literal("…"), x, Literal("…")))` |

Source: the language's user guide, section "Expression language" (https://doc.kaitai.io/user_guide.html).
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.grammar.language.expression import Binary, EnumLiteral, Expr, Literal, Name, Ternary, Unary, children

COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
SPECIAL = frozenset({"_io", "_root", "_parent", "_index", "_"})  # special names that mean the same in a grammar


@dataclass(frozen=True, slots=True)
class TypeName:
    """The name of a type in an expression or in `type:`: `a::b::c`, or an array `c[]`."""

    path: tuple[str, ...]
    absolute: bool = False
    array: bool = False

    def __str__(self) -> str:
        return ("::" if self.absolute else "") + "::".join(self.path) + ("[]" if self.array else "")

    @classmethod
    def of(cls, text: str) -> TypeName:
        """Read the text that `str` makes."""
        name = text.removesuffix("[]")
        return cls(tuple(name.removeprefix("::").split("::")), name.startswith("::"), name != text)


def integer(expr: Expr | None) -> int | None:
    """Return the value of an integer literal, which may have a sign; None for any other expression."""
    match expr:
        case Literal(value=int() as value) if not isinstance(value, bool):
            return value
        case Unary(operator="-", of=Literal(value=int() as value)) if not isinstance(value, bool):
            return -value
    return None


def is_byte(expr: Expr) -> bool:
    """Whether an expression is an integer literal of one byte."""
    found = integer(expr)
    return found is not None and 0 <= found < 256


def place(by: Expr, values: list[Expr | None]) -> Expr:
    """Return an expression for the index of the first value that equals `by`; -1 if none does."""
    found: Expr = Literal(-1)
    for index, value in reversed(list(enumerate(values))):
        if value is not None:
            found = Ternary(Binary("==", by, value), Literal(index), found)
    return found


def joined(operator: str, parts: list[Expr]) -> Expr:
    """Join expressions with a binary operator."""
    made = parts[0]
    for part in parts[1:]:
        made = Binary(operator, made, part)
    return made


def case_label(expr: Expr | None, written: str) -> str:
    """Return the key of a case as the compiler prints it in the path of a message: `Str(foo)` for `"foo"`."""
    match expr:
        case Literal(value=bool() as value):
            return f"Bool({str(value).lower()})"
        case Literal(value=int() as value):
            return f"IntNum({value})"
        case Literal(value=str() as text):
            return f"Str({text})"
        case Unary(operator="-", of=of):
            return f"UnaryOp(Minus,{case_label(of, written)})"
        case Name(name=name):
            return f"Name(identifier({name}))"
        case EnumLiteral(enum=enum, label=label):
            *path, name = TypeName.of(enum).path
            return f"EnumByLabel(identifier({name}),identifier({label}),typeId(false,List({', '.join(path)}),false))"
        case None:
            return "Name(identifier(_))"
    return written


def depth(expr: Expr) -> int:
    """Return the number of levels of a tree."""
    deepest, stack = 0, [(expr, 1)]
    while stack:
        found, level = stack.pop()
        deepest = max(deepest, level)
        stack.extend((inner, level + 1) for inner in children(found))
    return deepest
