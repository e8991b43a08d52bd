"""Errors say what, where and how to fix it, on both sides of a process border."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core import errors
from harness.core.errors import CrucibleError, MissingExtraError, position

PLAIN = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, CrucibleError) and kind is not MissingExtraError
]


def test_all_kinds_are_of_one_tree():
    assert {kind.__name__ for kind in PLAIN} >= {"UsageError", "SuiteError", "SpecError", "InfraError", "LedgerError"}
    assert issubclass(errors.SpecError, errors.SuiteError)
    assert not issubclass(CrucibleError, (ValueError, OSError))


@pytest.mark.parametrize("kind", PLAIN, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_all_kinds_survive_pickling(kind, protocol):
    error = kind("it is broken", where="a.py:3", fix="mend it")
    again = pickle.loads(pickle.dumps(error, protocol))
    assert type(again) is kind
    assert (again.what, again.where, again.fix) == ("it is broken", "a.py:3", "mend it")
    assert str(again) == str(error)


@given(st.text(), st.text(), st.text())
def test_any_text_survives_pickling_and_copying(what, where, fix):
    error = CrucibleError(what, where=where, fix=fix)
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (again.what, again.where, again.fix, again.args) == (what, where, fix, (what,))


def test_a_missing_extra_names_the_install_line_and_survives_pickling():
    error = MissingExtraError("kernels", module="torch")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is MissingExtraError
    assert (again.extra, again.module) == ("kernels", "torch")
    for one in (error, again):
        assert str(one) == "torch is not installed\n  fix: pip install 'pytest-crucible[kernels]'"


@pytest.mark.parametrize(
    ("where", "fix", "text"),
    [
        ("", "", "broken"),
        ("a.py:3", "", "a.py:3: broken"),
        ("", "mend it", "broken\n  fix: mend it"),
        ("a.py:3", "mend it", "a.py:3: broken\n  fix: mend it"),
    ],
)
def test_what_is_printed(where, fix, text):
    assert str(CrucibleError("broken", where=where, fix=fix)) == text


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (("a.py",), "a.py"),
        ((Path("b") / "a.py", 3), str(Path("b") / "a.py") + ":3"),
        (("a.py", 3, 7), "a.py:3:7"),
        (("a.py", None, None), "a.py"),
        (("a.py", 0, 0), "a.py:0:0"),
    ],
)
def test_positions(parts, text):
    assert position(*parts) == text
