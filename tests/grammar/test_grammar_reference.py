"""The reference page is what its script generates from the engine, and every construct has an example."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("grammar_reference", DOCS / "grammar_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_script_writes(script):
    assert (DOCS / "grammar-reference.md").read_text("utf-8") == script.page(), "run python docs/grammar_reference.py"


def test_examples_report_errors_only_where_they_are_about_errors(script):
    wrong = [example["title"] for example in script.examples() if script.read(example)[1]]
    assert wrong == ["Validation"]


def test_a_construct_without_an_example_is_noticed(script):
    fewer = [example for example in script.examples() if example["title"] != "Positions"]
    assert script.uncovered(fewer) == ["field.offset", "field.skip", "field.align"]


def test_an_example_that_does_not_pass_lint_is_an_error(script):
    with pytest.raises(ValueError, match="Broken"):
        script.read({"title": "Broken", "fields": "- {name: a, type: u9}", "data": ""})
