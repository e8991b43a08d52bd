"""What proposals are made of: templates, crossover, normal forms, completions, prompts and providers."""

from __future__ import annotations

import ast
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.case import Case, Subject
from harness.core.errors import UsageError
from harness.core.evaluation import Evaluation
from harness.core.evidence import Counterexample, Evidence
from harness.core.score import Score
from harness.core.status import Status
from harness.evolve.budgeted import Budgeted
from harness.evolve.config import Proposer
from harness.lane.breed import MAX_BYTES
from harness.lanes.toolgen.proposals.cheap_checks import check
from harness.lanes.toolgen.proposals.crossover import crossings
from harness.lanes.toolgen.proposals.mutation import Mutator, cross
from harness.lanes.toolgen.proposals.normal_form import normal_form
from harness.lanes.toolgen.proposals.prompt import feedback_of, prompt_for
from harness.lanes.toolgen.proposals.templates import styles_of, template, tools
from harness.lanes.toolgen.style import detect
from harness.lanes.toolgen.tool_spec import read_tool
from harness.providers.fault import ProviderError
from harness.providers.question import Reply
from tests.evolve.conftest import ORACLE, SPEC, START

ENTRY = {"text_deduplicate": "deduplicate_lines", "json_flatten": "flatten_json"}
TEMPLATES = [(tool, style) for tool in tools() for style in styles_of(tool)]


@pytest.fixture(scope="module")
def tool(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tool")
    (folder / "tool.yaml").write_text(SPEC)
    (folder / "oracle.py").write_text(ORACLE)
    return read_tool(folder)


# --- templates ---


@pytest.mark.parametrize(("tool_id", "style"), TEMPLATES)
def test_the_detected_style_of_a_template_is_the_declared_one(tool_id, style):
    source = template(tool_id, style)
    assert detect(ast.parse(source), ENTRY[tool_id]) == style
    assert f'# style = "{style}"' in source
    assert source.startswith("# SPDX-License-Identifier: MIT\n")


def test_templates_of_one_tool_are_really_different():
    for tool_id in tools():
        forms = {normal_form(ast.parse(template(tool_id, style)))[0] for style in styles_of(tool_id)}
        assert len(forms) == len(styles_of(tool_id)) >= 4
    assert {"set", "trie", "lsh", "suffixarray"} <= {style for tool_id in tools() for style in styles_of(tool_id)}


@pytest.mark.parametrize(
    ("tool_id", "style", "says"),
    [
        ("text_deduplicate", "tri", "did you mean 'trie'?"),
        ("text_deduplicat", "set", "did you mean 'text_deduplicate'?"),
        ("../templates", "set", "no template"),
    ],
)
def test_an_unknown_style_or_tool_is_named(tool_id, style, says):
    with pytest.raises(UsageError, match="no template") as caught:
        template(tool_id, style)
    assert says in str(caught.value)


# --- normal form ---


def form(source: str) -> str:
    return normal_form(ast.parse(source))[0]


def test_the_normal_form_ignores_comments_docstrings_layout_and_local_names():
    other = START.replace("result", "the_sum").replace("number ", "n ").replace("number\n", "n\n")
    other = other.replace('"""Return the sum.', '"""Something else.').replace(
        "    numbers = []", "    numbers=[]  # why"
    )
    assert other != START
    assert form(other) == form(START)


@pytest.mark.parametrize(
    "other",
    [
        START.replace("numbers", "values"),  # a parameter: callers name it
        START.replace("result = 0", "result = 1"),
        START.replace("result = 0", "result = 0.0"),
        START.replace("result = 0", "result = False"),
        START.replace("    result = 0\n", "    global result\n    result = 0\n"),
        START.replace("def total", "def totals"),
    ],
)
def test_the_normal_form_tells_other_programs_apart(other):
    assert form(other) != form(START)


def test_equal_names_in_other_roles_are_not_equal():
    one = "def f(a):\n    x = 1\n    y = 2\n    return x - y\n"
    assert form(one) != form(one.replace("x - y", "y - x"))
    assert form(one) == form(one.replace("x", "p").replace("y", "x"))


# --- crossover ---


def test_a_crossover_brings_what_its_function_needs():
    receiver, donor = template("text_deduplicate", "trie"), template("text_deduplicate", "lsh")
    made = dict(crossings(receiver, donor, entry="deduplicate_lines"))
    assert set(made) == {"exact", "words_of", "near"}
    assert "def numbers_of" in made["near"]
    assert "from zlib import crc32" in made["near"]
    assert "BUCKETS = 4096" in made["near"]
    for text in made.values():
        names = {node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
        assert "deduplicate_lines" in names
        compile(text, "crossed", "exec")


def test_functions_of_another_arity_are_not_exchanged():
    one, other = "def f(a):\n    return a\n", "def f(a, b=1):\n    return a + b\n"
    assert list(crossings(one, other, entry="f")) == []
    assert dict(crossings(one, "def f(b):\n    return -b\n", entry="f")) == {"f": "def f(b):\n    return -b\n"}


def test_a_crossover_stays_inside_evolve_blocks():
    marked = "# EVOLVE-BLOCK-START\ndef g(a):\n    return a\n# EVOLVE-BLOCK-END\n\n\ndef f(a):\n    return g(a)\n"
    other = "def g(a):\n    return 1\n\n\ndef f(a):\n    return 2\n"
    assert [name for name, _ in crossings(marked, other, entry="f")] == ["g"]


def test_proposals_are_new_and_follow_from_the_seed():
    seen: set[str] = set()

    def is_new(text):
        return text not in seen

    mutator = Mutator()
    for number in range(40):
        proposal = mutator.propose(START, random.Random(number), is_new)
        again = Mutator().propose(START, random.Random(number), is_new)
        assert proposal == again
        assert proposal.text not in seen
        seen.add(proposal.text)
    assert mutator.propose(START, random.Random(1), lambda text: False) is None
    assert mutator.propose("x = 1\n", random.Random(1), is_new) is None
    assert cross(START, START, random.Random(1), is_new, entry="total") is None


# --- cheap checks ---


@pytest.mark.parametrize(
    ("text", "stage", "status"),
    [
        (START, "", "ok"),
        ("def (", "parse", "crash"),
        ("x = '\0'", "parse", "crash"),
        ("(" * 5000, "parse", "crash"),
        ("#" * (MAX_BYTES + 1), "parse", "crash"),
        ("import subprocess\n" + START, "gate", "forbidden"),
    ],
)
def test_the_cheap_stages(tool, text, stage, status):
    found = check(text, tool)
    assert (found.stage, found.status) == (stage, status)


# --- prompts ---

GOOD = "def total(numbers):\n    return sum(numbers)\n"

texts = st.text(st.characters(codec="ascii", exclude_characters="\x00"), min_size=8, max_size=40)


@given(hidden=texts, observed=texts, status=st.sampled_from([one for one in Status if one is not Status.OK]))
def test_no_hidden_input_is_in_a_prompt(hidden, observed, status):
    """Whatever a verdict says of a hidden input, an answer to it or the candidate's own message."""
    secret = f"<<{hidden}>>"
    evidence = Evidence(
        status=status,
        why=f"total({secret}) returned {observed}, asked {secret}: ValueError: {secret}",
        counterexample=Counterexample(question=secret, expected=secret, observed=secret),
        facts={"public_why": f"total([1]) returned {secret}"},
    )
    case = Case(lane="toolgen", suite="s", name="c", subject=Subject(name="c", digest="0" * 64))
    sentence = feedback_of(Evaluation(case=case, evidence=evidence, score=Score(total=None)))
    assert secret not in sentence
    assert sentence.startswith(status)


def test_a_prompt_has_the_public_part_of_the_tool(tool):
    prompt = prompt_for(tool, START, ["wrong: an answer to a hidden input is not right"])
    assert 'total(**{"numbers": [1, 2, 3]}) == 6' in prompt
    assert "Return the sum of all numbers." in prompt
    assert START in prompt
    assert "an answer to a hidden input is not right" in prompt
    assert "hypothesis" not in prompt
    assert "def reference" not in prompt


# --- providers ---


class Scripted:
    """A provider with given replies; a real one is tested by the command below."""

    name = "scripted"

    def __init__(self, *replies):
        self.replies = list(replies)
        self.asked = []

    def answer(self, question):
        self.asked.append(question)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply


def ask(one: Budgeted, number: int = 0):
    return one.propose("prompt", "role", ["p"], number=number, seed=1, entry="total")


def test_limits_are_kept_before_they_are_reached():
    settings = Proposer(kind="model", max_tokens=10_000, tokens_per_call=4000, usd_per_million_tokens=10)
    one = Budgeted(settings, Scripted(*[Reply(text=GOOD, provider="p", tokens=3900)] * 9))
    made = []
    while not one.refusal():
        made.append(ask(one))
    assert one.tokens == 7800 <= 10_000
    assert [proposal.tokens for proposal in made] == [3900, 3900]
    assert "may exceed the limit of 10000 tokens" in one.refusal()
    assert one.money == pytest.approx(0.078)
    unlimited = Budgeted(settings.replace(max_tokens=None), one.provider, tokens=7800)
    assert "US dollars" in unlimited.refusal(money=0.1)
    assert "may exceed the limit of 8000 tokens" in unlimited.refusal(tokens=8000)
    assert unlimited.refusal() == ""
    assert "2 calls" in Budgeted(settings.replace(max_calls=2), one.provider, calls=2).refusal()


def test_a_provider_that_fails_is_no_candidate_and_is_left_alone_after_three_times():
    one = Budgeted(Proposer(kind="model"), Scripted(ProviderError("no answer within 1 s"), None, ProviderError("gone")))
    proposals = [ask(one, number) for number in range(3)]
    assert [bool(proposal.fault) for proposal in proposals] == [True, True, True]
    assert proposals[0].fault == "no answer within 1 s"
    assert "three times in a row" in one.refusal()


@pytest.mark.parametrize(
    ("text", "expected"), [("I cannot.", "I cannot."), ("\ud800", "\\ud800"), ("x" * (10 << 20), None), ("", "")]
)
def test_nonsense_becomes_a_proposal_that_the_cascade_rejects(tool, text, expected):
    one = Budgeted(Proposer(kind="model"), Scripted(Reply.model_construct(text=text, tokens=0)))
    proposal = ask(one)
    assert not proposal.fault
    if expected is not None:
        assert proposal.text.rstrip("\n") == expected
    assert check(proposal.text, tool).stage in ("parse", "")
    assert json.dumps(proposal.text)
    assert proposal.tokens >= 0
