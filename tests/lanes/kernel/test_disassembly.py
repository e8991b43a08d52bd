"""Disassembly: what is counted are instructions, and code that was disassembled once is not again."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.status import Status
from harness.lanes.kernel import disassembly
from harness.lanes.kernel.compilation import Launch, compile_kernel
from harness.lanes.kernel.disassembly import CodeError, disassemble, read_listing
from tests.lanes.kernel.test_compilation import MATMUL, small

LISTING = """
\t.headerflags\t@"EF_CUDA_TEXMODE_UNIFIED EF_CUDA_SM90 EF_CUDA_VIRTUAL_SM(EF_CUDA_SM90)"
\t.section\t.text.HGMMA,"ax",@progbits
        .type           HGMMA,@function
HGMMA:
.text.EF_CUDA_SM100:
        /*0000*/                   LDC R1, c[0x0][0x28] ;
        /*0010*/              @!P0 LDGSTS.E.BYPASS.128 [R5], desc[UR4][R2.64] ;
        /*0020*/             @UPT  UTMALDG.2D [UR4], [UR6], desc[UR8] ;
.L_x_0:
        /*12340*/                  HMMA.16816.F32.BF16 R4, R8, R12, R4 ;
"""


def compiled(job, source: str, **changed) -> tuple[Launch, Path]:
    made = job(source, definition=MATMUL, questions=(), **changed)
    found = compile_kernel(made, architecture="sm_90a")
    assert found.status is Status.OK, found.why
    (cubin,) = (made.folder / "out").glob("*.cubin")
    return Launch.from_wire(found.facts["launches"][0]), cubin


def test_only_lines_of_instructions_count() -> None:
    found = read_listing(LISTING)
    assert found.targets == ("sm_90",)
    assert found.instructions == {"HMMA": 1, "LDC": 1, "LDGSTS": 1, "UTMALDG": 1}
    assert read_listing("\t.target\tsm_90a\n").targets == ("sm_90a",)


def test_a_kernel_with_the_name_of_an_instruction_proves_nothing(job) -> None:
    launch, _ = compiled(job, small().replace("kernel", "HGMMA"))
    assert launch.name == "HGMMA"
    assert launch.best.code is not None
    assert not launch.best.code.shows("tensor_cores")
    assert launch.best.code.registers > 0


def test_code_is_disassembled_once_wherever_it_was_compiled(
    job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, asked, run = tmp_path / "kept", [], disassembly.run_tool

    def follow(name: str, *arguments: str) -> str:
        asked.append(name)
        return run(name, *arguments)

    monkeypatch.setattr(disassembly, "run_tool", follow)
    (first, one), (second, other) = compiled(job, small(), kept=kept), compiled(job, small(), kept=kept)
    assert one.read_bytes() != other.read_bytes(), "they name the folders in which they were compiled"
    assert asked == ["nvdisasm"]
    assert first == second
    assert disassemble(one) == disassemble(other, kept=kept)

    compiled(job, small(body="tl.store(c_ptr + i, tl.load(a_ptr + i) + 1.0)"), kept=kept)
    assert len(asked) == 3
    (kept_file, _) = sorted(kept.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    kept_file.write_text("{}")
    assert disassemble(one, kept=kept) == disassemble(one)
    assert len(asked) == 5


@pytest.mark.parametrize("data", [b"", b"\x7fELF", bytes(64), b"\x7fELF" + b"\xff" * 60])
def test_what_is_no_machine_code_is_refused_and_not_kept(tmp_path: Path, data: bytes) -> None:
    pytest.importorskip("triton")
    (tmp_path / "cubin").write_bytes(data)
    with pytest.raises(CodeError):
        disassemble(tmp_path / "cubin", kept=tmp_path / "kept")
    assert not (tmp_path / "kept").exists()
