"""A confined kernel's worker cannot start programs or write the cache, and still runs a compiled kernel."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SCRIPT = """
import os, sys
from pathlib import Path
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource, compile
from harness.lanes.kernel.confinement import confine
from harness.lanes.kernel.warm_launch import nothing

def build(cache):
    os.environ["TRITON_CACHE_DIR"] = cache
    return compile(ASTSource(nothing, {"out": "*fp32"}, {}, {}), target=GPUTarget("cuda", 90, 32))

what, folder, cache, trusted = sys.argv[1:]
if what == "building":
    build(cache)
else:
    if what == "warm":
        build(trusted)
    layers = confine(folder, {}, may_execute=False, device=True, readable=[cache])
    assert "landlock" in layers, layers
    try:
        Path(cache, "planted").write_text("")
    except PermissionError:
        print(len(build(cache).asm["cubin"]) > 0)
"""


@pytest.mark.skipif(
    any(importlib.util.find_spec(module) is None for module in ("torch", "triton")),
    reason="pip install 'pytest-crucible[kernels]'",
)
def test_what_was_built_is_found_by_a_process_that_may_start_nothing(tmp_path: Path) -> None:
    places = [tmp_path / name for name in ("job", "cache", "trusted")]
    for place in places:
        place.mkdir()

    def run(what: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", SCRIPT, what, *map(str, places)],
            cwd=ROOT, env=dict(os.environ) | {"HOME": str(tmp_path)}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert run("building").returncode == 0
    if "landlock" in (cold := run("cold")).stderr:
        pytest.skip("no Landlock here")
    assert "PermissionError" in cold.stderr  # Triton asks its assembler for its version even if nothing is compiled
    warm = run("warm")
    assert (warm.stdout.strip(), warm.returncode) == ("True", 0), warm.stderr
