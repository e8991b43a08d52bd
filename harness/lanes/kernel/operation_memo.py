"""Operation memo: what an operation of Triton's language does with operands of the same types is worked out once.

Triton's interpreter checks, broadcasts and converts the operands of every operation again, by rules that depend on
their types and on constants only. That took ten times as long as the arithmetic. The calls of the builder, which is
what computes, are recorded at the first operation, and made again with other operands. Nothing is remembered of an
operation that fails, nor of one with an operand of another kind: those take Triton's way each time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import Any

MAX_VARIANTS = 256
"""Combinations of types and constants that are kept for one operation: a loop's counter may be among the constants."""

MAX_CONSTANT = 1 << 14  # elements of a constant block that is kept; a larger one is made again

# Builder methods without an effect apart from their result. A result that depends on constants only is computed once.
# One that is not used (as of Triton's overflow checks, which only report in debug mode) is not computed.
_PURE = frozenset(
    """
create_splat create_broadcast create_expand_dims create_int_cast create_si_to_fp create_ui_to_fp create_fp_ext
create_fp_trunc create_add create_sub create_mul create_and create_or create_xor create_icmpSLE create_icmpSLT
create_icmpSGE create_icmpSGT create_icmpULE create_icmpULT create_icmpUGE create_icmpUGT create_icmpEQ create_icmpNE
get_int1 get_int8 get_uint8 get_int16 get_uint16 get_int32 get_uint32 get_int64 get_uint64 get_fp16 get_fp32 get_fp64
get_null_value get_all_ones_value
""".split()
)
_CHANGING = frozenset({"create_ashr"})  # it changes its operands


class _UnknownError(Exception):
    """An operand, a call or a result of a kind that is not remembered."""


def remember_operations(interpreter: Any) -> None:
    """Have the members of Triton's language that its interpreter replaces remember what they do.

    Args:
        interpreter: `triton.runtime.interpreter`; its builder is patched already.
    """
    semantic, core = interpreter.interpreter_semantic, interpreter.tl.core
    is_recording = False

    def patch_attribute(target: Any, name: str, member: Any, _builder: Any, scope: Any) -> None:
        known: dict[Any, Callable[[list[Any]], Any] | None] = {}

        def run(*args: Any, **named: Any) -> Any:
            nonlocal is_recording
            named.pop("_semantic", None)
            if is_recording:
                return member(*args, **named, _semantic=semantic)
            leaves: list[Any] = []
            try:
                key = tuple([_key(one, leaves, core) for one in args])
                if named:
                    key = key, *[(word, _key(one, leaves, core)) for word, one in named.items()]
                found = known.get(key, core)
            except _UnknownError:
                found = None
            if found is None:
                return member(*args, **named, _semantic=semantic)
            if found is not core:
                return found(leaves)
            if len(known) >= MAX_VARIANTS:
                return member(*args, **named, _semantic=semantic)
            recording = semantic.builder = _Recording(interpreter, leaves)
            is_recording, usual = True, (core.tensor.__bool__, core.tensor.__index__)
            core.tensor.__bool__, core.tensor.__index__ = map(recording.refuse, usual)
            try:
                result = member(*args, **named, _semantic=semantic)
            finally:
                semantic.builder, is_recording = recording.builder, False
                core.tensor.__bool__, core.tensor.__index__ = usual
            known[key] = recording.conclude(result)
            return result

        scope.set_attr(target, name, run)

    interpreter._patch_attr = patch_attribute


def _key(value: Any, leaves: list[Any], core: Any) -> Any:
    """What the effect of an operand depends on; tensors are added to `leaves`."""
    kind = type(value)
    if kind is core.tensor:
        for index, leaf in enumerate(leaves):
            if leaf.handle is value.handle:
                leaves.append(value)
                return _name(value.type, core), index
        leaves.append(value)
        return _name(value.type, core)
    if kind is core.constexpr:
        return kind, _key(value.value, leaves, core)
    if value is None or kind in (int, bool, str):
        return kind, value
    if kind is float:
        if math.isnan(value):
            raise _UnknownError
        return kind, value.hex()  # 0.0 and -0.0 are equal
    if kind in (list, tuple):
        return kind, *[_key(one, leaves, core) for one in value]
    if kind is core.tuple and value.type.fields is None:
        return kind, *[_key(one, leaves, core) for one in value.values]
    if kind is slice:
        return kind, *[_key(one, leaves, core) for one in (value.start, value.stop, value.step)]
    return kind, _name(value, core)


def _name(found: Any, core: Any) -> str:
    kind = type(found)
    if kind in (core.block_type, core.dtype) or (kind is core.pointer_type and found.address_space == 1):
        return str(found.name)
    raise _UnknownError


class _Recording:
    """Stands for the builder during one operation, and notes what is asked of it.

    A value is named by its place: operands come first, then constants and results in the order in which they appear.
    """

    def __init__(self, interpreter: Any, leaves: list[Any]) -> None:
        self.builder, self.tensor = interpreter.interpreter_semantic.builder, interpreter.tl.core.tensor
        self.tuple, self.handle = interpreter.tl.core.tuple, interpreter.TensorHandle
        self.handles = (interpreter.TensorHandle, interpreter.BlockPointerHandle, interpreter.TensorDescHandle)
        self.leaves = leaves
        self.values: list[Any] = [leaf.handle for leaf in leaves]
        self.places = {id(value): place for place, value in reversed([*enumerate(self.values)])}
        self.constant = [False] * len(leaves)
        self.steps: list[tuple[str, Callable[..., Any], list[Any], list[int]]] = []
        self.is_known = True

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.builder, name)
        if not callable(found):
            return found

        def run(*args: Any, **named: Any) -> Any:
            result = found(*args, **named)
            try:
                self._note(name, found, args, named, result)
            except _UnknownError:
                self.is_known = False
            return result

        return run

    def refuse(self, reading: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The function that reads a number of a tensor; an operation that depends on one is not remembered."""

        def run(tensor: Any) -> Any:
            self.is_known = self.is_known and tensor.handle.data.size > 1  # a block is true whatever it holds
            return reading(tensor)

        return run

    def _note(self, name: str, found: Any, args: Any, named: Any, result: Any) -> None:
        made = result if type(result) is tuple else (result,)
        are_handles = {isinstance(one, self.handles) for one in made}
        if name.startswith("get_") and are_handles == {False}:
            return  # a type
        if named or name in _CHANGING or len(are_handles) != 1 or (are_handles == {False} and result is not None):
            raise _UnknownError
        sources = [self._source(one) for one in args]
        is_constant = name in _PURE and all(
            self.constant[place] for one in sources for place in (one if type(one) is list else [one])
        )
        is_constant = is_constant and all(one.data.size <= MAX_CONSTANT for one in made)
        outputs = [self._place(one, is_constant=is_constant) for one in made] if result is not None else []
        if not is_constant:
            self.steps.append((name, found, sources, outputs))

    def _source(self, value: Any) -> Any:
        if isinstance(value, list) and any(isinstance(one, self.handles) for one in value):
            return [self._source(one) for one in value]
        if not isinstance(value, self.handles):
            return self._place(value, is_constant=True)
        if id(value) not in self.places:
            raise _UnknownError
        return self.places[id(value)]

    def _place(self, value: Any, *, is_constant: bool) -> int:
        self.values.append(value)  # which also keeps its id
        self.constant.append(is_constant)
        if isinstance(value, self.handles):
            self.places[id(value)] = len(self.values) - 1
        return len(self.values) - 1

    def conclude(self, result: Any) -> Callable[[list[Any]], Any] | None:
        """What does the same with other operands; None if that is not known."""
        try:
            make = self._maker(result)
        except _UnknownError:
            return None
        if not self.is_known:
            return None
        needed = set(self.used)
        steps = []
        for name, found, sources, outputs in reversed(self.steps):
            if name not in _PURE or not needed.isdisjoint(outputs):
                steps.append((found, sources, outputs))
                needed.update(place for one in sources for place in (one if type(one) is list else [one]))
        steps.reverse()
        kept = [place in needed and is_constant for place, is_constant in enumerate(self.constant)]
        return _replay(steps, make, self.values, kept, len(self.leaves))

    def _maker(self, result: Any) -> Callable[[list[Any], list[Any]], Any]:
        """Makes the result from the operands and the values."""
        self.used: list[int] = []
        return self._make(result)

    def _make(self, result: Any) -> Callable[[list[Any], list[Any]], Any]:
        if result is None:
            return lambda _leaves, _values: None
        for index, leaf in enumerate(self.leaves):
            if leaf is result:
                return lambda leaves, _values: leaves[index]
        kind = type(result)
        if kind is self.tensor:
            tensor, found = self.tensor, result.type
            if result.handle is None:  # of a store
                return lambda _leaves, _values: tensor(None, found)
            place = self.places.get(id(result.handle), -1)
            if place < 0:
                raise _UnknownError
            self.used.append(place)
            if not self.constant[place]:
                return lambda _leaves, values: tensor(values[place], found)
            handle = self.handle  # a later operation may change the handle, but not the array
            return lambda _leaves, values: tensor(handle(values[place].data, values[place].dtype), found)
        if kind is tuple or (kind is self.tuple and result.type.fields is None):
            parts = [self._make(one) for one in (result if kind is tuple else result.values)]
            return lambda leaves, values: kind([part(leaves, values) for part in parts])
        raise _UnknownError


def _replay(
    steps: list[tuple[Callable[..., Any], list[Any], list[int]]],
    make: Callable[[list[Any], list[Any]], Any],
    values: list[Any],
    kept: list[bool],
    operands: int,
) -> Callable[[list[Any]], Any]:
    blank = [value if is_kept else None for value, is_kept in zip(values, kept, strict=True)]
    blank = blank[operands:]
    prepared = [(function, _getter(sources), outputs) for function, sources, outputs in steps]

    def run(leaves: list[Any]) -> Any:
        values = [leaf.handle for leaf in leaves]
        values += blank
        for function, sources, outputs in prepared:
            result = function(*sources(values))
            if len(outputs) == 1:
                values[outputs[0]] = result
            else:
                for place, one in zip(outputs, result or (), strict=True):
                    values[place] = one
        return make(leaves, values)

    return run


def _getter(sources: list[Any]) -> Callable[[list[Any]], Iterable[Any]]:
    """Takes the arguments of a call from the values; a list among them is made of several."""
    if len(sources) > 1 and all(type(one) is int for one in sources):
        return itemgetter(*sources)
    return lambda values: [values[one] if type(one) is int else [values[place] for place in one] for one in sources]
