"""Programs and sessions for tests of the machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.dsl.analysis.load import load_source
from harness.dsl.ir import Program
from harness.dsl.machine.session import Session
from harness.dsl.machine.settings import RunSettings
from harness.sandbox.pool import BoxPool
from tests.script_provider import ScriptProvider

RICH = Path(__file__).with_name("rich.spak")

Start = Callable[..., Session]


@pytest.fixture(scope="session")
def boxes() -> Iterator[BoxPool]:
    with BoxPool() as pool:
        yield pool


@pytest.fixture(scope="session")
def rich() -> Program:
    return load_source(RICH.read_text(), path="rich.spak", entry="Main", cache=False)


@pytest.fixture
def start(tmp_path: Path, boxes: BoxPool) -> Iterator[Start]:
    """Begin a run of a program or a text in a fresh folder; everything is closed afterwards."""
    opened: list[Session] = []

    def begin(program: Program | str, *, folder: str = "run", answers: list[str] | None = None, **more: Any) -> Session:
        if isinstance(program, str):
            program = load_source(program, path="test.spak", cache=False)
        settings = {"live": True} | more.pop("settings", {})
        provider = ScriptProvider(in_order=answers) if answers is not None else None
        session = Session.start(
            program, tmp_path / folder, settings=RunSettings.from_wire(settings), provider=provider, boxes=boxes, **more
        )
        opened.append(session)
        return session

    yield begin
    for session in opened:
        session.close()
