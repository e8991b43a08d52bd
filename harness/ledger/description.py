"""Description: what the tables and columns of a ledger mean, for `crucible explore` and docs/ledger.md."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("description.yaml")


def read_description() -> dict[str, Any]:
    """The description: `title`, `description`, `tables` and `queries`; views describe only what is theirs."""
    import yaml

    found: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    tables = found["tables"]
    for view in ("leaderboard", "left_out"):
        tables[view]["columns"] = tables["evaluations"]["columns"] | tables[view]["columns"]
    return found


def datasette_metadata(database: str) -> dict[str, Any]:
    """The description as Datasette's metadata for a database of this name."""
    found = read_description()
    queries = {name: dict(query) for name, query in found["queries"].items()}
    return {
        "title": found["title"],
        "description": found["description"],
        "databases": {database: {"tables": found["tables"], "queries": queries}},
    }


def columns_of(connection: sqlite3.Connection) -> dict[str, list[str]]:
    """The tables and views of a ledger with their columns; SQLite's and sqlite-utils' own are left out."""
    rows = connection.execute(
        """SELECT name FROM sqlite_master
           WHERE type IN ('table', 'view') AND substr(name, 1, 1) <> '_' ORDER BY type, name"""
    )
    return {
        name: [column[1] for column in connection.execute(f"PRAGMA table_info({name})")]
        for (name,) in rows.fetchall()
        if not name.startswith("sqlite_")
    }


HEAD = """\
# The ledger

{description}

```console
$ crucible explore          # in the browser, read-only: pip install 'pytest-crucible[explore]'
$ sqlite3 reports/ledger.db 'SELECT * FROM leaderboard'
```

This page is generated: `python docs/reference.py` reads the schema and `harness/ledger/description.yaml`.
"""


def reference(connection: sqlite3.Connection) -> Iterator[str]:
    """The lines of docs/ledger.md for the schema of an open ledger."""
    found = read_description()
    yield HEAD.format(description=found["description"])
    for table, columns in columns_of(connection).items():
        described = found["tables"][table]
        yield from (f"## {table}", "", described["description"], "", "| column | meaning |", "|---|---|")
        yield from (f"| `{column}` | {described['columns'][column]} |" for column in columns)
        yield ""
    yield from ("## Queries", "", "`crucible explore` offers these.", "")
    for query in found["queries"].values():
        yield from (f"### {query['title']}", "", "```sql", query["sql"], "```", "")
