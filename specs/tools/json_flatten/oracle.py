# SPDX-License-Identifier: MIT
"""What the right answer to json_flatten is: a slow, obvious reference, inputs to ask about, and laws it obeys.

Trusted: this file is loaded by the judge only and never enters a candidate's process.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable
from functools import wraps
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

Kwargs = dict[str, Any]
Call = Callable[..., Any]
Law = Callable[[Call, Kwargs, random.Random], str | None]
Step = str | int
"""A dict key or a list index."""


# --- the reference ---------------------------------------------------------------------------------------------------


def reference(obj: dict[str, Any]) -> dict[str, Any]:
    """The answer by the book: every leaf with all its steps, each path written from scratch."""
    if not isinstance(obj, dict):
        raise TypeError(f"obj must be a dict, not {type(obj).__name__}")
    return {path_text(steps): value for steps, value in leaves(obj)}


def leaves(obj: dict[str, Any]) -> list[tuple[tuple[Step, ...], Any]]:
    """All leaves of `obj` with their steps, in order; iterative, so depth is not limited."""
    found: list[tuple[tuple[Step, ...], Any]] = []
    waiting: list[tuple[tuple[Step, ...], Any]] = [((), obj)]
    while waiting:
        steps, value = waiting.pop()
        if isinstance(value, dict) and value:
            waiting.extend(((*steps, key), inner) for key, inner in reversed(value.items()))
        elif isinstance(value, list) and value:
            waiting.extend(((*steps, index), value[index]) for index in reversed(range(len(value))))
        elif steps:  # the empty object itself has no path, and no leaves
            found.append((steps, value))
    return found


def path_text(steps: tuple[Step, ...]) -> str:
    """How a path is written."""
    text = ""
    for number, step in enumerate(steps):
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += ("." if number else "") + escape(step)
    return text


def escape(key: str) -> str:
    """The key with a backslash before each character that means something in a path."""
    return key.replace("\\", "\\\\").replace(".", "\\.").replace("[", "\\[").replace("]", "\\]")


# --- the way back, for the laws --------------------------------------------------------------------------------------


def path_steps(text: str) -> tuple[Step, ...]:
    """The steps of a path; ValueError if it is not a path."""
    steps: list[Step] = []
    at = 0
    wants_key = True  # a path begins with a key; later ones follow a dot
    while wants_key or at < len(text):
        if wants_key:
            key = ""
            while at < len(text) and text[at] not in ".[":
                if text[at] == "]":
                    raise ValueError(f"a stray ']' at {at} of {text!r}")
                if text[at] == "\\":
                    at += 1
                    if at == len(text) or text[at] not in ".[]\\":
                        raise ValueError(f"a stray backslash at {at - 1} of {text!r}")
                key += text[at]
                at += 1
            steps.append(key)
            wants_key = False
        elif text[at] == ".":
            at += 1
            wants_key = True
        else:
            end = text.find("]", at)
            digits = text[at + 1 : end]
            if text[at] != "[" or end < 0 or not digits.isascii() or not digits.isdecimal():
                raise ValueError(f"no index at {at} of {text!r}")
            if digits != str(int(digits)):
                raise ValueError(f"a leading zero at {at} of {text!r}")
            steps.append(int(digits))
            at = end + 1
    return tuple(steps)


def unflatten(flat: dict[str, Any]) -> dict[str, Any]:
    """The object that flattens to `flat`; ValueError where there is none."""
    root: dict[Step, Any] = {}
    inner: set[int] = {id(root)}  # containers made here, as against leaves that happen to be empty containers
    lists: list[tuple[dict[Step, Any], Step]] = []
    for path, leaf in flat.items():
        if isinstance(leaf, (dict, list)) and leaf:
            raise ValueError(f"the value of {path!r} is not a leaf")
        steps = path_steps(path)
        here = root
        for step, following in pairwise(steps):
            if step not in here:
                made: dict[Step, Any] = {}
                here[step] = made
                inner.add(id(made))
                if isinstance(following, int):
                    lists.append((here, step))
            here = here[step]
            if id(here) not in inner or any(isinstance(key, int) != isinstance(following, int) for key in here):
                raise ValueError(f"{path!r} goes through something else")
        if steps[-1] in here:
            raise ValueError(f"{path!r} is there twice")
        here[steps[-1]] = leaf
    for holder, step in reversed(lists):  # innermost last made, so first turned
        items = holder[step]
        if sorted(items) != list(range(len(items))):
            raise ValueError(f"a list has the indices {sorted(items)[:5]}...")
        holder[step] = [items[index] for index in range(len(items))]
    return root  # type: ignore[return-value]


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: types too (1, 1.0 and True differ, 0.0 and -0.0 too), the order of keys not; at any depth."""
    waiting = [(one, other)]
    while waiting:
        left, right = waiting.pop()
        if type(left) is not type(right):
            return False
        if isinstance(left, dict):
            if left.keys() != right.keys():
                return False
            waiting.extend((value, right[key]) for key, value in left.items())
        elif isinstance(left, list):
            if len(left) != len(right):
                return False
            waiting.extend(zip(left, right, strict=True))
        elif left != right or repr(left) != repr(right):
            return False
    return True


# --- inputs ----------------------------------------------------------------------------------------------------------

_KEYS = [
    "a", "b", "c", "id", "name", "a.b", "a[0]", "[0]", "0", "1", "", ".", "..", "[", "]", "[]", "\\", "\\\\", "a\\",
    "\\.", "a.", ".a", " ", "caf\u00e9", "cafe\u0301", "\U0001f600", "\x00", "\n", "__class__", "A",
]  # fmt: skip


def inputs() -> st.SearchStrategy[Kwargs]:
    """Small to medium objects: odd keys, empties, lists in lists, every kind of scalar, some of them very large."""
    keys = st.one_of(st.sampled_from(_KEYS), st.sampled_from(_KEYS), st.text(max_size=5), st.text(".[]\\a", max_size=4))
    scalars = st.one_of(
        st.none(),
        st.booleans(),
        st.sampled_from([0, 1, 1.0, 0.0, -0.0, True, False, "", "1", "null"]),
        st.integers(-5, 5),
        st.integers(-(2**80), 2**80),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=8),
    )

    def deeper(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.one_of(st.lists(children, max_size=4), st.dictionaries(keys, children, max_size=4))

    values = st.recursive(scalars, deeper, max_leaves=20)
    objects = st.dictionaries(keys, values, max_size=5)
    chains = st.tuples(st.lists(st.one_of(keys, st.none()), min_size=5, max_size=25), values).map(_chain)
    return st.one_of(objects, objects, objects, chains).map(lambda obj: {"obj": obj})


def _chain(parts: tuple[list[str | None], Any]) -> dict[str, Any]:
    """One deep object: a key makes a dict, None a list."""
    keys, value = parts
    for key in keys:
        value = [value] if key is None else {key: value}
    return {"chain": value}


def workload(size: int, rng: random.Random) -> Kwargs:
    """An object of about `size` leaves for timing.

    Shaped against shortcuts: every leaf lies below some twenty levels with long, partly escaped keys, so a tool that
    builds or escapes whole paths again for each leaf pays for it; and leaves come in lists, so indices matter.
    """
    per_branch = 25
    branches: list[Any] = []
    made = 0
    while made < size:
        count = min(per_branch, size - made)
        branch: Any = {_made_key(rng): [rng.randint(0, 10**6), rng.random(), True, None, "text"][: count - at]
                       for at in range(0, count, 5)}  # fmt: skip
        for _ in range(4):
            branch = {_made_key(rng): branch} if rng.random() < 0.5 else [branch]
        branches.append(branch)
        made += count
    value: Any = branches
    for _ in range(16):
        value = {_made_key(rng): value}
    return {"obj": value}


def _made_key(rng: random.Random) -> str:
    key = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(12))
    return key[:6] + rng.choice(["", "", ".", "[", "\\"]) + key[6:]


def edges() -> list[Kwargs]:
    """Hostile and extreme questions; on some the reference raises TypeError, and so must a candidate."""
    deep_dict: Any = "leaf"
    deep_list: Any = "leaf"
    deep_both: Any = []
    deep_leaves: Any = {}
    for level in range(899):
        deep_dict = {"k": deep_dict}
        if level < 898:
            deep_list = [deep_list]
            deep_both = [deep_both] if level % 2 else {"k.": deep_both}
        if level < 300:
            deep_leaves = {"k": deep_leaves, "x": level, "y": [level]}
    return [
        # What is no object.
        {"obj": [1, 2]},
        {"obj": None},
        {"obj": "text"},
        {"obj": []},
        {"obj": 0},
        # Empties.
        {"obj": {}},
        {"obj": {"a": {}}},
        {"obj": {"a": []}},
        {"obj": {"": {}}},
        {"obj": {"a": [[]], "b": [{}], "c": [[[]]], "d": {"e": {}}, "f": [[], [[]], {}]}},
        {"obj": {"a": "", "b": None, "c": False, "d": 0, "e": 0.0, "f": -0.0}},
        # Depth.
        {"obj": {"k": deep_dict}},
        {"obj": {"k": deep_list}},
        {"obj": {"k": deep_both}},
        {"obj": deep_leaves},
        # Width.
        {"obj": {f"key{number}": number for number in range(5_000)}},
        {"obj": {"list": list(range(5_000))}},
        {"obj": {"table": [[row * 30 + column for column in range(30)] for row in range(60)]}},
        {"obj": {"rows": [{"id": row, "tags": ["x", "y"], "at": {"x": row, "y": -row}} for row in range(500)]}},
        {"obj": {"text": "x" * 200_000}},
        {"obj": {"k" * 100_000: {"." * 50_000: ["leaf"]}}},
        # Keys that look like paths.
        {"obj": {"a.b": 1, "a": {"b": 2}}},
        {"obj": {"a.b.c": 1, "a": {"b.c": 2, "b": {"c": 3}}, "a.b": {"c": 4}}},
        {"obj": {"a[0]": 1, "a": [2], "a[0].b": 3}},
        {"obj": {"": [1], "[0]": 2, "[": {"0]": 3}}},
        {"obj": {"": 1, ".": 2, "..": 3}},
        {"obj": {"": {"": 1, ".": {"": 2}}, ".": {"": 3}}},
        {"obj": {"a\\": {"b": 1}, "a": {"\\b": 2}, "a\\.b": 3, "a.b": 4, "a\\\\.b": 5}},
        {"obj": {"\\": {"\\": {"\\": 1}}, "\\.\\": {"\\": 2}, "\\.\\.\\": 3}},
        {"obj": {"[]": [], "]": ["]"], "][": {"][": 1}}},
        {"obj": {"0": {"0": 1}, "a": {"0": 1}, "b": [1], "b.0": 2, "01": [2]}},
        # Keys of odd characters.
        {"obj": {"caf\u00e9": 1, "cafe\u0301": 2, "CAF\u00c9": 3}},
        {"obj": {"\U0001f600": {"\U00010348": 1}, "\u202ertl": 2, "\u200b": 3, "\ufeff": 4}},
        {"obj": {"\x00": 1, "\n": {"\t": 2}, "\x7f": 3, " ": {" ": 4}, "\u2028": 5, '"': 6, "'": 7, "/": 8, ":": 9}},
        {"obj": {"__class__": {"__init__": 1}, "__proto__": 2, "constructor": 3, "self": 4, "obj": {"obj": 5}}},
        {"obj": {unicodedata.normalize("NFD", "\ud55c\uae00"): 1, "\ud55c\uae00": 2}},
        {"obj": {"\uff0e": 1, "\u3002": {"\uff3b0\uff3d": 2}, "\u2024": 3}},
        # Values.
        {"obj": {"n": [1, 1.0, True, "1", [1], {"1": 1}, None, "null", "None"]}},
        {"obj": {"n": [0, 0.0, -0.0, False, "", "0", [], {}]}},
        {"obj": {"n": [2**63 - 1, 2**63, -(2**63) - 1, 2**64, 10**400, -(10**400)]}},
        {"obj": {"x": [5e-324, 1.7976931348623157e308, 1e16, 1e-7, 0.1, 1e22, 123456789.123456789]}},
        {"obj": {"s": ["{}", "[]", "[0]", "a.b", "\\", '"', "\x00", "\U0001f600", "\u2028", '{"a": [1]}']}},
        {"obj": {"l": [[0] * 12, [[1] * 11] * 2]}},
    ]


# --- laws ------------------------------------------------------------------------------------------------------------


def _in_domain(kwargs: Kwargs) -> bool:
    return isinstance(kwargs.get("obj"), dict)


def _short(value: object, limit: int = 160) -> str:
    try:
        text = repr(value)
    except RecursionError:
        return "(something very deep)"
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"


def _differs(law: str, expected: object, got: object) -> str | None:
    return None if same(expected, got) else f"{law}: expected {_short(expected)}, got {_short(got)}"


class _MalformedError(Exception):
    """An answer that no law can be tried on."""


def _law(check: Law) -> Law:
    """A law about inputs in the domain; an answer of the wrong shape violates it instead of breaking the check."""

    @wraps(check)
    def tried(call: Call, kwargs: Kwargs, rng: random.Random) -> str | None:
        def ask(**asked: Any) -> Any:
            answer = call(**asked)
            if not (isinstance(answer, dict)):
                raise _MalformedError(f"the answer is not a dict: {_short(answer)}")
            return answer

        try:
            return check(ask, kwargs, rng) if _in_domain(kwargs) else None
        except _MalformedError as malformed:
            return str(malformed)

    return tried


@_law
def it_can_be_undone(call: Call, kwargs: Kwargs, rng: random.Random) -> str | None:
    """The object can be rebuilt from its flat form alone."""
    flat = call(**kwargs)
    try:
        rebuilt = unflatten(flat)
    except ValueError as error:
        return f"the answer cannot be undone: {error}"
    return _differs("undoing it gives the object back", kwargs["obj"], rebuilt)


@_law
def every_leaf_is_there_once(call: Call, kwargs: Kwargs, rng: random.Random) -> str | None:
    """As many paths as leaves, and no value that should have been expanded."""
    flat = call(**kwargs)
    expected = len(leaves(kwargs["obj"]))
    if len(flat) != expected:
        return f"{expected} leaves, but {len(flat)} paths in {_short(flat)}"
    unexpanded = [path for path, value in flat.items() if isinstance(value, (dict, list)) and value]
    return f"not expanded: {_short(unexpanded)}" if unexpanded else None


@_law
def the_order_of_keys_does_not_matter(call: Call, kwargs: Kwargs, rng: random.Random) -> str | None:
    """The same object with its keys shuffled at every level has the same flat form."""
    return _differs("shuffled keys change nothing", call(**kwargs), call(obj=_shuffled(kwargs["obj"], rng)))


def _shuffled(obj: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    root: dict[str, Any] = {}
    waiting: list[tuple[Any, Any]] = [(obj, root)]
    while waiting:
        source, target = waiting.pop()
        items = list(source.items()) if isinstance(source, dict) else list(enumerate(source))
        if isinstance(source, dict):
            rng.shuffle(items)
        for key, value in items:
            copy: Any = {} if isinstance(value, dict) else [] if isinstance(value, list) else value
            if isinstance(target, dict):
                target[key] = copy
            else:
                target.append(copy)
            if isinstance(value, (dict, list)):
                waiting.append((value, copy))
    return root


@_law
def wrapping_in_a_dict_prefixes_every_path(call: Call, kwargs: Kwargs, rng: random.Random) -> str | None:
    r"""{"w.": x} has the paths of x, each after "w\." and a dot."""
    inner = call(**kwargs)
    expected = {"w\\.." + path: value for path, value in inner.items()} if kwargs["obj"] else {"w\\.": {}}
    return _differs("wrapping in a dict prefixes every path", expected, call(obj={"w.": kwargs["obj"]}))


@_law
def wrapping_in_a_list_prefixes_every_path(call: Call, kwargs: Kwargs, rng: random.Random) -> str | None:
    """{"w": [null, x]} has the paths of x, each after "w[1].", and one leaf more."""
    inner = call(**kwargs)
    expected = {"w[1]." + path: value for path, value in inner.items()} if kwargs["obj"] else {"w[1]": {}}
    expected["w[0]"] = None
    return _differs("wrapping in a list prefixes every path", expected, call(obj={"w": [None, kwargs["obj"]]}))


@_law
def flattening_twice_only_escapes(call: Call, kwargs: Kwargs, rng: random.Random) -> str | None:
    """A flat form is an object too: flattening it only escapes its keys."""
    flat = call(**kwargs)
    expected = {escape(path): value for path, value in flat.items()}
    return _differs("flattening twice only escapes the paths", expected, call(obj=dict(flat)))


PROPERTIES = (
    it_can_be_undone,
    every_leaf_is_there_once,
    the_order_of_keys_does_not_matter,
    wrapping_in_a_dict_prefixes_every_path,
    wrapping_in_a_list_prefixes_every_path,
    flattening_twice_only_escapes,
)
"""Each is called with (call, kwargs, rng) and returns None or a sentence saying what is violated."""
