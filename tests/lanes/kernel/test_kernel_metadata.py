"""The metadata of a kernel's file is read without running it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.lanes.kernel.kernel_metadata import MAX_CHOICES, KernelFile, read_kernel_file

ROOT = Path(__file__).parents[3]
SHIPPED = sorted(path for path in (ROOT / "kernels").glob("*/*.py"))
WHOLE = '''"""The story."""
# /// kernel
# step = 3
# title = "grouped order"
# claims = ["tensor_cores", "tma"]
# predicted = 1.25
# ///
SPACE = {"BLOCK_M": [64, 128], "FLAT": (True, False), "mode": ["a"]}
raise SystemExit("reading runs nothing")
'''


def test_everything_is_read_and_nothing_is_run() -> None:
    found = read_kernel_file(WHOLE)
    assert (found.step, found.title, found.claims, found.predicted, found.story, found.problem) == (
        3, "grouped order", ("tensor_cores", "tma"), 1.25, "The story.", "",
    )  # fmt: skip
    assert found.space == {"BLOCK_M": (64, 128), "FLAT": (True, False), "mode": ("a",)}
    assert [type(value) for value in found.space["FLAT"]] == [bool, bool]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("step = 3", "step = 0"), "step: "),
        (("step = 3", "step = "), "not TOML"),
        (("step = 3", "stpe = 3"), "stpe: unknown, known are step, title"),
        (('"tma"', '"warp_speed"'), "claims: "),
        (("1.25", "inf"), "predicted: "),
        (("# ///\nSPACE", "SPACE"), "0 well-formed kernel blocks"),
        (("[64, 128]", "[]"), "SPACE['BLOCK_M'] needs"),
        (("[64, 128]", str(list(range(MAX_CHOICES + 1)))), "SPACE['BLOCK_M'] needs"),
        (("[64, 128]", "[1.5]"), "SPACE maps names to lists"),
        (("[64, 128]", "open('/etc/passwd')"), "SPACE is not a literal"),
        (('"""The story."""', "("), "not valid Python"),
    ],
)
def test_what_is_broken_is_named_and_the_rest_is_kept(change: tuple[str, str], says: str) -> None:
    found = read_kernel_file(WHOLE.replace(*change))
    assert says in found.problem
    if says != "not valid Python":
        assert found.story or found.title


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_without_an_exception(text: str) -> None:
    for source in (text, WHOLE.replace("step = 3", text), WHOLE.replace("[64, 128]", text)):
        found = read_kernel_file(source)
        assert KernelFile.from_wire(found.to_wire()) == found


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_shipped_kernel_tells_its_story(path: Path) -> None:
    found = read_kernel_file(path.read_text(encoding="utf-8"))
    assert found.problem == ""
    assert found.title
    assert found.predicted is not None
    assert "Predicted:" in found.story
    assert "Measured:" in found.story


def test_steps_of_a_ladder_are_numbered_without_a_gap() -> None:
    for folder in sorted({path.parent for path in SHIPPED}):
        steps = sorted(
            step
            for path in SHIPPED
            if path.parent == folder
            and (step := read_kernel_file(path.read_text(encoding="utf-8")).step) is not None
        )  # fmt: skip
        assert steps == list(range(1, len(steps) + 1)), folder.name
