"""The rules of the house that a machine can check."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "harness").rglob("*.py"))
LONGEST = 350
"""Lines; a file that needs more holds more than one noun."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_is_small_says_what_it_is_and_asserts_nothing(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert text.count("\n") <= LONGEST
    assert ast.get_docstring(tree), "a module says in one sentence what it is"
    assert not any(isinstance(node, ast.Assert) for node in ast.walk(tree)), "python -O removes bare asserts"
    assert path.stem not in ("utils", "util", "helpers", "common", "misc")


def test_constraints_name_every_dependency() -> None:
    import tomllib

    pinned = {
        line.split("==")[0].strip().lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line and not line.startswith("#")
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["kernels"], *extras["dev"]]
    names = {wish.split(";")[0].split(">")[0].split("=")[0].split("<")[0].strip().lower() for wish in wanted}
    assert names - pinned == set()


def test_every_dependency_is_argued() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    argued = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8").lower()
    wishes = [
        *project["dependencies"],
        *(wish for extra in project["optional-dependencies"].values() for wish in extra),
    ]
    for wish in wishes:
        name = wish.split(";")[0].split(">")[0].split("=")[0].split("<")[0].strip().lower()
        assert name in argued, f"{name} has no line in docs/dependencies.md"
