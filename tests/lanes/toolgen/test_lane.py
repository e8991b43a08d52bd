"""Whole evaluations in real boxes: what every kind of candidate comes to, and whose fault it is."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest

from harness.core.errors import CrucibleError, InfraError, SpecError, SuiteError
from harness.core.evidence import Evidence
from harness.core.policy import Policy
from harness.core.status import Status
from harness.hooks import Lane, Registry
from harness.lanes.toolgen.collect import case_for
from harness.lanes.toolgen.lane import Toolgen
from harness.lanes.toolgen.prepared_tools import PreparedTools
from harness.lanes.toolgen.tool_spec import read_tool
from harness.sandbox.loop import drive
from harness.suites.suite import Suite
from tests.lanes.toolgen.conftest import GOOD, ORACLE, TOOL

ROOT = Path(__file__).parents[3]
BROKEN_LAW = "\ndef broken(call, kwargs, rng):\n    return 1 / 0\n\nPROPERTIES = (broken,)\n"
BODY = "def clamp(x: int, lo: int, hi: int) -> int:\n"


def test_it_is_a_lane_and_found_by_the_hook():
    registry = Registry(built_in={"toolgen": "harness.lanes.toolgen.lane"})
    assert isinstance(registry.lanes["toolgen"], Lane)


def test_a_good_candidate_passes(judge):
    evaluation = judge(GOOD, attempts=2)
    assert evaluation.status is Status.OK
    assert evaluation.passed
    assert evaluation.score.total == pytest.approx(1.0)
    facts = evaluation.evidence.facts
    assert facts["questions"]["right"] == facts["questions"]["total"] > 16
    assert facts["documentation"] == dict.fromkeys(("module", "function", "signature", "example"), True)
    assert facts["edges"]["source"] == "derived"
    assert len({attempt.hash_seed for attempt in evaluation.evidence.attempts}) == 2
    assert evaluation.evidence.median_ms is not None
    assert evaluation.evidence.peak_mb is not None
    assert facts["load_ms"] > 0
    assert Evidence.from_wire(json.loads(json.dumps(evaluation.evidence.to_wire()))) == evaluation.evidence


@pytest.mark.parametrize(
    ("source", "status", "why"),
    [
        (f"{BODY}    return min(x, hi)\n", Status.WRONG, "clamp("),
        (f"{BODY}    return float(max(lo, min(x, hi)))\n", Status.WRONG, "returned"),
        (f"{BODY}    return max(lo, min(x, hi)) == x or max(lo, min(x, hi))\n", Status.WRONG, "returned true"),
        (f"{BODY}    return {{1}}\n", Status.WRONG, "returned {1}, not "),
        (f"{BODY}    return 1j\n", Status.WRONG, "type complex"),
        (f"{BODY}    raise KeyError(x)\n", Status.WRONG, "raised KeyError"),
        (f"{BODY}    while x > hi:\n        pass\n    return max(x, lo)\n", Status.TIMEOUT, "asked clamp("),
        (f"{BODY}    import os\n    os._exit(0)\n", Status.CRASH, "exited"),
        (f"{BODY}    return bytearray(1 << 30) and 1\n", Status.MEMORY, ""),
        ("def other(x):\n    return x\n", Status.CRASH, "no function 'clamp'"),
        ("def clamp(x, lo, hi:\n", Status.CRASH, "line 1"),
        ("1 / 0\n", Status.CRASH, "ZeroDivisionError"),
        (b"\xff\xfe", Status.CRASH, "UTF-8"),
        (b"", Status.CRASH, "empty"),
    ],
)
def test_what_a_candidate_does_wrong_is_its_fault(bench, judge, source, status, why):
    # Only what never ends is held to a short time: a slow machine must not turn the other verdicts into a timeout.
    seconds = 0.3 if status is Status.TIMEOUT else 20
    bench.tool(TOOL + f"constraints: {{forbidden_apis: [], max_runtime_sec: {seconds}}}\n", ORACLE)
    evaluation = judge(source)
    assert evaluation.status is status
    assert why in evaluation.evidence.why
    assert not evaluation.passed
    assert "correct" in {gate.name for gate in evaluation.score.failed}


def test_a_forbidden_api_is_never_run(bench, judge):
    bench.tool(TOOL + "constraints: {forbidden_apis: [os.system]}\n", ORACLE)
    marker = bench.folder / "ran"
    evaluation = judge(f"import os\ngetattr(os, 'sys' + 'tem')('touch {marker}')\n{GOOD}")
    assert evaluation.status is Status.FORBIDDEN
    assert "os.system at line 2, column 1" in evaluation.evidence.why
    assert evaluation.evidence.attempts == ()
    assert not marker.exists()


def test_a_word_in_a_docstring_is_no_violation(bench, judge):
    bench.tool(TOOL + "constraints: {forbidden_apis: [eval, os.system]}\n", ORACLE)
    assert judge(GOOD.replace("Clamp a number.", "It evaluates eval(x); os.system is never called.")).passed


def test_metadata_that_cannot_be_read_is_said(judge):
    evaluation = judge(f"# /// candidate\n# style =\n# ///\n{GOOD}")
    assert evaluation.passed
    [notice] = evaluation.evidence.notices
    assert f"{evaluation.case.subject.name}: its metadata was not read: the candidate block is not TOML" in notice


def test_links_and_folders_are_judged_without_being_followed(bench, judge):
    real = bench.candidate(GOOD)
    (bench.folder / "link.py").symlink_to(real)
    (bench.folder / "folder.py").mkdir()
    assert judge(bench.folder / "link.py").status is Status.FORBIDDEN
    assert judge(bench.folder / "folder.py").status is Status.CRASH


def test_a_wrong_answer_gives_the_shortest_counterexample(judge):
    counterexample = judge(f"{BODY}    return 0\n").evidence.counterexample
    assert counterexample is not None
    assert json.loads(counterexample.question).keys() == {"x", "lo", "hi"}
    assert counterexample.expected != counterexample.observed == "0"


def test_the_order_of_a_hash_makes_it_flaky(bench, judge):
    bench.tool(
        """
        tool_id: letters
        signature: "def letters(text: str) -> list[str]"
        """,
        """
        from hypothesis import strategies as st
        def reference(text): return sorted(set(text))
        def accept(kwargs, output): return sorted(output) == reference(**kwargs)
        def inputs(): return st.text("abcdefghijk", min_size=6).map(lambda text: {"text": text})
        """,
    )
    evaluation = judge("def letters(text):\n    return list(set(text))\n", attempts=3)
    assert evaluation.status is Status.FLAKY
    assert evaluation.evidence.stability == 0.5
    assert "attempts disagree" in evaluation.evidence.why
    assert judge("def letters(text):\n    return sorted(set(text), reverse=True)\n", attempts=3).passed


def test_a_candidate_that_is_wrong_the_same_way_every_time_is_wrong_not_flaky(judge):
    evaluation = judge(f"{BODY}    return 0\n", attempts=3)
    assert evaluation.status is Status.WRONG
    assert evaluation.evidence.stability == 1.0
    assert len(evaluation.evidence.attempts) == 1  # the question is asked again with the other hash seeds


def test_two_attempts_that_die_alike_settle_it(judge):
    evaluation = judge(f"{BODY}    import os\n    os._exit(0)\n", attempts=5)
    assert evaluation.status is Status.CRASH
    assert len(evaluation.evidence.attempts) == 2


def test_a_wrong_answer_to_one_attempts_own_input_is_put_to_the_others(bench, context):
    lane = Toolgen()
    case = bench.case(GOOD, attempts=2)
    tools, tool = context.keep(PreparedTools), read_tool(bench.folder)
    questions = drive(tools.questions(tool, secret_seed=7, count=8, attempts=2, scratch=context.scratch))
    (extra, *_) = questions.extras[1]
    asked = json.loads(extra.key)
    condition = f"(x, lo, hi) == ({asked['x']}, {asked['lo']}, {asked['hi']})"
    body = GOOD.replace("    if lo > hi:", f"    if {condition}:\n        return 10**6\n    if lo > hi:")
    evidence = lane.evaluate(bench.case(body, attempts=2), context)
    assert evidence.status is Status.WRONG  # wrong with every hash seed, though only one attempt had asked
    assert {attempt.status for attempt in evidence.attempts} == {Status.WRONG}
    assert lane.evaluate(case, context).status is Status.OK


def test_properties_are_asked_in_the_box(bench, judge):
    law = """
        def idempotent(call, kwargs, rng):
            once = call(**kwargs)
            return None if call(**{**kwargs, "x": once}) == once else "clamping twice differs"


        def accept(kwargs, output):
            return True


        PROPERTIES = (idempotent,)
    """
    bench.tool(TOOL, ORACLE + textwrap.dedent(law))
    assert judge(GOOD).passed
    evaluation = judge(f"{BODY}    return x + 1\n")
    assert evaluation.status is Status.WRONG
    assert "property idempotent fails: clamping twice differs" in evaluation.evidence.why
    raising = judge(f"{BODY}    raise OSError('no')\n")
    assert raising.status is Status.WRONG
    swallowed = judge(f"{BODY}    import os\n    os._exit(1)\n")
    assert swallowed.status is Status.CRASH


def test_a_property_that_catches_everything_does_not_hide_a_dead_box(bench, judge):
    law = """
        def blind(call, kwargs, rng):
            try:
                call(**{**kwargs, "x": 10**9})
            except Exception:
                return None


        PROPERTIES = (blind,)
    """
    bench.tool(TOOL, ORACLE + textwrap.dedent(law))
    assert (
        judge(GOOD.replace("    if lo", "    if x == 10**9:\n        import os; os._exit(0)\n    if lo")).status
        is Status.CRASH
    )


@pytest.mark.parametrize(
    ("oracle", "what"),
    [
        (ORACLE.replace("return max(lo, min(x, hi))", "raise RuntimeError('boom')"), "RuntimeError: boom"),
        (ORACLE.replace("return max(lo, min(x, hi))", "return 7"), "test case 1 expects 3"),
        (ORACLE.replace("triples.map", "st.nothing().map"), "inputs"),
        (ORACLE + BROKEN_LAW, "property broken raised ZeroDivisionError"),
        (ORACLE + "\ndef accept(kwargs, output):\n    return 1 / 0\n", "accept raised ZeroDivisionError"),
        (ORACLE + "\ndef edges():\n    return [{'y': 1}]\n", "edges"),
        (ORACLE + "\ndef edges():\n    return 3\n", "edges raised TypeError"),
    ],
    ids=["raises", "contradicts", "nothing", "property", "accept", "misfit", "edges"],
)  # fmt: skip
def test_a_broken_oracle_is_our_fault_and_named(bench, judge, oracle, what):
    bench.tool(TOOL, oracle)
    with pytest.raises(SpecError, match=what) as caught:
        judge(GOOD)
    assert "oracle.py" in caught.value.where


def test_a_broken_workload_is_our_fault(bench, judge):
    bench.tool(TOOL, ORACLE + "\ndef workload(size, rng):\n    return 1 / 0\n")
    with pytest.raises(SpecError, match="workload raised ZeroDivisionError"):
        judge(GOOD, timing="cpu")


EDGES = """
    def edges():
        return [{"x": 0, "lo": 3, "hi": 1}, {"x": 10**40, "lo": 0, "hi": 1}]
"""


def test_explicit_edges_are_in_the_domain(bench, judge):
    bench.tool(TOOL, ORACLE + textwrap.dedent(EDGES))
    evaluation = judge(f"{BODY}    return lo if x < lo else hi if x > hi else x\n")
    assert evaluation.status is Status.WRONG
    edges = evaluation.evidence.facts["edges"]
    assert (edges["total"], edges["source"]) == (2, "oracle")
    assert edges["handled"] < 2  # the first wrong answer ends the case
    assert judge(GOOD).evidence.facts["edges"]["handled"] == 2


def test_derived_edges_only_lower_robustness(judge):
    evaluation = judge(f"{BODY}    return lo if x < lo else hi if x > hi else x\n")
    assert evaluation.status is Status.OK
    edges = evaluation.evidence.facts["edges"]
    assert 0 < edges["handled"] < edges["total"]
    dying = judge(GOOD.replace("    if lo", "    if abs(x) > 10**6:\n        import os; os._exit(0)\n    if lo"))
    assert dying.status is Status.OK
    assert dying.passed
    assert dying.evidence.facts["edges"]["handled"] < edges["total"]


WORKLOAD = """
    def workload(size, rng):
        return {"x": size + rng.randrange(size), "lo": 0, "hi": size}
"""


def test_performance_is_measured_and_checked(bench, judge):
    bench.tool(TOOL, ORACLE + textwrap.dedent(WORKLOAD))
    evaluation = judge(GOOD, timing="cpu")
    assert evaluation.passed
    profile = evaluation.evidence.facts["profile"]
    assert [row["size"] for row in profile["rows"]] == [50, 100, 200, 400]
    assert profile["clock"] in ("cpu", "wall")
    assert all(row["candidate_s"] > 0 and row["reference_s"] > 0 for row in profile["rows"])
    assert judge(GOOD, timing="exact").evidence.facts["profile"]["clock"] == "wall"
    wrong_when_large = judge(GOOD.replace("    if lo", "    if hi > 300:\n        return 0\n    if lo"), timing="cpu")
    assert wrong_when_large.status is Status.WRONG
    assert "workload" in wrong_when_large.evidence.why
    assert wrong_when_large.evidence.counterexample is not None


def test_a_slow_candidate_earns_less_than_a_fast_one(bench, judge):
    oracle = """
        def reference(n):
            return sum(range(n))
        def workload(size, rng):
            return {"n": size + rng.randrange(3)}
        def edges():
            return [{"n": 0}]
        def inputs():
            from hypothesis import strategies as st
            return st.integers(0, 99).map(lambda n: {"n": n})
    """
    text = """
        tool_id: s
        signature: "def total(n: int) -> int"
        workload_size: 20000
        test_cases: [{input: {n: 3}, expected_output: 3}]
    """
    bench.tool(text, oracle)
    fast = judge("def total(n):\n    return max(n, 0) * (n - 1) // 2 if n > 0 else 0\n", timing="cpu", epoch=40)
    source = """
        def total(n):
            t = 0
            for i in range(n):
                for _ in range(20):
                    t += 0
                t += i
            return t
    """
    slow = judge(source, timing="cpu", epoch=40)
    values = [
        next(c.value for c in evaluation.score.components if c.name == "performance") for evaluation in (fast, slow)
    ]
    assert fast.status is slow.status is Status.OK
    assert values[0] > values[1]


def test_examples_only(bench, judge):
    bench.tool(TOOL, None)
    evaluation = judge(GOOD, attempts=2)
    assert evaluation.status is Status.OK
    assert evaluation.evidence.facts["examples_only"] is True
    assert evaluation.evidence.facts["questions"]["total"] == 4  # two examples, two attempts
    assert evaluation.score.total is not None
    assert evaluation.score.total <= 0.9
    assert evaluation.evidence.facts["edges"]["source"] == "sampled from the annotations"
    unsteady = """
        import itertools
        n = itertools.count()
        def clamp(x, lo, hi):
            return 3 if x == 5 else 0 if x == -5 else next(n)
    """
    assert judge(unsteady, attempts=2).status is Status.FLAKY
    assert judge("def clamp(x, lo, hi):\n    return 3\n").status is Status.WRONG


def test_a_lying_example_costs_a_quarter_not_correctness(judge):
    evaluation = judge(GOOD.replace("    3\n", "    4\n"))
    assert evaluation.passed
    assert evaluation.evidence.facts["documentation"]["example"] is False


def test_a_relabelled_set_earns_no_diversity(judge):
    evaluation = judge('# /// candidate\n# style = "trie"\n# ///\n' + GOOD)
    assert evaluation.case.subject.style == "trie"
    assert evaluation.evidence.facts["style"]["declared"] == "trie"
    assert evaluation.evidence.facts["style"]["detected"] == "plain"
    assert evaluation.score.components[-1].value == 0.0


def test_a_file_that_changed_since_collection_is_not_judged(bench, context):
    case = bench.case(GOOD)
    Path(case.subject.path).write_text("x = 1\n")
    with pytest.raises(InfraError, match="changed"):
        Toolgen().evaluate(case, context)
    case = bench.case(GOOD)
    bench.tool(TOOL, ORACLE + "\n# changed\n")
    with pytest.raises(InfraError, match="changed"):
        Toolgen().evaluate(case, context)


# --- collection ---


def suite(folder: Path, **options: object) -> Suite:
    made = Toolgen.options.model_validate({"lane": "toolgen", "tool": ".", "candidates": "*.py", **options})
    return Suite(path=folder / "x.suite.yaml", name="x.suite.yaml", options=made, policy=Policy())


def test_collecting_reads_and_never_runs(tmp_path):
    (tmp_path / "tool").mkdir()
    (tmp_path / "tool" / "tool.yaml").write_text(
        "tool_id: t\nsignature: 'def f(a: int)'\ntest_cases: [{input: {a: 1}, expected_output: 1}]\n"
    )
    (tmp_path / "tool" / "oracle.py").write_text("def reference(a): ...\nraise SystemExit\n")
    (tmp_path / "b two.py").write_text("raise SystemExit\n")
    (tmp_path / "a.py").write_bytes(b"\xff")
    cases = Toolgen().collect(suite(tmp_path, tool="tool", candidates=["*.py"]))
    assert [case.nodeid for case in cases] == ["x.suite.yaml::a", "x.suite.yaml::b-two"]
    assert Toolgen().collect(suite(tmp_path, tool="tool")) == cases
    assert cases[0].key != cases[1].key


def test_what_a_suite_names_must_be_there(tmp_path):
    (tmp_path / "a.py").write_text("x = 1\n")
    for options in ({"tool": "nowhere"}, {"candidates": "*.txt"}):
        with pytest.raises(CrucibleError):
            Toolgen().collect(suite(tmp_path, **options))
    assert issubclass(SpecError, SuiteError)


def test_the_key_of_a_case_follows_the_tool(bench):
    path = bench.candidate(GOOD)
    before = case_for(read_tool(bench.folder), path, suite="s", policy=Policy()).key
    bench.tool(TOOL, ORACLE + "\n# changed\n")
    assert case_for(read_tool(bench.folder), path, suite="s", policy=Policy()).key != before


# --- the seed's tools ---


@pytest.mark.parametrize("name", ["text_deduplicate", "json_flatten", "planted", "planted_json_flatten"])
def test_the_suites_of_the_house_come_out_as_expected(name, judge_all):
    found = judge_all(Toolgen(), ROOT / "suites" / "toolgen" / f"{name}.suite.yaml")
    options = Toolgen.options.model_validate_json(
        json.dumps(__import__("yaml").safe_load((ROOT / "suites" / "toolgen" / f"{name}.suite.yaml").read_text()))
    )
    surprises = {
        case: (evaluation.status, evaluation.evidence.why)
        for case, evaluation in found.items()
        if (evaluation.status is not options.expect[case] if case in options.expect else not evaluation.passed)
    }
    assert surprises == {}
    if name == "planted":
        assert found["relabelled_set"].score.components[-1].value == 0.0
