"""Write docs/ledger.md and docs/reference.md from the code: schema, options, keys of suites, hooks, verbs.

python docs/reference.py            # write the pages
"""

from __future__ import annotations

import inspect
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.cli import VERBS
from harness.cli.schema import DocumentedSchema, build_schema
from harness.hooks import BUILT_IN, Hooks
from harness.ledger.description import reference
from harness.ledger.store import Ledger
from harness.plugin import _OPTIONS
from harness.suites.settings import Project

HERE = Path(__file__).parent
HEAD = """\
# Reference

This page is generated: `python docs/reference.py`. The ledger has [a page of its own](ledger.md), as have
[gates](gates.md), the [grammar language](grammar-reference.md) and the [step language](dsl-reference.md).
"""


def ledger_page() -> str:
    """The text of docs/ledger.md."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        Ledger.open(path).close()
        connection = sqlite3.connect(path)
        try:
            return "\n".join(reference(connection)).rstrip() + "\n"
        finally:
            connection.close()


def reference_page() -> str:
    """The text of docs/reference.md."""
    parts = [HEAD, *_options(), *_suites(), *_hooks(), *_verbs()]
    return "\n".join(parts).rstrip() + "\n"


def _options() -> Iterator[str]:
    yield "## Options of pytest\n\n| option | meaning |\n|---|---|"
    for name, settings in _OPTIONS.items():
        yield f"| `{name}{' ' + settings['metavar'] if 'metavar' in settings else ''}` | {_cell(settings['help'])} |"
    yield "\n## Keys of `[tool.crucible]` in pyproject.toml\n\n| key | meaning |\n|---|---|"
    properties = Project.model_json_schema(schema_generator=DocumentedSchema)["properties"]
    for name, about in properties.items():
        option = _OPTIONS.get(f"--{name.replace('_', '-')}", {"help": "as the key of a suite, where one has none"})
        yield _key(name, about if "description" in about else {"description": option["help"]})
    yield ""


def _suites() -> Iterator[str]:
    schemas = {lane: build_schema("suite", lane=lane)["properties"] for lane in BUILT_IN}
    common = set.intersection(*(set(keys) for keys in schemas.values()))
    yield "## Keys of every suite\n\n| key | meaning |\n|---|---|"
    first = next(iter(schemas.values()))
    yield from (_key(name, first[name]) for name in first if name in common)
    for lane, keys in schemas.items():
        yield f"\n## Keys of a suite of the lane {lane}\n\n| key | meaning |\n|---|---|"
        yield from (_key(name, about) for name, about in keys.items() if name not in common)
    yield ""


def _key(name: str, about: dict[str, Any]) -> str:
    default = about.get("default")
    shown = "" if default in (None, "", [], {}, ()) else f" Default: `{default}`."
    return f"| `{name}` | {_cell(about.get('description', ''))}{shown} |"


def _hooks() -> Iterator[str]:
    yield "## Hooks\n\nImplement any of them with `@harness.hookimpl`, in a `conftest.py` or a package.\n"
    for name, hook in vars(Hooks).items():
        if name.startswith("crucible_"):
            signature = str(inspect.signature(hook)).replace("self, ", "").replace("self", "").replace("'", "")
            yield f"### {name}\n\n```python\ndef {name}{signature}: ...\n```\n\n{inspect.getdoc(hook)}\n"


def _verbs() -> Iterator[str]:
    yield "## Verbs\n\n| verb | what it does |\n|---|---|"
    for verb in VERBS:
        text = (HERE.parent / f"harness/cli/{verb.replace('-', '_')}").with_suffix(".py")
        source = text if text.exists() else HERE.parent / f"harness/cli/{verb}/__init__.py"
        sentence = source.read_text("utf-8").partition('"""')[2].partition("\n")[0].rstrip('"')
        yield f"| `crucible {verb}` | {_cell(sentence)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


PAGES = {"ledger.md": ledger_page, "reference.md": reference_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (HERE / name).write_text(page(), encoding="utf-8")
        print(f"wrote {HERE / name}")
