from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.lanes.toolgen.style import detect, distance

CANDIDATES = Path(__file__).parents[3] / "candidates"
DEAD_TRIE = """
def unused(words):
    root = {}
    for word in words:
        node = root
        for letter in word:
            node = node.setdefault(letter, {})
    return root


def run(lines):
    seen = set()
    return [line for line in lines if not (line in seen or seen.add(line))]
"""


@pytest.mark.parametrize(
    ("path", "entry", "style"),
    [
        ("text_deduplicate/char_trie.py", "deduplicate_lines", "trie"),
        ("text_deduplicate/suffix_array.py", "deduplicate_lines", "suffixarray"),
        ("text_deduplicate/minhash_lsh.py", "deduplicate_lines", "lsh"),
        ("text_deduplicate/hash_set.py", "deduplicate_lines", "set"),
        ("text_deduplicate/planted/relabelled_set.py", "deduplicate_lines", "set"),
        ("json_flatten/iterative_stack.py", "flatten_json", "stack"),
        ("json_flatten/level_queue.py", "flatten_json", "queue"),
        ("json_flatten/recursive_generator.py", "flatten_json", "generator"),
        ("json_flatten/event_stream.py", "flatten_json", "stream"),
        ("json_flatten/planted/recursion_overflow.py", "flatten_json", "recursion"),
    ],
)
def test_the_style_is_seen_in_the_code(path, entry, style):
    assert detect(ast.parse((CANDIDATES / path).read_text()), entry) == style


def test_dead_code_shows_nothing():
    assert detect(ast.parse(DEAD_TRIE), "run") == "set"
    assert detect(ast.parse(DEAD_TRIE), "unused") == "trie"


@pytest.mark.parametrize(
    ("source", "style"),
    [
        ("def run(s):\n    return sorted(range(len(s)), key=lambda i: s[i:])\n", "suffixarray"),
        ("def run(a):\n    return sorted(a)\n", "sort"),
        (
            "def run(a):\n    b = []\n    for x in a:\n        if x not in b:\n            b.append(x)\n    return b\n",
            "scan",
        ),
        ("def run(a):\n    return a\n", "plain"),
        ("x = 1\n", "plain"),
    ],
)
def test_small_styles(source, style):
    assert detect(ast.parse(source), "run") == style


def rows(*ratios):
    return [{"size": 1, "candidate_s": ratio, "reference_s": 1.0} for ratio in ratios]


def test_distance_by_hand():
    assert distance("set", "set", rows(4, 4))["distance"] == 0.0
    assert distance("stack", "stack", rows(4, 4))["distance"] == 0.0
    assert distance("plain", "set", rows(4, 4))["distance"] == 0.0
    assert distance("scan", "plain", rows(4, 4))["distance"] == 0.0  # being slow is no other idea
    assert distance("trie", "set", rows(4, 4))["distance"] == pytest.approx(
        1.0
    )  # costs 4 times the reference's: quite unlike
    assert distance("trie", "set", rows(0.25, 0.01))["distance"] == pytest.approx(1.0)
    assert distance("trie", "set", rows(1, 1))["distance"] == pytest.approx(0.5)  # a structure that shows in no cost
    assert distance("trie", "set", rows(2, 2))["distance"] == pytest.approx(0.75)
    assert distance("trie", "set", [])["distance"] == pytest.approx(0.5)
    assert distance("queue", "stack", rows(4, 4))["distance"] == pytest.approx(0.5)


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=4), st.floats(1, 2), st.sampled_from(["trie", "queue"]))
def test_the_interval_holds_the_distance(ratios, spread, style):
    measured = [
        {**row, "candidate_low_s": row["candidate_s"] / spread, "candidate_high_s": row["candidate_s"] * spread}
        for row in rows(*ratios)
    ]
    found = distance(style, "set", measured)
    assert 0 <= found["distance_low"] <= found["distance"] <= found["distance_high"] <= 1


def test_noise_between_equal_costs_is_within_the_interval():
    quiet, disturbed = distance("trie", "set", rows(1, 1)), distance("trie", "set", rows(1.2, 0.85))
    assert disturbed["distance"] > quiet["distance"]
    assert disturbed["distance_low"] <= quiet["distance_high"]
    unlike = distance("trie", "set", rows(3, 3))
    assert unlike["distance_low"] > quiet["distance_high"]


def test_waiting_is_no_cost_of_a_structure():
    [row] = rows(1)
    assert distance("trie", "set", [{**row, "candidate_s": 4.0, "wait_s": 3.0}]) == distance("trie", "set", [row])
