"""Which operators and device kernels compute for a kernel."""

from __future__ import annotations

import pytest

from harness.lanes.kernel.library_operators import computing_operators, library_kernels


def test_carrying_tensors_about_is_no_work() -> None:
    assert computing_operators(["empty_like", "view", "_to_copy", "fill_"], allowed=()) == []
    assert computing_operators(["empty", "mm", "sum"], allowed=("sum",)) == ["mm"]


@pytest.mark.parametrize("noted", [None, "mm", {"mm": 1}, 3])
def test_what_is_no_list_says_nothing(noted: object) -> None:
    assert computing_operators(noted, allowed=()) == []


@pytest.mark.parametrize(
    ("name", "foreign"),
    [
        ("nvjet_hsh_128x256_64x4_2x1_v_bz_coopA_TNT", True),
        ("sm90_xmma_gemm_bf16bf16_bf16f32_f32_tn_n_tilesize128x128x64", True),
        ("void cutlass::Kernel2<cutlass_80_wmma_tensorop_bf16_s161616gemm>", True),
        ("cudnn_generated_fort_native_sdpa_sm90_flash_fprop_wgmma_f16", True),
        ("void pytorch_flash::flash_fwd_kernel<Flash_fwd_kernel_traits>", True),
        ("void at::native::vectorized_elementwise_kernel<4, at::native::AddFunctor>", True),
        ("void at::native::vectorized_elementwise_kernel<4, at::native::FillFunctor<float>>", False),
        ("Memcpy DtoD (Device -> Device)", False),
        ("softmax_kernel", False),
        ("gemm_kernel", False),
    ],
)
def test_names_that_only_a_library_gives(name: str, foreign: bool) -> None:
    assert library_kernels([name]) == ([name] if foreign else [])


def test_where_operators_are_allowed_those_of_the_framework_are_and_other_libraries_are_not() -> None:
    reduction = "void at::native::reduce_kernel<512, 1, at::native::ReduceOp<float>>"
    gemm = "nvjet_hsh_128x256_64x4_2x1_v_bz_coopA_TNT"
    assert library_kernels([reduction, gemm]) == [reduction, gemm]
    assert library_kernels([reduction, gemm], operators=True) == [gemm]
