"""Every public name of the four packages is imported at first use, from the module that type checkers see."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = ["harness", "harness.dsl", "harness.grammar", "harness.rewards"]


@pytest.mark.parametrize("name", PACKAGES)
def test_each_name_is_found_and_listed(name: str) -> None:
    package = importlib.import_module(name)
    assert package.__all__ == sorted(package.__all__) == dir(package)
    for public in package.__all__:
        assert getattr(package, public) is not None
        assert vars(package)[public] is getattr(package, public)  # the second use does not look it up again


@pytest.mark.parametrize("name", PACKAGES)
@pytest.mark.parametrize("unknown", ["judges", "TYPE_CHECKING_", "__wrapped__"])
def test_an_unknown_name_is_an_attribute_error(name: str, unknown: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{name}' has no attribute '{unknown}'"):
        getattr(importlib.import_module(name), unknown)


def test_a_name_that_is_imported_for_types_only_is_not_public(tmp_path: Path) -> None:
    body = """
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from math import pi as pi, tau
    from json import dumps as write
def __getattr__(name):
    from harness.core import public_names
    return public_names.find(__name__, name)
"""
    (tmp_path / "lazy_package").mkdir()
    (tmp_path / "lazy_package" / "__init__.py").write_text(body, encoding="utf-8")
    code = "import lazy_package as p; print(p.__all__, p.pi, hasattr(p, 'tau'), hasattr(p, 'write'))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["['pi']", "3.141592653589793", "False", "False"]
