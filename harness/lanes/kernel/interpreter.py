"""Interpreter: patches of Triton's interpreter that make its results reliable.

* bfloat16: the interpreter stores raw 16-bit integers and computes with them. The patch stores single
  precision and rounds to nearest even after every operation, as the hardware does.
* Bounds: every address that is read or written must be in a tensor that was passed to the kernel.
* Features that are not modelled (float8, inline assembly, library calls) raise an error with their name.
* Speed: Triton replaces the members of its language again for every launch and every call of a jit function, which
  took half of an interpretation. The process of a job does nothing else, so they are replaced once. Types of blocks are
  made for every operation; equal ones share what they are computed to be.
"""

from __future__ import annotations

import functools
import sys
from bisect import bisect_right
from types import ModuleType, SimpleNamespace
from typing import Any

from harness.lanes.kernel.operation_memo import remember_operations
from harness.lanes.kernel.plan import PlanFault


@functools.cache
def library_functions() -> tuple[tuple[ModuleType, str, Any], ...]:
    """The jit functions of Triton's own library as its interpreter runs them, by module and name.

    To make them takes 0.1 s of CPU time, so the root does, before any fork. Nothing that a compiler uses changes.
    """
    from triton.runtime.interpreter import InterpretedFunction
    from triton.runtime.jit import JITFunction

    made: dict[Any, Any] = {}
    found = []
    for name, module in [*sys.modules.items()]:
        if name.startswith("triton.language"):
            for member, value in [*vars(module).items()]:
                if isinstance(value, JITFunction):
                    if value.fn not in made:
                        made[value.fn] = InterpretedFunction(value.fn)
                        made[value.fn].rewrite()  # which is kept
                    found.append((module, member, made[value.fn]))
    return tuple(found)


def interpret_functions() -> None:
    """Have all jit functions of this process interpreted, those of Triton's own library included."""
    from triton import knobs

    for module, member, function in library_functions():
        setattr(module, member, function)
    knobs.runtime.interpret = True


def patch(guarded: dict[int, tuple[int, int]]) -> None:
    """Change the interpreter of this process.

    Args:
        guarded: Storage address -> first address and end address (exclusive) that a kernel may access, for tensors with
            guards around them; other storages may be accessed as a whole.
    """
    from triton.runtime import interpreter

    _patch_language(interpreter)
    _patch_types(interpreter.tl.core)
    _patch_bfloat16(interpreter)
    _patch_bounds(interpreter, guarded)
    remember_operations(interpreter)


def _patch_language(interpreter: Any) -> None:
    usual, scope = interpreter._patch_lang, interpreter._LangPatchScope
    replaced: set[int] = set()

    def patch_once(function: Any) -> Any:
        modules = {id(value) for value in function.__globals__.values() if isinstance(value, ModuleType)}
        found = modules & languages
        if not found or not found <= replaced:
            usual(function)  # never restored
            replaced.update(found)
        return scope()

    languages = {id(interpreter.tl), id(interpreter.tl.core)}
    interpreter._patch_lang = patch_once


def _patch_types(core: Any) -> None:
    block, tensor, constant = core.block_type, core.tensor, core.constexpr
    usual_block, usual_tensor = block.__init__, tensor.__init__
    known: dict[tuple[int, ...], dict[str, Any]] = {}

    def block_init(self: Any, element_ty: Any, shape: Any) -> None:
        sizes = [one.value if type(one) is constant else one for one in shape]
        if not all(type(size) is int for size in sizes):  # True and 1.0 are equal to 1, and are refused
            usual_block(self, element_ty, shape)
            return
        key = id(element_ty), *sizes  # what is kept refers to the element's type, so no other one gets its id
        if key not in known:
            usual_block(self, element_ty, shape)
            named = {"shape": core.tuple([constant(size) for size in sizes]), "numel": constant(self.numel)}
            known[key] = {**vars(self), "of_tensors": {**named, "dtype": element_ty}}
        vars(self).update(known[key])

    def tensor_init(self: Any, handle: Any, type: Any) -> None:
        named = vars(type).get("of_tensors")
        if named is None:
            usual_tensor(self, handle, type)
        else:
            vars(self).update(named, handle=handle, type=type)

    block.__init__, tensor.__init__ = block_init, tensor_init


def _patch_bfloat16(interpreter: Any) -> None:  # noqa: PLR0915 - one patch, in many places
    import numpy as np
    import triton.language as tl

    builder, handle = interpreter.InterpreterBuilder, interpreter.TensorHandle
    usual_dtype = interpreter._get_np_dtype
    eights = (tl.float8e5, tl.float8e5b16, tl.float8e4nv, tl.float8e4b8, tl.float8e4b15)

    names = frozenset(one.name for one in eights)  # comparing types takes longer

    def refuse_eights(dtype: Any) -> None:
        if dtype.scalar.name in names:
            raise PlanFault("unsupported", f"{dtype.scalar} is not modelled by the interpreter")

    def is_brain(dtype: Any) -> bool:
        return bool(getattr(dtype, "scalar", dtype).name == tl.bfloat16.name)

    def to_bits(data: Any) -> Any:
        bits = np.ascontiguousarray(data, dtype=np.float32).view(np.uint32)
        rounded = ((bits + (0x7FFF + ((bits >> 16) & 1))) >> 16).astype(np.uint16)
        return np.where(np.isnan(data), np.uint16(0x7FC0), rounded)

    def kept_bits(block: Any) -> Any:
        if block.attr.get("of") is not block.data:  # a constant block is used in every round of a loop
            block.attr.update(of=block.data, bits=to_bits(block.data))
        return block.attr["bits"]

    def from_bits(bits: Any) -> Any:
        return (np.ascontiguousarray(bits).astype(np.uint32) << 16).view(np.float32)

    def rounded(result: Any) -> Any:
        if is_brain(result.dtype) and result.data.dtype.kind == "f":
            result.data = from_bits(to_bits(result.data)).reshape(result.data.shape)
        return result

    # The interpreter builds this table again at every operation, which takes a tenth of its time.
    plain = (tl.int1, tl.int8, tl.uint8, tl.int16, tl.uint16, tl.int32, tl.uint32, tl.int64, tl.uint64, tl.float16)
    table = {dtype: usual_dtype(dtype) for dtype in (*plain, tl.float32, tl.float64, *eights)}
    table[tl.bfloat16] = np.dtype(np.float32)
    address = np.dtype(np.uint64)

    def np_dtype(dtype: Any) -> Any:
        scalar = dtype.element_ty if isinstance(dtype, tl.block_type) else dtype
        return address if isinstance(scalar, tl.pointer_type) else table[scalar]

    def data_size(data: Any, dtype: Any) -> bool:
        if data.itemsize == 1 or type(dtype) is tl.pointer_type:
            return True
        return data.itemsize * 8 <= dtype.primitive_bitwidth or (is_brain(dtype) and data.dtype == np.float32)

    def cast(_self: Any, src: Any, dst_type: Any, _rounding: Any = None) -> Any:
        target = np_dtype(dst_type)
        refuse_eights(src.dtype)
        refuse_eights(dst_type)
        return rounded(handle(src.data.astype(target), dst_type.scalar))

    def bitcast(_self: Any, src: Any, dst_type: Any) -> Any:
        data = to_bits(src.data) if is_brain(src.dtype) else np.ascontiguousarray(src.data)
        if is_brain(dst_type):
            return handle(from_bits(data.view(np.uint16)), tl.bfloat16)
        return handle(data.view(usual_dtype(dst_type)), dst_type.scalar)

    def load(self: Any, pointers: Any, mask: Any, other: Any, *rest: Any, **named: Any) -> Any:
        if not is_brain(pointers.get_element_ty()):
            return usual_load(self, pointers, mask, other, *rest, **named)
        zero = np.zeros(pointers.data.shape, np.uint16) if other is None else kept_bits(other)
        raw = interpreter._interpreter.load(pointers.data, mask.data, zero, np.dtype(np.uint16))
        return handle(from_bits(raw).reshape(raw.shape), tl.bfloat16)

    def store(self: Any, pointers: Any, value: Any, mask: Any, *rest: Any, **named: Any) -> Any:
        if is_brain(value.dtype):
            return interpreter._interpreter.store(pointers.data, to_bits(value.data), mask.data)
        return usual_store(self, pointers, value, mask, *rest, **named)

    def rounding(usual: Any) -> Any:
        def run(self: Any, *args: Any, **named: Any) -> Any:
            for one in args:
                if isinstance(one, handle):
                    refuse_eights(one.dtype)
            return rounded(usual(self, *args, **named))

        return run

    def binary_op(self: Any, lhs: Any, rhs: Any, op: Any) -> Any:
        kind = lhs.dtype.scalar
        if kind.name in special or rhs.dtype.scalar.name in special:
            return usual_binary(self, lhs, rhs, op)
        output = op(lhs.data, rhs.data)
        return handle(output if data_size(output, kind) else output.astype(np_dtype(kind)), kind)

    def atomic(usual: Any) -> Any:
        def run(self: Any, *args: Any) -> Any:
            if any(is_brain(one.dtype) for one in args if isinstance(one, handle)):
                raise PlanFault("unsupported", "atomics on bfloat16 are not modelled by the interpreter")
            return usual(self, *args)

        return run

    def absolute(usual: Any) -> Any:
        def run(self: Any, arg: Any) -> Any:
            return handle(np.abs(arg.data), tl.bfloat16) if is_brain(arg.dtype) else usual(self, arg)

        return run

    def refused(name: str) -> Any:
        def run(*_args: Any, **_named: Any) -> Any:
            raise PlanFault("unsupported", f"{name} is not modelled by the interpreter")

        return run

    def to_tensor(self: Any, ret: Any, dtype: Any) -> Any:
        made = usual_to_tensor(self, ret, dtype)
        rounded(made.handle)
        return made

    usual_load, usual_store = builder.create_masked_load, builder.create_masked_store
    usual_to_tensor = interpreter.ReduceScanOpInterface.to_tensor
    interpreter._get_np_dtype, interpreter._validate_np_data_size = np_dtype, data_size
    builder.cast_impl, builder.create_fp_to_fp, builder.create_bitcast = cast, cast, bitcast
    builder.create_masked_load, builder.create_masked_store = load, store
    usual_binary, special = rounding(builder.binary_op), names | {tl.bfloat16.name}
    builder.binary_op = binary_op
    for name in ("unary_op", "ternary_op", "create_fma", "create_rsqrt", "create_erf"):
        setattr(builder, name, rounding(getattr(builder, name)))
    for name in ("create_atomic_rmw", "create_atomic_cas"):
        setattr(builder, name, atomic(getattr(builder, name)))
    builder.create_fabs = absolute(builder.create_fabs)
    builder.create_inline_asm, builder.create_extern_elementwise = refused("inline assembly"), refused("a library call")
    interpreter.ReduceScanOpInterface.to_tensor = to_tensor


class _Bounds:
    """The addresses that one launch may access."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.names: list[str] = []

    def set(self, regions: dict[tuple[int, int], str]) -> None:
        ordered = sorted(regions)
        self.starts, self.ends = [s for s, _ in ordered], [e for _, e in ordered]
        self.names = [regions[region] for region in ordered]

    def check(self, pointers: Any, mask: Any, verb: str) -> None:
        import numpy as np

        width = max(1, pointers.get_element_ty().primitive_bitwidth // 8)
        if self._contain(pointers.data, width):  # with those that the mask leaves out
            return
        # A condition that was a number before it was a block is an integer in the interpreter.
        active = pointers.data[np.broadcast_to(mask.data, pointers.data.shape).astype(bool)]
        if self._contain(active, width):
            return
        starts, ends = np.array(self.starts, np.uint64), np.array(self.ends, np.uint64)
        where = np.searchsorted(starts, active, side="right").astype(np.int64) - 1
        outside = (where < 0) | (active + np.uint64(width) > ends[np.maximum(where, 0)])
        if outside.any():
            self._report(int(active[outside][0]), width, verb, int(outside.sum()))

    def _contain(self, addresses: Any, width: int) -> bool:
        """Whether all are in one tensor; they may be all right where they are not."""
        if not addresses.size:
            return True
        at = bisect_right(self.starts, int(addresses.min())) - 1
        return at >= 0 and int(addresses.max()) + width <= self.ends[at]

    def _report(self, address: int, width: int, verb: str, count: int) -> None:
        gaps = [
            (min(abs(address - start), abs(address - end)), index)
            for index, (start, end) in enumerate(zip(self.starts, self.ends, strict=True))
        ]
        if not gaps:
            raise PlanFault("bounds", f"{verb} address {address:#x}, and no tensor was passed")
        _, index = min(gaps)
        start, end, name = self.starts[index], self.ends[index], self.names[index]
        place = (
            f"{start - address} bytes before" if address < start else f"{address + width - end} bytes past the end of"
        )
        more = f" ({count} addresses)" if count > 1 else ""
        raise PlanFault("bounds", f"{verb} {place} {name}{more}")


def _patch_bounds(interpreter: Any, guarded: dict[int, tuple[int, int]]) -> None:
    bounds = _Bounds()
    builder = interpreter.InterpreterBuilder
    usual_arguments = interpreter.GridExecutor._init_args_hst

    def arguments(self: Any, args: Any, kwargs: Any) -> Any:
        made, named = usual_arguments(self, args, kwargs)
        regions: dict[tuple[int, int], str] = {}
        for name, value in [*zip(self.arg_names, made, strict=False), *named.items()]:
            for tensor in _tensors(value):
                storage = tensor.untyped_storage()
                whole = storage.data_ptr(), storage.data_ptr() + storage.nbytes()
                regions.setdefault(guarded.get(storage.data_ptr(), whole), name)
        bounds.set(regions)
        return made, named

    usual_load, usual_store = builder.create_masked_load, builder.create_masked_store
    usual_rmw, usual_cas = builder.create_atomic_rmw, builder.create_atomic_cas

    def load(self: Any, pointers: Any, mask: Any, *rest: Any, **named: Any) -> Any:
        bounds.check(pointers, mask, "reads")
        return usual_load(self, pointers, mask, *rest, **named)

    def store(self: Any, pointers: Any, value: Any, mask: Any, *rest: Any, **named: Any) -> Any:
        bounds.check(pointers, mask, "writes")
        return usual_store(self, pointers, value, mask, *rest, **named)

    def rmw(self: Any, op: Any, pointers: Any, value: Any, mask: Any, *rest: Any) -> Any:
        bounds.check(pointers, mask, "updates")
        return usual_rmw(self, op, pointers, value, mask, *rest)

    def cas(self: Any, pointers: Any, *rest: Any) -> Any:
        bounds.check(pointers, SimpleNamespace(data=True), "updates")
        return usual_cas(self, pointers, *rest)

    interpreter.GridExecutor._init_args_hst = arguments
    builder.create_masked_load, builder.create_masked_store = load, store
    builder.create_atomic_rmw, builder.create_atomic_cas = rmw, cas


def _tensors(value: Any) -> list[Any]:
    if isinstance(value, tuple):
        return [tensor for part in value for tensor in _tensors(part)]
    base = getattr(value, "base", value)  # a descriptor's or a wrapper's
    return [base] if hasattr(base, "untyped_storage") else []
