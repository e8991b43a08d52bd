"""Declarations: the content of a module, a system, a domain or a group of knowledge."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.dsl.language.syntax.expression import NOWHERE, Expression, Literal, Span
from harness.dsl.language.syntax.statement import Description, Entries, Entry, Label, Let, Statement, Variable
from harness.dsl.language.syntax.type_expression import FieldDeclaration


@dataclass(slots=True)
class Unit:
    """task, agent_loop, service_loop or engineering_loop."""

    keyword: str
    label: Label
    body: list[Statement]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Group:
    """system, domain, model, trace_schema, knowledge, build: a group of declarations."""

    keyword: str
    label: Label | None
    items: list[Declaration]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Shape:
    """`type T matches { … }`, or `case C { … }` of a variant."""

    keyword: str
    label: Label
    fields: list[FieldDeclaration]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Variant:
    """`variant V { case … }`."""

    label: Label
    cases: list[Shape]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class FactDeclaration:
    """`fact f(t: V.C) { let … return … }`."""

    label: Label
    parameters: list[FieldDeclaration]
    lets: list[Let]
    result: Expression
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(slots=True)
class Mock:
    """`run "command" -> "output"` in `tools { … }`: what a tool answers while effects are off."""

    tool: str
    request: str
    result: Literal
    span: Span = field(default=NOWHERE, compare=False, repr=False)


Declaration = Unit | Group | Shape | Variant | FactDeclaration | Entries | Variable | Entry | Description | Mock


@dataclass(slots=True)
class Module:
    """The declarations of a program, in source order."""

    items: list[Declaration]
    span: Span = field(default=NOWHERE, compare=False, repr=False)
