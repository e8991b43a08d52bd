"""Every table and column is described, the page is up to date, and every canned query runs."""

from __future__ import annotations

import importlib.util
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from harness.ledger.description import columns_of, datasette_metadata, read_description
from harness.ledger.store import Ledger
from tests.ledger.factory import fill, make_evaluation

ROOT = Path(__file__).parents[2]


@pytest.fixture
def connection(tmp_path):
    fill(tmp_path / "l.db", [make_evaluation("a"), make_evaluation("b", status="wrong", score=0.1)])
    opened = sqlite3.connect(tmp_path / "l.db")
    yield opened
    opened.close()


def test_each_column_is_described_and_nothing_else_is(connection):
    described = {name: set(table["columns"]) for name, table in read_description()["tables"].items()}
    there = {name: set(columns) for name, columns in columns_of(connection).items()}
    assert described.keys() == there.keys()
    for name, columns in there.items():
        if name in ("leaderboard", "left_out"):  # they say of themselves only what their tables do not say
            assert columns <= described[name]
        else:
            assert columns == described[name], name


def test_the_pages_are_up_to_date():
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs/reference.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    for name, page in script.PAGES.items():
        assert (ROOT / "docs" / name).read_text("utf-8") == page(), "run python docs/reference.py"


def test_every_query_runs(connection):
    queries = datasette_metadata("l")["databases"]["l"]["queries"]
    assert len(queries) == 8
    for query in queries.values():
        connection.execute(query["sql"], {"nodeid": "clamp.suite.yaml::a"} if ":nodeid" in query["sql"] else {})
    assert connection.execute(queries["failing"]["sql"]).fetchall()[0][0] == "clamp.suite.yaml::b"


def test_explore_serves_the_ledger_read_only(tmp_path, capfd, monkeypatch):
    from harness.cli import explore, main

    fill(tmp_path / "my.db", [make_evaluation("a")])
    if importlib.util.find_spec("datasette") is None:
        pytest.skip("datasette is not installed: pip install 'pytest-crucible[explore]'")
    assert main(["explore", "--ledger", str(tmp_path / "my.db"), "--get", "/my/leaders.json?_shape=array"]) == 0
    assert '"subject": "a"' in capfd.readouterr().out
    with closing(sqlite3.connect(tmp_path / "my.db")) as connection, connection:
        connection.execute("CREATE TABLE `<script>` AS SELECT char(27) || '[31m<b>red' AS `a\x1b[31m`")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert main(["explore", "--ledger", str(tmp_path / "my.db"), "--get", "/my/~3Cscript~3E"]) == 0
    page = capfd.readouterr().out
    assert "&lt;script&gt;: 1 row" in page
    assert "\x1b" not in page  # on a terminal
    command = explore.build_command(tmp_path / "my.db", tmp_path, port=0)
    assert command[command.index("--host") + 1] == "127.0.0.1"
    monkeypatch.setattr(explore.importlib.util, "find_spec", lambda name: None)
    assert main(["explore", "--ledger", str(tmp_path / "my.db")]) == 1
    assert "pip install 'pytest-crucible[explore]'" in capfd.readouterr().err
    with Ledger.read(tmp_path / "my.db") as ledger:
        assert len(ledger.rows("SELECT 1 FROM evaluations")) == 1
