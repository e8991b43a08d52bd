"""The files that `crucible init` writes."""

from __future__ import annotations

PYPROJECT = """\
[tool.pytest.ini_options]
addopts = ["--import-mode=importlib"]

[tool.crucible]
attempts = 3
"""

TOOL = """\
# The specification that candidates see. The reference is in oracle.py, which no candidate can read.
tool_id: slugify
description: Turn a title into a part of a URL that people can read.
signature: "def slugify(title: str) -> str"
docstring: |
  Lower-case `title`; keep ASCII letters and digits; replace every run of other characters by one hyphen;
  remove hyphens at the ends.
test_cases:
  - input: {title: "Hello, World!"}
    expected_output: hello-world
  - input: {title: "  10 things  you -- should know "}
    expected_output: 10-things-you-should-know
  - input: {title: ""}
    expected_output: ""
constraints:
  max_runtime_sec: 1.0
  max_memory_mb: 128
"""

ORACLE = '''\
"""The trusted reference of slugify: the expected output, the inputs, and the properties of every output."""

import re

from hypothesis import strategies as st


def reference(title):
    """Return the expected output."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower(), flags=re.ASCII).strip("-")


def inputs():
    """Return a strategy for the arguments of the calls."""
    return st.fixed_dictionaries({"title": st.text(st.sampled_from("aZ09 -_.!é"), max_size=30)})


def workload(size, rng):
    """Return arguments of a given size for the timing."""
    return {"title": "".join(rng.choice("abc ABC 123 -") for _ in range(size))}


def twice_is_once(call, kwargs, rng):
    """A slug of a slug is the same slug."""
    once = call(**kwargs)
    return None if call(title=once) == once else f"slugify({once!r}) changes it"


PROPERTIES = (twice_is_once,)
'''

GOOD = '''\
# /// candidate
# style = "pipeline"
# generator = "a person"
# license = "MIT"
# ///
"""Readable parts of URLs from titles."""

import re


def slugify(title: str) -> str:
    """Lower-case a title and join its ASCII words with hyphens.

    Args:
        title: Any string.

    Returns:
        Letters, digits and single hyphens; empty if nothing is left.

    >>> slugify("Hello, World!")
    'hello-world'
    """
    return "-".join(re.findall(r"[a-z0-9]+", title.lower()))
'''

WRONG = '''\
"""A negative control: it replaces spaces only, and the suite expects the verdict `wrong`."""


def slugify(title: str) -> str:
    """Join the words of a title with hyphens."""
    return "-".join(title.lower().split())
'''

SUITE = """\
# One pytest item for each candidate. `expect` names negative controls: each must fail with exactly this verdict.
lane: toolgen
tool: ../specs/tools/slugify
candidates: ../candidates/slugify/*.py
budget: {time_ms: [2000, 1000], memory_mb: [128, 64], epochs: 40}
gates: {correctness: 1.0, score: 0.7}
expect: {only_spaces: wrong}
"""

FILES = {
    "specs/tools/slugify/tool.yaml": TOOL,
    "specs/tools/slugify/oracle.py": ORACLE,
    "candidates/slugify/join_words.py": GOOD,
    "candidates/slugify/only_spaces.py": WRONG,
    "suites/slugify.suite.yaml": SUITE,
}
