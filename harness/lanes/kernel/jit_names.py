"""JIT names: what a jit function may use: syntax, members of Triton's modules, methods, built-in functions."""

from __future__ import annotations

import ast

TL = frozenset("""
program_id num_programs load store atomic_add atomic_max atomic_min atomic_and atomic_or atomic_xor atomic_xchg
atomic_cas make_block_ptr advance make_tensor_descriptor load_tensor_descriptor store_tensor_descriptor arange zeros
full zeros_like cast reshape view expand_dims squeeze unsqueeze broadcast broadcast_to permute trans cat join split
interleave ravel flip gather where dot dot_scaled sum max min argmax argmin xor_sum reduce_or cumsum cumprod sort topk
reduce associative_scan histogram exp exp2 log log2 sqrt sqrt_rn rsqrt sin cos erf sigmoid softmax abs floor ceil fma
fdiv div_rn umulhi maximum minimum clamp cdiv swizzle2d rand randn randint rand4x randn4x randint4x philox multiple_of
max_contiguous max_constancy assume static_assert device_assert static_range range constexpr debug_barrier add sub mul
PropagateNan.ALL PropagateNan.NONE int1 int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 bfloat16 float32
float64 float8e4nv float8e5 float8e4b8 float8e4b15 float8e5b16
""".split())  # fmt: skip
LIBDEVICE = frozenset("""
abs acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh cospi div_rd div_rn div_ru div_rz erf erfc
erfcinv erfcx erfinv exp exp10 exp2 expm1 fast_cosf fast_dividef fast_exp10f fast_expf fast_log10f fast_log2f
fast_logf fast_powf fast_sinf fast_tanf floor fma fmod hypot isfinited isinf isnan lgamma llrint log log10 log1p log2
nearbyint pow rcbrt reciprocal_rn remainder rint round rsqrt rsqrt_rn signbit sin sinh sinpi sqrt sqrt_rn tan tanh
tgamma trunc
""".split())  # fmt: skip
GLUON = frozenset("""
allocate_shared_memory NVMMADistributedLayout DotOperandLayout SliceLayout BlockedLayout NVMMASharedLayout AutoLayout
SwizzledSharedLayout convert_layout set_auto_layout thread_barrier barrier warp_specialize
""".split())  # fmt: skip
HOPPER = frozenset("""
tma.async_load tma.async_store tma.async_copy_global_to_shared tma.async_copy_shared_to_global tma.store_wait
mbarrier.MBarrierLayout mbarrier.allocate_mbarrier mbarrier.init mbarrier.invalidate mbarrier.expect mbarrier.wait
mbarrier.arrive fence_async_shared warpgroup_mma warpgroup_mma_init warpgroup_mma_wait
""".split())  # fmt: skip
MODULES = {
    "triton.experimental.gluon.language.nvidia.hopper": ("hopper", HOPPER),
    "triton.experimental.gluon.language": ("gl", TL | GLUON),
    "triton.language.extra.cuda.libdevice": ("libdevice", LIBDEVICE),
    "triton.language.extra.libdevice": ("libdevice", LIBDEVICE),
    "triton.language.math": ("tl.math", TL),
    "triton.language.standard": ("tl.standard", TL),
    "triton.language": ("tl", TL),
}
"""The modules whose members a jit function may use: their names in what is written out, and the members."""
JITS = {
    "triton.jit": "triton.jit",
    "triton.runtime.jit.jit": "triton.jit",
    "triton.experimental.gluon.jit": "gluon.jit",
}
HELPERS = {"triton.cdiv": "tl.cdiv", "triton.language.cdiv": "tl.cdiv"}
METHODS = frozenset("""
dtype element_ty scalar shape T type to cast reshape view trans permute expand_dims broadcast_to load store gather
scatter atomic_add atomic_max atomic_min sum max min argmax argmin cumsum cumprod sort flip ravel exp exp2 log log2
sqrt rsqrt sin cos sigmoid abs split join primitive_bitwidth layout index slice value is_floating is_int is_fp16
is_bf16 is_fp32 is_ptr is_block numel logical_and logical_or
""".split())  # fmt: skip
PLAIN = frozenset("range min max float int abs len bool".split())
OURS = frozenset("triton tl gluon gl hopper libdevice".split())
NODES = (
    ast.Assign, ast.AugAssign, ast.AnnAssign, ast.For, ast.While, ast.If, ast.Return, ast.Expr, ast.Pass, ast.Assert,
    ast.Name, ast.Constant, ast.Attribute, ast.Call, ast.keyword, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare,
    ast.IfExp, ast.Tuple, ast.List, ast.Subscript, ast.Slice, ast.expr_context, ast.boolop, ast.unaryop, ast.cmpop,
    ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.BitAnd, ast.BitOr, ast.BitXor, ast.LShift,
    ast.RShift,
)  # fmt: skip
RANGES = frozenset(("range", "tl.range", "tl.static_range", "gl.static_range"))
JIT_OPTIONS = frozenset(("do_not_specialize", "do_not_specialize_on_alignment", "noinline"))
DROPPED_OPTIONS = frozenset(("debug", "repr", "launch_metadata", "version"))
