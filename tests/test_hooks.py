"""The registry of lanes: all are known by name, only those that are asked for are imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness.core.errors import UsageError
from harness.hooks import BUILT_IN, Registry, hookimpl

LIGHT = """
import sys
from harness.hooks import BUILT_IN, Registry
lanes = Registry().lanes
assert list(lanes) == list(BUILT_IN) and len(lanes) == len(BUILT_IN) and "spec" in lanes and "spork" not in lanes
assert lanes.get("spork") is None
assert not any(module in sys.modules for module in BUILT_IN.values())
assert lanes["spec"].name == "spec" and lanes["spec"] is lanes["spec"]
print(sorted(name for name, module in BUILT_IN.items() if module in sys.modules))
"""


class Lane:
    def __init__(self, name):
        self.name = name


class Plugin:
    def __init__(self, *names):
        self.made = [Lane(name) for name in names]

    @hookimpl
    def crucible_lanes(self):
        return self.made


def test_only_what_is_asked_for_is_imported():
    said = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True).stdout
    assert said == "['spec']\n"


def test_a_plugin_that_comes_later_adds_its_lane_and_ours_stay():
    registry = Registry()
    assert registry.lanes["toolgen"].name == "toolgen"
    registry.register(Plugin("words"))
    assert [*registry.lanes] == [*BUILT_IN, "words"]
    assert registry.lanes["words"].name == "words"
    assert registry.lanes["toolgen"].name == "toolgen"


@pytest.mark.parametrize("taken", ["words", "toolgen"])
def test_two_lanes_of_one_name_are_an_error_that_says_where_both_come_from(taken):
    registry = Registry()
    registry.register(Plugin("words"))
    registry.register(Plugin(taken))
    with pytest.raises(UsageError, match=f"two plugins define a lane named '{taken}'"):
        _ = registry.lanes


def test_one_plugin_may_bring_several():
    registry = Registry(built_in={})
    registry.register(Plugin("words", "letters"))
    assert {*registry.lanes} == {"words", "letters"}
