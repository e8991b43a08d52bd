"""Random patches and bytes: a patch applies or is rejected with a reason, and the patched grammar parses any bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.core.document import read_text
from harness.grammar.artifacts import create_run_artifact
from harness.grammar.editing.operation import KINDS
from harness.grammar.engine.limits import Limits
from harness.grammar.hex_view import hex_view
from harness.grammar.host.file_reader import parse_bytes
from harness.grammar.host.messages import ParseBinaryInput
from harness.grammar.language.lint import lint_text
from harness.grammar.patch import PatchError, read_patch
from harness.grammar.scoring import POLICIES, score_run
from harness.grammar.version import SpecStore

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "specs/grammars/png.yaml").read_text()
SAMPLE = (ROOT / "specs/samples/png/checker.png").read_bytes()
LIMITS = Limits(seconds=5, records=2000, items=20000, steps=200_000, inflated=1 << 20)

NAMES = st.sampled_from(["Png", "Chunk", "New", "signature", "length", "kind", "__class__", "a\nb", "", "fields", "x"])
SCALARS = st.one_of(
    NAMES,
    st.sampled_from(
        ["u8", "u16le", "bytes", "string", "f64", "b3", "rest", "length * 2", "1 / 0", "_io.size - 1", "-1", "big"]
    ),
    st.integers(-3, 2**63),
    st.booleans(),
    st.none(),
)
KEYS = st.sampled_from(
    "name type length repeat if switch validate endian at until process checksum compute by cases equals over".split()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=8
)
FIELDS = st.fixed_dictionaries({"name": NAMES, "type": SCALARS}, optional={"length": SCALARS, "repeat": SCALARS})
PATHS = st.one_of(
    st.sampled_from(
        [["types", "Png"], ["types", "Chunk"], ["types", "New"], ["types", "Chunk", "fields", 2], ["endian"], ["root"]]
    ),
    st.lists(st.one_of(NAMES, st.integers(-3, 5), st.just("types")), max_size=5),
)
OPERATIONS = st.builds(
    lambda op, path, rest: {"op": op, "path": path, **rest},
    st.sampled_from(sorted(KINDS)),
    PATHS,
    st.fixed_dictionaries(
        {},
        optional={
            "field_def": FIELDS,
            "updates": st.dictionaries(KEYS, VALUES, max_size=3),
            "type_def": st.fixed_dictionaries({"fields": st.lists(FIELDS, max_size=3)}),
            "index": st.integers(-2, 9),
            "value": VALUES,
            "endian": SCALARS,
            "new_name": NAMES,
        },
    ),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    ops=st.lists(OPERATIONS, min_size=1, max_size=3),
    cut=st.integers(0, len(SAMPLE)),
    flips=st.lists(st.integers(0, len(SAMPLE) - 1), max_size=4),
    lint=st.booleans(),
)
def test_nothing_that_a_patch_says_gets_through(ops: list[Any], cut: int, flips: list[int], lint: bool) -> None:
    store = SpecStore()
    root = store.create_initial(TEXT)
    known = {"op", "path"}
    trimmed = [{k: v for k, v in op.items() if k in known | set(KINDS[op["op"]].__dataclass_fields__)} for op in ops]
    try:
        patch = read_patch(trimmed)
    except PatchError:
        return
    result = store.apply_patch(root.id, patch, run_lint=lint)
    assert store.version(root.id).spec_text == TEXT
    if not result.success:
        assert result.errors
        assert len(store) == 1
        return
    version = store.version(result.new_spec_id or "")
    assert read_text(version.spec_text, Path("g")).value == version.spec_dict
    grammar = lint_text(version.spec_text).grammar
    if grammar is None:
        assert not lint
        return
    data = bytearray(SAMPLE[:cut])
    for place in flips:
        if place < len(data):
            data[place] ^= 0x55
    found = parse_bytes(ParseBinaryInput(grammar, "x", limits=LIMITS), bytes(data))
    run = create_run_artifact("run", version.id, found, "x", len(data))
    for policy in POLICIES:
        assert 0.0 <= score_run(run, policy=policy).total_score <= 100.0
    view = hex_view(found)
    assert sum(s.end - s.start for s in view.stretches) == len(view.data) // 2
