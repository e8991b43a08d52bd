"""Style: detects a candidate's algorithm in its syntax tree, and computes its distance from the baseline."""

from __future__ import annotations

import ast
import math
import statistics
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.lanes.toolgen.syntax_walk import descendants
from harness.lanes.toolgen.tool_spec import Tool

BASELINE = "set"
KNOWN_ALTERNATIVES = frozenset({"trie", "suffixarray", "lsh"})
"""Styles with a data structure of their own; they have the maximum distance from the baseline."""
OTHER = 0.5  # the distance of any other style that is not the baseline
UNLIKE = 4.0  # a cost this many times the reference's, or the reverse, is as unlike as can be
NOISE = 1.25  # factor by which the costs of equal code differ between processes of a busy machine (measured: 1.2)
MIN_SECONDS = 1e-6

_HASHES = frozenset(
    {"hash", "crc32", "adler32", "md5", "sha1", "sha256", "blake2b", "blake2s", "minhash", "simhash"}
)  # fmt: skip
_LOOPS = (ast.For, ast.While, ast.AsyncFor)
_REPEATS = (*_LOOPS, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def detect(tree: ast.Module, entry: str, repeated: frozenset[str] | None = None) -> str:
    """The style of the functions reachable from the entry function; dead code is ignored.

    Args:
        repeated: The names of functions that were called repeatedly; None where nothing was executed.

    Returns:
        One of trie, suffixarray, lsh, stream, generator, queue, stack, recursion, set, sort, scan, plain.
    """
    reached = _reachable(tree, entry)
    recursive = _recursive({function.name: function.names for function in reached})
    recursive = recursive if repeated is None else recursive & repeated
    checks: tuple[tuple[str, Callable[[_Function], bool]], ...] = (
        ("suffixarray", _sorts_suffixes),
        ("trie", _descends),
        ("lsh", lambda _: False),
        ("stream", _reads_tokens),
        ("generator", lambda one: one.name in one.yielded and (repeated is None or one.name in repeated)),
        ("queue", lambda one: _takes(one, {"popleft"})),
        ("stack", lambda one: _takes(one, {"pop"})),
        ("recursion", lambda one: one.name in recursive),
        ("set", _uses_hash_containers),
        ("sort", lambda one: bool(one.called & {"sorted", "sort"})),
        ("scan", _nested_loops),
    )
    for style, holds in checks:
        if style == "lsh":
            if _buckets_by_hash(reached):
                return style
        elif any(holds(function) for function in reached):
            return style
    return "plain"


def distance(style: str, baseline: str, rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """The distance of a detected style from the baseline, from 0 to 1, with the interval that its noise allows.

    Half of it is the structure alone; the other half must show in the costs, by how much they differ from those of the
    reference. A structure that costs exactly what the plain way costs may well be decoration. Time that a candidate
    waits is not a cost of its structure.

    Args:
        baseline: The reference's own style; the set of things seen always counts as baseline, too.
        rows: The cost profile (see `performance`); empty if nothing was timed.

    Returns:
        `distance`; and `distance_low`, `distance_high` where the costs were measured.
    """
    if style in (BASELINE, baseline, "plain", "scan"):  # the last two are the absence of any idea, not another one
        return {"distance": 0.0}
    structure = 1.0 if style in KNOWN_ALTERNATIVES else OTHER
    if not rows:
        return {"distance": structure * 0.5}
    spans = [_unlikeness(row) for row in rows]
    low, value, high = (min(1.0, statistics.fmean(column)) for column in zip(*spans, strict=True))
    shares = {"distance": value, "distance_low": low, "distance_high": high}
    return {name: structure * (0.5 + 0.5 * share) for name, share in shares.items()}


def _unlikeness(row: dict[str, Any]) -> tuple[float, float, float]:
    """|ln(candidate / reference)| / ln `UNLIKE` of one size: the least that noise allows, measured, the most."""
    wait = row.get("wait_s", 0.0)
    ends = [row.get(name, row["candidate_s"]) - wait for name in ("candidate_low_s", "candidate_s", "candidate_high_s")]
    low, value, high = (math.log(max(MIN_SECONDS, end) / row["reference_s"]) / math.log(UNLIKE) for end in ends)
    noise = math.log(NOISE) / math.log(UNLIKE)
    low, high = min(low, value) - noise, max(high, value) + noise
    return max(0.0, low, -high), abs(value), max(-low, high)


class _Function:
    """A function with cached facts about its syntax tree."""

    def __init__(self, node: Function) -> None:
        self.name = node.name
        self.nodes = descendants(node)
        self.loops = [(one, descendants(one)) for one in self.nodes if one.__class__ in _LOOPS]
        self.calls = [one for one in self.nodes if isinstance(one, ast.Call)]
        self.called = {_last_name(call.func) for call in self.calls}
        self.names = {one.id for one in self.nodes if isinstance(one, ast.Name)} | {
            one.attr for one in self.nodes if isinstance(one, ast.Attribute)
        }
        yields = [one for one in self.nodes if isinstance(one, ast.Yield | ast.YieldFrom)]
        self.yielded = {name for one in yields for name in _call_names(descendants(one))}

    @property
    def repeats(self) -> list[list[ast.AST]]:
        """The nodes below each loop and each comprehension."""
        return [descendants(one) for one in self.nodes if isinstance(one, _REPEATS)]


def _reachable(tree: ast.Module, entry: str) -> list[_Function]:
    by_name: dict[str, list[Function]] = {}
    classes: dict[str, list[Function]] = {}
    for node in descendants(tree):
        if isinstance(node, _FUNCTIONS):
            by_name.setdefault(node.name, []).append(node)
        elif isinstance(node, ast.ClassDef):
            classes[node.name] = [item for item in node.body if isinstance(item, _FUNCTIONS) and item.name[:2] == "__"]
    found: dict[int, _Function] = {}
    waiting = list(by_name.get(entry, []))
    while waiting:
        node = waiting.pop()
        if id(node) not in found:
            found[id(node)] = function = _Function(node)
            for name in function.names:
                waiting += by_name.get(name, []) + classes.get(name, [])
    return list(found.values())


def _call_names(nodes: list[ast.AST]) -> set[str]:
    return {_last_name(node.func) for node in nodes if isinstance(node, ast.Call)}


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _descends(function: _Function) -> bool:
    """Whether a loop descends nested tables: `node = node[c]`, or through `child = node.children.get(c)`."""
    for _loop, nodes in function.loops:
        steps: dict[str, set[str]] = {}  # name -> names it was looked up from
        copies: list[tuple[str, str]] = []
        for node in nodes:
            if not isinstance(node, ast.Assign):
                continue
            for target in node.targets:
                for name, value in _assigned(target, node.value):
                    root = _looked_up_from(value)
                    if root:
                        steps.setdefault(name, set()).add(root)
                    elif isinstance(value, ast.Name):
                        copies.append((name, value.id))
        if any(name in roots for name, roots in steps.items()):
            return True
        if any(name in steps.get(source, set()) for name, source in copies):
            return True
    return False


def _assigned(target: ast.expr, value: ast.expr) -> list[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        return [(target.id, value)]
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        return [pair for one, other in zip(target.elts, value.elts, strict=False) for pair in _assigned(one, other)]
    return []


def _looked_up_from(value: ast.expr) -> str:
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        if value.func.attr not in ("get", "setdefault") or not value.args:
            return ""
        node: ast.expr = value.func.value
    elif isinstance(value, ast.Subscript) and not isinstance(value.slice, ast.Slice | ast.Constant):
        node = value.value
    else:
        return ""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _sorts_suffixes(function: _Function) -> bool:
    """Whether indices or suffixes of a string are sorted: by open slices, or by ranks that double in a loop."""
    sorting = [call for call in function.calls if _last_name(call.func) in ("sorted", "sort")]
    for call in sorting:
        inside = [*call.args, *(word.value for word in call.keywords)]
        if any(_is_suffix(node) for part in inside for node in descendants(part)):
            return True
    by_index = any("range" in _call_names(descendants(argument)) for call in sorting for argument in call.args)
    return by_index and any(_doubles(node) for _loop, nodes in function.loops for node in nodes)


def _doubles(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.AugAssign)
        and isinstance(node.op, ast.Mult | ast.LShift)
        and isinstance(node.value, ast.Constant)
        and node.value.value in (1, 2)
    )


def _is_suffix(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Slice)
        and isinstance(node.slice.lower, ast.Name)
        and node.slice.upper is None
        and node.slice.step is None
    )


def _buckets_by_hash(reached: list[_Function]) -> bool:
    """Whether hash values of parts are combined by their minimum and looked up in buckets."""
    called = {name for function in reached for name in function.called}
    if not (called & _HASHES and "min" in called and called & {"setdefault", "defaultdict"}):
        return False
    return any(_call_names(nodes) & _HASHES for function in reached for nodes in function.repeats)


def _reads_tokens(function: _Function) -> bool:
    return "dumps" in function.called and bool(function.called & {"finditer", "scanner", "raw_decode", "iterparse"})


def _takes(function: _Function, methods: set[str]) -> bool:
    """Whether a loop takes from a container to which it also adds."""
    for _loop, nodes in function.loops:
        taken: set[str] = set()
        added: set[str] = set()
        for node in nodes:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                if node.func.attr in methods:
                    taken.add(ast.unparse(node.func.value))
                elif node.func.attr in ("append", "extend", "appendleft", "put"):
                    added.add(ast.unparse(node.func.value))
        if taken & added:
            return True
    return False


def _recursive(calls: dict[str, set[str]]) -> set[str]:
    """The names of functions on a cycle of calls; each name and each call is looked at once."""
    state: dict[str, int] = {}  # 1: on the path, 2: done
    found: set[str] = set()
    for start, names in calls.items():
        path = [(start, iter(names & calls.keys()))] if start not in state else []
        state.setdefault(start, 1)
        while path:
            name, inner = path[-1]
            for other in inner:
                if other not in state:
                    state[other] = 1
                    path.append((other, iter(calls[other] & calls.keys())))
                    break
                if state[other] == 1:
                    found.add(other)
            else:
                state[name] = 2
                path.pop()
    return found


def _uses_hash_containers(function: _Function) -> bool:
    return bool(function.called & {"set", "frozenset", "fromkeys", "Counter", "OrderedDict"}) or any(
        isinstance(node, ast.Set | ast.SetComp) for node in function.nodes
    )


def _nested_loops(function: _Function) -> bool:
    for loop, nodes in function.loops:
        for inner in nodes:
            if isinstance(inner, _REPEATS) and inner is not loop:
                return True
            if isinstance(inner, ast.Compare) and any(isinstance(op, ast.In | ast.NotIn) for op in inner.ops):
                return True
    return False


def reference_style(tool: Tool) -> str:
    """The style of the tool's own reference; `set` where it has none."""
    return _style_of(tool.oracle, tool.digest)


@lru_cache(maxsize=64)
def _style_of(oracle: Path | None, _digest: str) -> str:
    code = oracle.read_bytes() if oracle else b""
    return detect(ast.parse(code), "reference") if code else BASELINE
