"""`compare` and `properties` of a tool in whole evaluations: each accepts what it says, and nothing else."""

from __future__ import annotations

import json

import pytest

from harness.core.errors import SpecError
from harness.core.status import Status
from harness.lanes.toolgen.tool_spec import read_tool

MEAN = """
tool_id: mean
signature: "def mean(numbers: list[float]) -> float"
test_cases:
  - {input: {numbers: [0.1, 0.2, 0.3]}, expected_output: 0.2}
  - {input: {numbers: []}, expected_output: 0.0}
"""
MEAN_ORACLE = """
import math
from hypothesis import strategies as st
def reference(numbers): return math.fsum(numbers) / len(numbers) if numbers else 0.0
def inputs(): return st.lists(st.floats(0, 1), max_size=9).map(lambda numbers: {"numbers": numbers})
def workload(size, rng): return {"numbers": [rng.random() for _ in range(size)]}
"""
NAIVE = "def mean(numbers):\n    return sum(numbers) / len(numbers) if numbers else 0.0\n"
ROUGH = "def mean(numbers):\n    return round(sum(numbers) / len(numbers), 2) if numbers else 0.0\n"
INTEGER = "import math\ndef mean(numbers):\n    return math.fsum(numbers) / len(numbers) if numbers else 0\n"
BOOLEAN = INTEGER.replace("else 0", "else False")
EMPTY = "def mean(numbers):\n    return []\n"
NOTHING = "def mean(numbers):\n    return float('nan')\n"
BY_HASH = """
def mean(numbers):
    turned = hash(str(len(numbers))) % 2
    return sum(sorted(numbers, reverse=turned)) / len(numbers) if numbers else 0.0
"""
CLOSE = "compare: {numbers: {rel: 1e-9, abs: 1e-12}}\n"
EITHER = "compare: {numbers: {rel: 1e-9, int_for_float: true}}\n"


@pytest.mark.parametrize(
    ("compare", "source", "status"),
    [
        ("", NAIVE, Status.WRONG),
        ("compare: exact\n", NAIVE, Status.WRONG),
        (CLOSE, NAIVE, Status.OK),
        (CLOSE, ROUGH, Status.WRONG),
        (CLOSE, INTEGER, Status.WRONG),
        (EITHER, INTEGER, Status.OK),
        (EITHER, BOOLEAN, Status.WRONG),
        (EITHER, EMPTY, Status.WRONG),
        (EITHER, NOTHING, Status.WRONG),
        (CLOSE, BY_HASH, Status.OK),
    ],
)
def test_a_tolerance_holds_for_every_question(bench, judge, compare, source, status):
    # The reference meets the first test case within the tolerance only.
    bench.tool(MEAN + compare, MEAN_ORACLE if "numbers" in compare else None)
    evaluation = judge(source, attempts=3, timing="cpu", questions=24)
    assert evaluation.status is status, evaluation.evidence.why


def test_a_contradicted_test_case_is_the_oracles_fault_only_beyond_the_tolerance(bench, judge):
    bench.tool(MEAN + CLOSE, MEAN_ORACLE.replace("/ len(numbers)", "/ len(numbers) + 0.01"))
    with pytest.raises(SpecError, match=r"test case 1 expects 0\.2"):
        judge(NAIVE)


def test_an_example_in_a_docstring_is_compared_in_the_same_way(bench, judge):
    bench.tool(MEAN + CLOSE, MEAN_ORACLE)
    documented = NAIVE.replace(":\n", ':\n    """Mean.\n\n    >>> mean([0.1, 0.2, 0.3])\n    0.2\n    """\n', 1)
    assert judge(documented).evidence.facts["documentation"]["example"]
    assert not judge(documented.replace("    0.2\n", "    0.3\n")).evidence.facts["documentation"]["example"]


COUNTS = """
tool_id: counts
signature: "def counts(words: list[str]) -> dict[str, int]"
test_cases:
  - {input: {words: [a, b, a]}, expected_output: {a: 2, b: 1}}
"""
COUNTS_ORACLE = """
from collections import Counter
from hypothesis import strategies as st
def reference(words): return Counter(words)
def inputs(): return st.lists(st.sampled_from("abc"), max_size=9).map(lambda words: {"words": words})
"""
COUNTER = "from collections import Counter\ndef counts(words):\n    return Counter(words)\n"
TRUE_FOR_ONE = "def counts(words):\n    return {w: True if words.count(w) == 1 else words.count(w) for w in words}\n"


def test_a_counter_is_a_dictionary_where_the_tool_says_so(bench, judge):
    bench.tool(f"{COUNTS}compare: {{mappings: any}}\n", COUNTS_ORACLE)
    assert judge(COUNTER, attempts=2).status is Status.OK
    assert judge(TRUE_FOR_ONE).status is Status.WRONG
    bench.tool(COUNTS, COUNTS_ORACLE.replace("Counter(words)", "dict(Counter(words))"))
    wrong = judge(COUNTER)
    assert wrong.status is Status.WRONG
    assert "a value of type Counter, which cannot cross the box: convert it by dict()" in wrong.evidence.why


GRAPH = """
tool_id: distances
signature: "def distances(edges: set[tuple[int, int]], start: int) -> dict[int, set[int]]"
docstring: Return for each distance from `start` the nodes that have it, along edges in their direction.
test_cases:
  - input: {edges: {$set: [{$tuple: [1, 2]}, {$tuple: [2, 3]}]}, start: 1}
    expected_output: {$dict: [[0, {$set: [1]}], [1, {$set: [2]}], [2, {$set: [3]}]]}
"""
GRAPH_BODY = """
    found, level = {}, {start}
    while level:
        found[len(found)] = level
        seen = set().union(*found.values())
        level = {b for a, b in edges if a in level} - seen
    return found
"""
GRAPH_ORACLE = f"def reference(edges, start):{GRAPH_BODY}"


def test_sets_and_keys_that_are_no_strings_cross_the_box(bench, judge):
    bench.tool(GRAPH, GRAPH_ORACLE)
    head = "def distances(edges, start):"
    right = judge(f"{head}{GRAPH_BODY}", attempts=2)
    assert right.status is Status.OK, right.evidence.why
    assert right.evidence.facts["questions"]["total"] > 16
    assert (
        judge(f"{head}{GRAPH_BODY.replace('return found', 'return dict(reversed(found.items()))')}").status is Status.OK
    )
    for changed, shown in (
        ("return {str(key): found[key] for key in found}", 'returned {"0":'),
        ("return {float(key): found[key] for key in found}", "returned {0.0: {"),
        ("return {key: frozenset(found[key]) for key in found}", "returned {0: frozenset({"),
        ("return {key: sorted(found[key]) for key in found}", "returned {0: ["),
    ):
        wrong = judge(f"{head}{GRAPH_BODY.replace('return found', changed)}")
        assert wrong.status is Status.WRONG
        assert shown in wrong.evidence.why
        assert ", not {0: {" in wrong.evidence.why
        assert "edges" in wrong.evidence.why


def test_the_part_that_cannot_cross_is_named(bench, judge):
    bench.tool(COUNTS, None)
    why = judge("def counts(words):\n    return {'a': {1, 2j}}\n").evidence.why
    assert "a value of type dict, which cannot cross the box: a value of type complex cannot cross the box" in why


EVENS = """
tool_id: evens
signature: "def evens(n: int) -> list[int]"
test_cases: [{input: {n: 5}, expected_output: [0, 2, 4]}]
compare: {iterators: list}
"""
EVENS_ORACLE = """
from hypothesis import strategies as st
def reference(n): return (one for one in range(n) if one % 2 == 0)
def inputs(): return st.integers(0, 30).map(lambda n: {"n": n})
"""


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        ("yield from range(0, n, 2)", Status.OK, ""),
        ("return list(range(0, n, 2))", Status.OK, ""),
        ("return filter(lambda one: one % 2 == 0, range(n))", Status.OK, ""),
        ("return range(0, n, 2)", Status.WRONG, "a value of type range, which cannot cross the box"),
        ("yield from range(1, n, 2)", Status.WRONG, "evens("),
        ("import itertools\n    return itertools.count()", Status.WRONG, "type count with too many items"),
        ("import itertools\n    return (itertools.count() for _ in '12')", Status.WRONG, "too many items"),
        ("yield 0\n    1 / 0", Status.WRONG, "raised ZeroDivisionError"),
        ("yield 0\n    while True: pass", Status.TIMEOUT, "within"),
    ],
)
def test_an_iterator_is_drained_in_the_box(bench, judge, body, status, why):
    seconds = 0.3 if status is Status.TIMEOUT else 20
    bench.tool(f"{EVENS}constraints: {{forbidden_apis: [], max_runtime_sec: {seconds}}}\n", EVENS_ORACLE)
    evaluation = judge(f"def evens(n):\n    {body}\n")
    assert evaluation.status is status
    assert why in evaluation.evidence.why
    assert "generator function" not in evaluation.evidence.why


PAIRS = """
tool_id: ends
signature: "def ends(items: list[int]) -> list[int]"
test_cases: [{input: {items: [3, 1, 2]}, expected_output: [3, 2]}]
"""


def test_any_sequence_is_a_list_where_the_tool_says_so(bench, judge):
    source = "def ends(items):\n    return (items[0], items[-1]) if items else ()\n"
    bench.tool(f"{PAIRS}compare: {{sequences: any}}\n", None)
    assert judge(source).status is Status.OK
    bench.tool(PAIRS, None)
    assert judge(source).status is Status.WRONG


FLAT = """
tool_id: flat
signature: "def flat(items: list, keep: dict) -> list"
test_cases:
  - {input: {items: [2, [1]], keep: {a: [1]}}, expected_output: [2, 1]}
"""
FLAT_ORACLE = """
from hypothesis import strategies as st
def reference(items, keep):
    out = []
    while items:
        one = items.pop(0)
        out += reference(one, keep) if isinstance(one, list) else [one]
    return out
def inputs():
    lists = st.lists(st.integers(0, 9) | st.lists(st.integers(0, 9)))
    return st.fixed_dictionaries({"items": lists, "keep": st.just({"a": [2, 1]})})
def workload(size, rng): return {"items": [[rng.randrange(9)] for _ in range(size)], "keep": {"a": [2]}}
"""
PURE = "    return [two for one in items for two in (one if isinstance(one, list) else [one])]\n"
FLAT_BODY = "def flat(items, keep):\n"


@pytest.mark.parametrize(
    ("body", "changed"),
    [
        ("", ""),
        ("    items = list(items)\n    items.reverse()\n    items.reverse()\n", ""),
        ("    keep['a'].sort()\n", "keep to {"),
        ("    keep['b'] = 1\n", "keep to {"),
        ("    keep.clear()\n", "keep to {}"),
        ("    keep['a'] = 1j\n", "keep to a value of type dict"),
        ("    keep['a'] = set(keep['a'])\n", 'keep to {"a": {'),
        ("    items.append(items.pop(0) if len(items) != 1 else 7) if items else 0\n", "items to ["),
        ("    [one.append(1) for one in items if isinstance(one, list)]\n", "items to ["),
        ("    keep['a'][0] = 2.0\n", "keep to {"),
        ("    keep['a'][1] = True\n", "keep to {"),
        ("    keep['a'] = [2, 1] if len(items) < 100 else [0]\n", "keep to {"),  # on a workload only
    ],
)
def test_a_call_leaves_its_arguments_unchanged(bench, judge, body, changed):
    oracle = FLAT_ORACLE.replace("[2]}", "[2, 1]}")
    bench.tool(f"{FLAT.replace('[1]}}', '[2, 1]}}')}workload_size: 200\nproperties: [no_mutation]\n", oracle)
    source = f"{FLAT_BODY}{body}{PURE}"
    evaluation = judge(source, attempts=2, timing="cpu")
    assert evaluation.status is (Status.WRONG if changed else Status.OK), evaluation.evidence.why
    if changed:
        assert f"changed its argument {changed}" in evaluation.evidence.why
        assert ", not [" not in evaluation.evidence.why


def test_arguments_may_change_where_the_tool_does_not_forbid_it(bench, judge):
    bench.tool(FLAT, FLAT_ORACLE)
    assert judge(f"{FLAT_BODY}    keep.clear()\n{PURE}").status is Status.OK


def test_a_call_that_raises_leaves_its_arguments_unchanged(bench, judge):
    bench.tool(
        """
        tool_id: least
        signature: "def least(items: list[int]) -> int"
        properties: [no_mutation]
        """,
        """
        from hypothesis import strategies as st
        def reference(items):
            if len(items) < 3: raise ValueError
            return min(items)
        def inputs(): return st.lists(st.integers(0, 9), max_size=6).map(lambda items: {"items": items})
        """,
    )
    honest = "def least(items):\n    if len(items) < 3:\n        raise ValueError\n    return min(items)\n"
    assert judge(honest).status is Status.OK
    wrong = judge(honest.replace("raise", "items.append(0); raise"))
    assert "changed its argument items to [" in wrong.evidence.why


SORTED = """
tool_id: tidy
signature: "def tidy(items: list[int]) -> list[int]"
test_cases: [{input: {items: [3, 1, 3]}, expected_output: [1, 3]}]
properties: [idempotent]
"""
SORTED_ORACLE = """
from hypothesis import strategies as st
def reference(items): return sorted(set(items))
def inputs(): return st.lists(st.integers(0, 99), min_size=4).map(lambda items: {"items": items + items[:1]})
"""
TIDY = "def tidy(items):\n    return sorted(set(items))\n"
GROWING = TIDY.replace(":\n", ":\n    if items == sorted(set(items)):\n        return [*items, 1000]\n", 1)


def test_an_idempotent_tool_answers_its_own_answer_with_itself(bench, judge):
    bench.tool(SORTED, SORTED_ORACLE)
    assert judge(TIDY).status is Status.OK
    wrong = judge(GROWING)
    assert wrong.status is Status.WRONG
    assert "property idempotent fails: tidy of its own answer [" in wrong.evidence.why


def test_without_an_oracle_the_test_cases_are_idempotent(bench, judge):
    bench.tool(SORTED, None)
    assert judge(TIDY).status is Status.OK
    assert judge(GROWING).status is Status.WRONG
    raising = TIDY.replace(":\n", ":\n    if items == [1, 3]:\n        raise ValueError\n", 1)
    assert judge(raising).status is Status.WRONG


@pytest.mark.parametrize(
    ("tool", "oracle", "what"),
    [
        (SORTED, SORTED_ORACLE.replace("sorted(set(items))", "sorted(set(items))[:5][::-1]"), "test case 1"),
        (
            SORTED.replace("expected_output: [1, 3]", "expected_output: [3]"),
            SORTED_ORACLE.replace("sorted(set(items))", "sorted(set(items))[1:]"),
            "the reference is not idempotent: tidy of its own answer",
        ),
        (
            SORTED.replace("[1, 3]}]", "[1, 3]}, {input: {items: [1, 3]}, expected_output: [3]}]"),
            None,
            "the test cases are not idempotent: tidy of its own answer [1,3] is [3]",
        ),
    ],
)
def test_an_author_who_promises_too_much_is_told(bench, judge, tool, oracle, what):
    bench.tool(tool, oracle)
    with pytest.raises(SpecError, match=what.replace("[", r"\[")):
        judge(TIDY)


def test_the_keys_of_a_json_file_in_the_seeds_shape(tmp_path):
    spec = {
        "tool_id": "mean",
        "signature": "def mean(numbers: list[float]) -> float",
        "test_cases": [{"input": {"numbers": [1.0]}, "expected_output": 1.0}],
        "compare": {"numbers": {"rel": 1e-9}, "mappings": "any"},
        "properties": ["no_mutation"],
    }
    path = tmp_path / "mean.json"
    path.write_text(json.dumps(spec))
    assert read_tool(path).answer_rules == ("arguments", "mappings")
    path.write_text(json.dumps({**spec, "compare": {"number": {"rel": 1e-9}}}, indent=1))
    with pytest.raises(SpecError) as caught:
        read_tool(path)
    assert "mean.json:15" in caught.value.where
    assert caught.value.fix == "did you mean 'numbers'?"


@pytest.mark.parametrize(
    ("text", "place", "what", "fix"),
    [
        ("compare: exakt", "4:1", "compare: it is `exact`, or a mapping", ""),
        ("compare:", "4:1", "compare: it is `exact`, or a mapping", ""),
        ("compare: {sequnces: any}", "4:11", "compare.sequnces: unknown key", "did you mean 'sequences'?"),
        ("compare: {sequences: anny}", "4:11", "'exact' or 'any'", "did you mean 'any'?"),
        ("compare:\n  numbers: {rell: 1e-9}", "5:13", "compare.numbers.rell: unknown key", "did you mean 'rel'?"),
        ("compare: {numbers: 1e-9}", "4:11", "compare.numbers: Input should be a mapping", ""),
        ("compare: {numbers: {rel: true}}", "4:21", "a valid number", ""),
        ("compare: {numbers: {rel: '1e-9'}}", "4:21", "a valid number", ""),
        ("compare: {numbers: {rel: 1}}", "4:21", "less than 1", ""),
        ("compare: {numbers: {abs: -1e-9}}", "4:21", "greater than or equal to 0", ""),
        ("compare: {numbers: {abs: .inf}}", "4:21", "finite", ""),
        ("compare: {numbers: {int_for_float: 1}}", "4:21", "boolean", ""),
        ("properties: no_mutation", "4:1", "properties: Input should be a list", ""),
        ("properties: [no_mutations]", "4:14", "properties.0", "did you mean 'no_mutation'?"),
    ],
)
def test_a_wrong_key_is_an_error_with_its_place(bench, text, place, what, fix):
    head = "tool_id: t\nsignature: 'def f(a: int)'\ntest_cases: [{input: {a: 1}, expected_output: 1}]\n"
    with pytest.raises(SpecError) as caught:
        read_tool(bench.tool(f"{head}{text}\n", None))
    assert f"tool.yaml:{place}" in caught.value.where
    assert what in caught.value.what
    assert caught.value.fix == fix


def test_a_tool_without_parameters_is_not_idempotent(bench):
    with pytest.raises(SpecError, match="without parameters"):
        read_tool(bench.tool("tool_id: t\nsignature: 'def f()'\nproperties: [idempotent]\n", "def reference(): ..."))
