"""Reading: everything that the judge learns from a candidate's text, without running it.

It is made in a disposable process (see `reader`), since the text is hostile; only plain values come back.
"""

from __future__ import annotations

import ast
import base64
import marshal
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from harness.core.digest import digest_bytes
from harness.core.status import Status
from harness.lanes.toolgen.calling_mismatch import find_mismatch
from harness.lanes.toolgen.documentation import DocExample, Documentation, read_documentation
from harness.lanes.toolgen.executed_code import Executed, keep_executed
from harness.lanes.toolgen.forbidden_names import forbidden_for
from harness.lanes.toolgen.hash_dependence import may_depend_on_hash_seed
from harness.lanes.toolgen.metadata import Metadata, read_metadata
from harness.lanes.toolgen.module_imports import module_imports
from harness.lanes.toolgen.signature import Signature, signature_of
from harness.lanes.toolgen.source import Source, parse
from harness.lanes.toolgen.static_check import Violation, violations
from harness.lanes.toolgen.style import detect
from harness.lanes.toolgen.tool_spec import Tool
from harness.sandbox.importable import importable

_NO_CLAIMS = Metadata()
_NOTHING = Documentation(module=False, function=False, signature=False, defined=False, examples=())
MAX_VIOLATIONS = 100  # of one candidate; a file of 512 KiB can have 100,000, which make 6 MB of evidence
MAX_CODE = 2 << 20  # bytes of a code object that is handed to boxes: 12 bytes of text can be 4 KiB of constants
TOO_DEEP = "it is nested too deeply to be checked"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a candidate's text says.

    Attributes:
        status: `ok`, or the status of a candidate that cannot be run.
        why: The reason of another status.
        violations: The uses of forbidden APIs and the imports that are not listed, in source order.
        style: The style of the functions that its entry reaches.
        uses_hashes: Whether an answer may depend on the hash seed.
        mismatch: Why its function cannot be called as the signature says; empty if it can.
        imports: The modules that a box loads for it.
        code: Its code object, marshalled, for boxes: each would write to 180 pages more to compile it. Empty where it
            cannot be compiled, is too long, or is not to be run; then a box compiles the text, and says what is wrong.
    """

    status: Status = Status.OK
    why: str = ""
    parsed: bool = False
    metadata: Metadata = _NO_CLAIMS
    violations: tuple[Violation, ...] = ()
    documentation: Documentation = _NOTHING
    style: str = ""
    uses_hashes: bool = False
    mismatch: str = ""
    imports: tuple[str, ...] = ()
    code: bytes = b""

    def to_wire(self) -> dict[str, Any]:
        """The reading as a JSON object."""
        shown = self.documentation
        examples = [[one.key.decode("ascii"), one.promised.decode("ascii")] for one in shown.examples]
        return _fields_of(self) | {
            "metadata": self.metadata.model_dump(),
            "violations": [one.to_wire() for one in self.violations],
            "documentation": _fields_of(shown) | {"examples": examples},
            "code": base64.b64encode(self.code).decode("ascii"),
        }

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Reading:
        """The reading that `to_wire` made."""
        shown = dict(wire["documentation"])
        examples = [DocExample(*(part.encode("ascii") for part in pair)) for pair in shown.pop("examples")]
        return cls(
            **{
                **wire,
                "status": Status(wire["status"]),
                "metadata": Metadata.model_validate(wire["metadata"]),
                "violations": tuple(Violation(**one) for one in wire["violations"]),
                "documentation": Documentation(**{**shown, "examples": tuple(examples)}),
                "imports": tuple(wire["imports"]),
                "code": base64.b64decode(wire["code"]),
            }
        )


def _fields_of(value: Reading | Documentation) -> dict[str, Any]:
    return {one.name: getattr(value, one.name) for one in fields(value)}


def rules_of(tool: Tool, *, is_strict: bool = False) -> dict[str, Any]:
    """What a reading needs to know of a tool, as a JSON object; `is_strict` as for `forbidden_for`."""
    constraints = tool.spec.constraints
    return {
        "signature": tool.spec.signature,
        "forbidden": constraints.forbidden_apis,
        "capabilities": tool.spec.capabilities,
        "more": constraints.allow_imports,
        "iterators": tool.spec.compare.iterators == "list",
        "strict": is_strict,
    }


def read(data: bytes, rules: Mapping[str, Any]) -> Reading:
    """Read a candidate.

    Args:
        data: Its bytes.
        rules: See `rules_of`.

    Raises:
        RecursionError: if it is nested too deeply.
    """
    source = Source(data, digest_bytes(data))
    tree = parse(source)
    if isinstance(tree, Source):
        return Reading(tree.status, tree.why)
    wanted = _signature(rules["signature"])
    imports, uses = read_uses(tree, source.text, rules)
    return Reading(
        parsed=True,
        metadata=read_metadata(source.text),
        violations=uses,
        documentation=read_documentation(tree, wanted),
        style=detect(tree, wanted.name),
        uses_hashes=may_depend_on_hash_seed(tree),
        mismatch=find_mismatch(tree, wanted, iterators=rules["iterators"]),
        imports=tuple(imports),
        code=b"" if uses else compiled(tree),
    )


def compiled(source: str | ast.Module) -> bytes:
    """The marshalled code object of a source, or of its unchanged tree.

    Empty if it cannot be compiled or has more than `MAX_CODE` bytes.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # as in `parse`
            code = marshal.dumps(compile(source, "candidate.py", "exec", dont_inherit=True, optimize=0))
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
        return b""
    return code if len(code) <= MAX_CODE else b""


def read_uses(tree: ast.Module, text: str, rules: Mapping[str, Any]) -> tuple[list[str], tuple[Violation, ...]]:
    """`Reading.imports` and `Reading.violations` of a candidate, the first ones.

    Args:
        rules: See `rules_of`.

    Raises:
        RecursionError: if it is nested too deeply.
    """
    apis = rules["forbidden"]
    own = None if apis is None else tuple(apis)
    forbidden = forbidden_for(own, tuple(rules["capabilities"]), is_strict=rules["strict"])
    if not forbidden:
        return [], ()
    imports, uses = module_imports(tree, text, importable(forbidden.guard_rules, tuple(rules["more"])))
    if forbidden.may_occur(text):
        uses += violations(tree, forbidden)
    return imports, tuple(sorted(uses, key=lambda one: (one.line, one.column, bool(one.how))))[:MAX_VIOLATIONS]


def executed_style(data: bytes, entry: str, counts: Executed) -> str:
    """The style of the code that was executed.

    Raises:
        RecursionError: if it is nested too deeply.
    """
    tree = parse(Source(data, ""))
    if isinstance(tree, Source):
        return "plain"
    repeated = counts.repeats(tree)
    return detect(keep_executed(tree, counts), entry, repeated)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Answer a request of `reader`; runs in its process."""
    data = request["data"].encode("latin-1")
    try:
        if request["do"] == "style":
            return {"style": executed_style(data, request["entry"], Executed.from_wire(request["counts"]))}
        return {"reading": read(data, request["rules"]).to_wire()}
    except RecursionError:
        if request["do"] == "style":
            return {"style": "plain"}
        return {"reading": Reading(Status.CRASH, TOO_DEEP).to_wire()}


@lru_cache(maxsize=64)
def _signature(text: str) -> Signature:
    body = ast.parse(f"{text.strip().rstrip(':')}: ...").body[0]
    if not isinstance(body, ast.FunctionDef):
        msg = f"not a def line: {text}"
        raise TypeError(msg)
    return signature_of(body)
