"""Write docs/ledger.md from the schema of an empty ledger and from harness/ledger/description.yaml.

python docs/ledger_reference.py            # write the page
"""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path

from harness.ledger.description import reference
from harness.ledger.store import Ledger

PAGE = Path(__file__).with_name("ledger.md")


def page() -> str:
    """The text of the page."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        Ledger.open(path).close()
        connection = sqlite3.connect(path)
        try:
            return "\n".join(reference(connection)).rstrip() + "\n"
        finally:
            connection.close()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")
