from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from harness.core.document import read_document
from harness.core.errors import SpecError, SuiteError
from harness.core.policy import Policy
from harness.lanes.toolgen.collect import tool_of
from harness.lanes.toolgen.options import ToolgenSuite
from harness.lanes.toolgen.signature import Parameter
from harness.lanes.toolgen.tool_spec import ToolSpec, read_tool
from harness.suites.suite import Suite

ROOT = Path(__file__).parents[3]
SEED = {
    "tool_id": "upper",
    "id": "spec-1",
    "description": "Upper-case a text.",
    "signature": "def upper(text: str, times: int = 1) -> str",
    "docstring": "Return text in upper case.",
    "test_cases": [{"input": {"text": "a"}, "expected_output": "A", "description": "one letter"}],
    "constraints": {"forbidden_apis": ["os.system", "eval("], "max_runtime_sec": 1.5, "max_memory_mb": 64},
    "performance_targets": {"p95_ms": 10},
    "capabilities": ["file_io"],
}


HEAD = "tool_id: t\nsignature: 'def f(a: int)'\n"


def broken(bench, text: str, oracle: str | None = "def reference(x):\n    return x\n") -> SpecError:
    with pytest.raises(SpecError) as caught:
        read_tool(bench.tool(text, oracle))
    return caught.value


def test_a_json_file_in_the_seeds_shape(tmp_path):
    path = tmp_path / "upper.json"
    path.write_text(json.dumps(SEED))
    tool = read_tool(path)
    assert tool.signature.name == "upper"
    assert tool.signature.parameters == (Parameter("text", "str", True), Parameter("times", "int", False))
    assert tool.kinds == {"text": "str", "times": "int"}
    assert tool.spec.constraints.forbidden_apis == ("os.system", "eval(")
    assert tool.examples_only
    assert tool.oracle is None


def test_json_may_escape_what_yaml_cannot(tmp_path):
    path = tmp_path / "t.json"
    path.write_text('{\n\t"tool_id": "t\\/x", "signature": "def f(a: str)",\n\t"test_cases": '
                    '[{"input": {"a": "\\ud83d\\ude00"}, "expected_output": null}]}')  # fmt: skip
    assert read_tool(path).spec.test_cases[0].input == {"a": "\U0001f600"}


@pytest.mark.parametrize("tool_id", ["text_deduplicate", "json_flatten"])
def test_the_seeds_tools_are_read(tool_id):
    tool = read_tool(ROOT / "specs" / "tools" / tool_id)
    assert tool.spec.tool_id == tool_id
    assert not tool.examples_only
    assert read_tool(ROOT / "specs" / "tools" / tool_id / "tool.yaml").digest == tool.digest


def test_bytes_and_tuples_are_written_as_the_codec_does(bench):
    tool = read_tool(
        bench.tool(
            """
            tool_id: t
            signature: "def f(data: bytes) -> tuple[int, int]"
            test_cases:
              - {input: {data: {$bytes: AAE=}}, expected_output: {$tuple: [0, 1]}}
            """,
            None,
        )
    )
    assert tool.spec.test_cases[0].input == {"data": b"\x00\x01"}
    assert tool.spec.test_cases[0].expected_output == (0, 1)


def test_reading_a_tool_leaves_the_cached_document_as_it_was(bench):
    folder = bench.tool(
        """
        tool_id: t
        signature: "def f(x: bytes) -> bytes"
        test_cases:
          - {input: {x: {$bytes: YQ==}}, expected_output: {$bytes: YQ==}}
        """,
        None,
    )
    document = read_document(folder / "tool.yaml")
    before = copy.deepcopy(document.value)
    assert read_tool(folder).spec.test_cases[0].expected_output == b"a"
    assert read_document(folder / "tool.yaml") is document
    assert document.value == before


def test_the_digest_covers_both_files(bench):
    before = read_tool(bench.folder).digest
    (bench.folder / "oracle.py").write_text("def reference(x, lo, hi):\n    return 0\n\n\ndef inputs():\n    pass\n")
    assert read_tool(bench.folder).digest != before


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("tool_id: t\nsignatur: x\n", 2, "signatur"),
        ("tool_id: t\nsignature: 'def f(:'\n", 2, "not Python"),
        ("tool_id: t\nsignature: 'x = 1'\n", 2, "not Python"),
        ("tool_id: t\nsignature: 'def f(*a)'\n", 2, "keyword"),
        ("tool_id: t\nsignature: 'def f(a: int)'\nconstraints:\n  max_runtime_sec: -1\n", 4, "max_runtime_sec"),
        ("tool_id: t\nsignature: 'def f(a: int)'\nconstraints: {forbidden_api: []}\n", 3, "unknown key"),
        (f"{HEAD}test_cases:\n  - {{input: {{b: 1}}, expected_output: 1}}\n", 4, "no parameter 'b'"),
        ("tool_id: t\nsignature: 'def f(a: int)'\ntest_cases:\n  - {input: {}, expected_output: 1}\n", 4, "needs 'a'"),
        ("tool_id: t\nsignature: 'def f(a: int)'\ntest_cases:\n  - {input: {a: 1}}\n", 4, "expected_output"),
        ("tool_id: [\n", 2, ""),
        ("- 1\n", 1, "mapping"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(bench, text, line, what):
    error = broken(bench, text)
    assert f"tool.yaml:{line}" in error.where
    assert what in f"{error.what} {error.where}"


def test_the_nearest_right_key_is_named(bench):
    assert "'signature'" in broken(bench, "tool_id: t\nsignatur: x\n").fix
    text = "tool_id: t\nsignature: 'def f(a: int)'\nconstraints: {forbidden_api: []}\n"
    assert "'forbidden_apis'" in broken(bench, text).fix


def test_what_is_wrong_with_an_oracle_is_seen_without_running_it(bench):
    text = "tool_id: t\nsignature: 'def f(a: int)'\n"
    syntax = broken(bench, text, "x = 1\ndef reference(:\n")
    assert syntax.where.endswith("oracle.py:2")
    assert "no reference" in broken(bench, text, "def inputs():\n    raise SystemExit\n").what


def test_something_must_say_what_is_right(bench):
    assert "neither" in broken(bench, "tool_id: t\nsignature: 'def f(a: int)'\n", None).what


def test_an_annotation_nothing_can_be_drawn_for_needs_inputs(bench):
    text = "tool_id: t\nsignature: 'def f(a: Socket)'\n"
    assert "no inputs can be sampled" in broken(bench, text).what
    read_tool(bench.tool(text, "def reference(a): ...\ndef inputs(): ...\n"))


def test_a_folder_without_a_spec(tmp_path):
    with pytest.raises(SpecError, match=r"no tool\.yaml"):
        read_tool(tmp_path)


def test_a_spec_survives_the_wire():
    spec = ToolSpec.model_validate(SEED)
    assert ToolSpec.from_wire(spec.to_wire()) == spec


@pytest.mark.parametrize("text", ["{", "[" * 200_000, f'{{"tool_id": 1{"0" * 5000}}}', "\ufeff{]"])
def test_json_that_python_refuses_is_an_error_of_the_spec(tmp_path, text):
    (tmp_path / "t.json").write_text(text, "utf-8")
    with pytest.raises(SpecError, match="not JSON"):
        read_tool(tmp_path / "t.json")


def test_the_tool_of_a_suite_follows_a_link_that_is_replaced(bench):
    link, moved = bench.folder.parent / "link", bench.folder.parent / "moved"
    link.symlink_to(bench.folder)
    options = ToolgenSuite(lane="toolgen", tool="link", candidates=())
    suite = Suite(path=bench.folder.parent / "x.suite.yaml", name="x.suite.yaml", options=options, policy=Policy())
    assert tool_of(suite).path == tool_of(suite).path == bench.folder.resolve()
    bench.folder.rename(moved)
    with pytest.raises(SuiteError, match="does not exist"):
        tool_of(suite)
    link.unlink()
    link.symlink_to(moved)
    assert tool_of(suite).path == moved.resolve()
