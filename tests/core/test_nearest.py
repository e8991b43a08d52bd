"""The nearest known name to a misspelt one."""

from __future__ import annotations

from harness.core.nearest import MAX_KNOWN, did_you_mean, nearest, nearest_name, nearest_names


def test_the_most_similar_name_is_suggested():
    assert nearest_name("scor", ["score", "status"]) == "score"
    assert nearest_names("scor", ["score", "scores", "x"], count=2) == ["score", "scores"]
    assert did_you_mean("scor", ["score"]) == "did you mean 'score'?"
    assert nearest("scor", {"score": 1}) == "; did you mean 'score'?"


def test_a_word_that_resembles_no_name_gets_the_choices_if_they_are_few():
    assert nearest_name("q", ["score"]) == did_you_mean("q", ["score"]) == ""
    assert nearest("q", ["b", "a"]) == "; there are a, b"
    assert nearest("q", ["b", "a"], max_choices=1) == nearest("q", []) == ""


def test_hostile_words_and_lists_take_little_time():
    assert nearest_name("x" * 10_000_000, ["a"]) == ""
    assert nearest_name("zzzz", [f"zzz{number}" for number in range(MAX_KNOWN)]).startswith("zzz")


def test_words_and_names_of_any_type():
    assert nearest(3, [33, "3x"]) in ("; did you mean '33'?", "; did you mean '3x'?")
