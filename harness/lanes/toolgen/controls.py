"""Controls of a tool: an honest candidate from its folder, and cheats made from its signature and examples."""

from __future__ import annotations

from harness.lane.controls import Controls
from harness.lanes.toolgen.tool_spec import Tool

HONEST = "controls/honest.py"  # the honest control in the folder of a tool

ALWAYS_EQUAL = '''class Answer:
    """Equal to everything."""

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0


def {entry}(*args, **kwargs):
    return Answer()
'''
REMEMBERS = """EXAMPLES = {examples!r}


def {entry}(**kwargs):
    for given, answer in EXAMPLES:
        if given == kwargs:
            return answer
    return None
"""


def controls_of(tool: Tool) -> Controls:
    """The controls of a tool.

    One cheat answers with an object that is equal to everything, the other knows the answers to the tool's examples
    and nothing else. Without an oracle only examples define the right answers, so there the second one is left out.
    """
    entry = tool.signature.name
    cheats = {"always equal": ALWAYS_EQUAL.format(entry=entry)}
    if not tool.examples_only and tool.spec.test_cases:
        examples = [(case.input, case.expected_output) for case in tool.spec.test_cases]
        cheats["remembers the examples"] = REMEMBERS.format(entry=entry, examples=examples)
    honest = tool.path / HONEST
    return Controls(entry, honest.read_bytes() if honest.is_file() else None, cheats)
