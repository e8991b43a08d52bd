"""Describe a binary format, read a file with it, improve the description by a patch, and compare the two readings.

Run: python examples/grammar_library.py
"""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path

from harness.grammar import (
    InsertField,
    Patch,
    RunArtifact,
    SpecStore,
    SpecVersion,
    create_run_artifact,
    diff_runs,
    load_grammar,
    parse_binary,
    score_run,
)

GRAMMAR = """\
endian: big
types:
  Reading:
    fields:
      - {name: magic, type: u16, validate: {equals: 0x4D5A}}
      - {name: sensor, type: u8}
"""


def read(version: SpecVersion, path: Path, name: str) -> RunArtifact:
    """Read the file with one version of the grammar."""
    result = parse_binary(load_grammar(version.spec_text), path)
    return create_run_artifact(name, version.id, result, path, path.stat().st_size)


def main() -> None:
    """Print what each version of the grammar finds."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "readings.bin"
        path.write_bytes(b"".join(struct.pack(">HBH", 0x4D5A, i % 4, 200 + i % 9) for i in range(100)))

        store = SpecStore()
        first = store.create_initial(GRAMMAR)
        before = read(first, path, "before")
        print(f"before: {before.stats.record_count} records, {before.stats.error_count} errors")
        print(f"  first error: {before.parse_result.errors[0]}")

        value = InsertField(("types", "Reading"), -1, {"name": "value", "type": "u16"})
        applied = store.apply_patch(first.id, Patch((value,), "the value of the sensor"))
        second = store.version(applied.new_spec_id or "")
        after = read(second, path, "after")
        print(f"after: {after.stats.record_count} records, {after.stats.error_count} errors")
        fields = after.parse_result.records[1].fields
        print("  second record:", {name: field.value for name, field in fields.items()})

        print(f"score: {score_run(before).total_score:.1f} before, {score_run(after).total_score:.1f} after")
        print(f"difference: {diff_runs(before, after).summary}")
        print(second.spec_text, end="")


if __name__ == "__main__":
    main()
