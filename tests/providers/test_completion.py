"""The source code in what a model wrote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.providers.completion import MAX_CHARACTERS, code_of

GOOD = "def double(n):\n    return n + n\n"


@pytest.mark.parametrize(
    "completion",
    [
        GOOD,
        f"```python\n{GOOD}```",
        f"Here it is:\n\n```py\n{GOOD}```\nIt adds the number to itself.",
        f"```\n{GOOD}```",
        f"~~~python\n{GOOD}~~~\n",
        f"````python\n{GOOD}````",
        f"First install it:\n```bash\npip install double\n```\n```python\n{GOOD}```",
        f"<think>\n```python\ndef double(n): return 0\n```\n</think>\n```python\n{GOOD}```",
        f"A first try:\n```python\ndef double(n): return 0\n```\nThat is wrong, so:\n```python\n{GOOD}```",
        f"```python\n{GOOD}```\nFor example:\n```python\nprint(double(2))\n```",
        f"```python\n{GOOD}```\nThe test:\n```python\ndef test_double():\n    assert double(2) == 4\n```",
        f"```python\n{GOOD}",  # cut off
        f"```python\n{GOOD}```".replace("\n", "\r\n"),
        f"```\nx = 1\n```\nand\n```python\n{GOOD}```\n```\nprint(double(1))\n```",
        f"```Python title=mine\r\n{GOOD}```\r\n".replace("\n", "\n"),
        [{"role": "user", "content": "double"}, {"role": "assistant", "content": f"```python\n{GOOD}```"}],
        [{"role": "assistant", "content": [{"type": "text", "text": GOOD}]}],
        {"role": "assistant", "content": GOOD},
    ],
)
def test_code_is_found(completion):
    assert code_of(completion, entry="double") == GOOD


def test_a_program_with_a_fence_in_its_docstring_is_taken_whole():
    source = 'def double(n):\n    """Twice.\n\n    ```python\n    double(2)\n    ```\n    """\n    return n + n\n'
    assert code_of(source, entry="double") == source


@pytest.mark.parametrize("completion", ["I cannot do that.", "", [], [{"role": "assistant", "content": None}]])
def test_what_has_no_code_is_left_to_the_judge(completion):
    assert code_of(completion, entry="double") in ("I cannot do that.", "")


@pytest.mark.parametrize("completion", [None, 3, float("nan"), b"def double(n): return n"])
def test_what_is_no_completion_is_a_mistake_of_the_caller(completion):
    with pytest.raises(TypeError, match="a completion is text or a list of messages"):
        code_of(completion)


@given(st.text(alphabet="`~ \npythondef()<>/k\r", max_size=200))
def test_any_text_has_a_source(text):
    found = code_of(text, entry="double")
    assert found == "" or found.strip() in text or set(found) <= set(text)


@pytest.mark.parametrize("text", ["```", "```python\nnot python\n```", "x" * (10 << 20), "```python\n" * 99_999])
def test_any_length_of_text_has_a_source(text):
    assert len(code_of(text, entry="double")) <= MAX_CHARACTERS
