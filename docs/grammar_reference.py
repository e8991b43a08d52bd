"""Write docs/grammar-reference.md from the table of keys and from examples, which are parsed to show their results.

python docs/grammar_reference.py            # write the page
python docs/grammar_reference.py --check    # exit 1 if it is not up to date
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from harness.core.document import read_document
from harness.grammar.checksums import ALGORITHMS
from harness.grammar.engine.node import Leaf, Record
from harness.grammar.engine.parser import parse
from harness.grammar.language import constructs
from harness.grammar.language.constructs import Key
from harness.grammar.language.decoders import DECODERS, DecodeError, decode
from harness.grammar.language.encodings import ENCODINGS
from harness.grammar.language.evaluation import FUNCTIONS
from harness.grammar.language.lint import lint_text
from harness.grammar.language.operations import METHODS
from harness.grammar.language.primitive import NAMES
from harness.grammar.processing import PROCESSORS

HERE = Path(__file__).parent
PAGE = HERE / "grammar-reference.md"
EXAMPLES = HERE / "grammar-examples.yaml"
TABLES: dict[str, tuple[str, str, dict[str, Key]]] = {
    "grammar": ("Grammar", "The keys of a grammar file.", constructs.GRAMMAR),
    "magic": ("Magic", "The keys of an entry of `magic`.", constructs.MAGIC),
    "type": ("Type", "The keys of a type, an entry of `types`.", constructs.TYPE),
    "field": ("Field", "The keys of a field, an element of `fields` or `instances`.", constructs.FIELD),
    "switch": ("Switch", "The keys of `switch`, and of the `endian` of a type if it is a switch.", constructs.SWITCH),
    "validate": ("Validate", "The keys of `validate`.", constructs.VALIDATE),
    "checksum": ("Checksum", "The keys of `checksum`.", constructs.CHECKSUM),
    "decode": ("Decode", "The keys of `decode`, if it is a mapping.", constructs.DECODE),
    "record_switch": ("Record switch", "The keys of `record.switch`.", constructs.RECORD_SWITCH),
    "registry": ("Registry", "The keys of an entry of `registry`.", constructs.REGISTRY_ENTRY),
}
HEAD = "endian: big\nframing: {repeat: once}\ntypes:\n  T:\n    fields:\n"


def examples() -> list[dict[str, Any]]:
    """Load the examples in the order of the page."""
    return list(read_document(EXAMPLES).value)


def grammar_of(example: dict[str, Any]) -> str:
    """Return the complete grammar of an example."""
    if "grammar" in example:
        return str(example["grammar"])
    return HEAD + "".join(f"      {line}\n" for line in str(example["fields"]).splitlines())


def read(example: dict[str, Any]) -> tuple[list[Any], list[str]]:
    """Parse an example; return its records as JSON values, and its errors.

    Raises:
        ValueError: it does not pass lint.
    """
    lint = lint_text(grammar_of(example))
    if lint.grammar is None:
        raise ValueError(f"{example['title']}: {lint.errors[0]}")
    found = parse(lint.grammar, bytes.fromhex(str(example["data"])))
    return [plain(record) for record in found.records], [str(error) for error in found.errors]


def plain(value: Any) -> Any:
    """Convert a value to JSON values; bytes become hexadecimal digits between `<` and `>`."""
    if isinstance(value, Record):
        return {name: shown(node) for name, node in value.nodes.items()}
    if isinstance(value, bytes):
        return f"<{value.hex()}>"
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def shown(node: Any) -> Any:
    """Return a node's value, decoded if its field has a decoder."""
    how = node.field.decode if isinstance(node, Leaf) else None
    if how is None:
        return plain(node.value)
    try:
        return decode(node.value, how.decoder, big=how.big is not False, encoding=how.encoding)
    except DecodeError as error:
        return f"{plain(node.value)} ({error})"


def uncovered(found: list[dict[str, Any]]) -> list[str]:
    """List the constructs that have no example."""
    shows = {name for example in found for name in example.get("shows", ())}
    text = "\n".join(grammar_of(example) for example in found)
    missing = [
        f"{part}.{key}" for part, (_, _, table) in TABLES.items() for key in table if f"{part}.{key}" not in shows
    ]
    words = (*NAMES, *METHODS, *FUNCTIONS, *DECODERS, *ALGORITHMS, *PROCESSORS)
    return missing + [word for word in dict.fromkeys(words) if not re.search(rf"\b{word}(le|be)?\b", text)]


def shape(schema: dict[str, Any]) -> str:
    """Describe the shape of a key's value in words."""
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return " or ".join(f"`{each}`" for each in schema["enum"])
    if "$ref" in schema:
        return f"a {schema['$ref'].rpartition('/')[2]}"
    if "anyOf" in schema:
        return ", or ".join(dict.fromkeys(shape(each) for each in schema["anyOf"]))
    kind = schema.get("type")
    if isinstance(kind, list):
        return "expression"
    if kind == "array":
        return f"list of {shape(schema.get('items', {}))}"
    if kind == "object":
        return "mapping"
    return {"string": "string", "boolean": "true or false", "integer": "number"}.get(str(kind), "value")


def page() -> str:
    """Generate the page.

    Raises:
        ValueError: an example does not pass lint, or a construct has no example.
    """
    found = examples()
    missing = uncovered(found)
    if missing:
        raise ValueError(f"no example shows: {', '.join(missing)}")
    lines = [
        "# The grammar language: reference",
        "",
        "Generated by `python docs/grammar_reference.py` from the table that lint and the JSON Schema use. Each",
        "example shows a grammar, bytes in hexadecimal, and the result of parsing them. Bytes in a result are `<hex>`.",
        "An example with only fields is one big-endian type that is read once.",
        "",
    ]
    for part, (title, text, table) in TABLES.items():
        lines += [f"## {title}", "", text, "", "| key | value | meaning | example |", "|---|---|---|---|"]
        for key, entry in table.items():
            where = next(e["title"] for e in found if f"{part}.{key}" in e.get("shows", ()))
            anchor = re.sub(r"[^a-z0-9 -]", "", where.lower()).replace(" ", "-")
            lines.append(f"| `{key}` | {shape(entry.schema)} | {entry.doc} | [{where}](#{anchor}) |")
        lines.append("")
    last = ""
    for example in found:
        if example["part"] != last:
            last = example["part"]
            lines += [f"## {last}", ""]
            if last == "Types":
                lines += [
                    f"Encodings of text: {', '.join(ENCODINGS)}; the usual aliases of these are accepted, too.",
                    "",
                ]
        records, errors = read(example)
        body = "\n".join(json.dumps(record, ensure_ascii=False) for record in records)
        lines += [f"### {example['title']}", "", example["text"], "", "```yaml"]
        lines += str(example.get("grammar") or example["fields"]).rstrip().splitlines()
        lines += ["```", "", f"`{example['data']}` reads as", "", "```json", body, "```", ""]
        if errors:
            lines += ["and reports", "", "```text", *errors, "```", ""]
    return "\n".join(lines).rstrip() + "\n"


def main() -> int:
    """Write the page, or check with `--check` that it is up to date."""
    text = page()
    if "--check" in sys.argv[1:]:
        same = PAGE.is_file() and PAGE.read_text("utf-8") == text
        print("up to date" if same else f"{PAGE} is not what `python docs/grammar_reference.py` writes")
        return 0 if same else 1
    PAGE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
