"""Spec iteration in three examples: improve a grammar step by step, follow its versions, take a score apart.

Run: python examples/spec_iteration.py
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness.grammar.artifacts import RunArtifact, create_run_artifact
from harness.grammar.diff import diff_runs, find_best_run
from harness.grammar.patch import InsertField, Patch, UpdateField, path_to_string
from harness.grammar.scoring import compare_scores, find_best_scoring_run, score_run
from harness.grammar.tool_host import LintGrammarInput, ParseBinaryInput, ToolHost
from harness.grammar.version import SpecStore, SpecVersion

INITIAL = """\
# What the first look tells.
endian: big
types:
  Header:
    fields:
      - {name: magic, type: u16}
      - {name: version, type: u8}
"""
HEADER = ("types", "Header")


def sample(folder: Path) -> Path:
    """Sixty headers of six bytes and a cut-off one: magic, version, flags, count."""
    path = folder / "headers.bin"
    path.write_bytes(b"".join(struct.pack(">HBHB", 0x4D5A, 2, i % 7, i % 5) for i in range(61))[:-2])
    return path


def field(name: str, kind: str) -> InsertField:
    """A field at the end of the header."""
    return InsertField(HEADER, -1, {"name": name, "type": kind})


def read(version: SpecVersion, path: Path, name: str) -> RunArtifact:
    """A run: the file, read with a version of the grammar."""
    grammar = ToolHost.lint_grammar(LintGrammarInput(version.spec_text)).grammar
    result = ToolHost.parse_binary(ParseBinaryInput(grammar, path, max_records=100))
    return create_run_artifact(name, version.id, result, path, path.stat().st_size)


def basic_iteration(path: Path) -> Iterator[str]:
    """Three candidates, one of which is wrong and one of which is no patch; the complete header wins."""
    store = SpecStore()
    root = store.create_initial(INITIAL)
    baseline = read(root, path, "baseline")
    yield f"baseline: {score_run(baseline).summary}"
    candidates = {
        "complete": Patch((field("flags", "u16"), field("count", "u8")), "flags and count"),
        "wrong type": Patch((field("flags", "u32"),), "one number that is too wide"),
        "no such type": Patch((field("bad", "NonExistentType"),), "refused by lint"),
    }
    runs = []
    for name, patch in candidates.items():
        result = store.apply_patch(root.id, patch)
        if result.new_spec_id is None:
            yield f"{name}: refused: {'; '.join(result.errors)}"
            continue
        run = read(store.version(result.new_spec_id), path, name)
        runs.append(run)
        yield f"{name}: {score_run(run, baseline).total_score:.1f} of 100; {diff_runs(baseline, run).summary}"
    best, score = find_best_scoring_run(runs, baseline)
    by_difference, _ = find_best_run(baseline, runs)
    if best is not None and score is not None:
        yield f"best: {best.run_id} with {score.total_score:.1f}"
        yield f"by difference: {by_difference.run_id if by_difference is not None else 'none'}"


def version_lineage() -> Iterator[str]:
    """Each patch makes a version; the text keeps its comment, and every version knows where it comes from."""
    store = SpecStore()
    version = store.create_initial(INITIAL)
    root = version
    for patch in (
        Patch((field("flags", "u16"),), "flags"),
        Patch((field("count", "u8"),), "count"),
        Patch((UpdateField((*HEADER, "fields", 0), {"validate": {"equals": 0x4D5A}}),), "the magic number"),
    ):
        version = store.version(store.apply_patch(version.id, patch).new_spec_id or "")
        changed = path_to_string(patch.ops[0].path)
        yield f"{version.id} <- {version.parent_id}: {patch.description} (at {changed})"
    yield "lineage: " + " -> ".join(store.get_lineage(version.id))
    yield from store.diff_specs(root.id, version.id)
    yield version.spec_text.splitlines()[0]


def score_breakdown(path: Path) -> Iterator[str]:
    """What a score is made of, field by field, and the same run under the original's formula."""
    store = SpecStore()
    root = store.create_initial(INITIAL)
    patch = Patch((field("flags", "u16"), field("count", "u8")), "flags and count")
    runs = [
        read(version, path, name)
        for name, version in (
            ("stub", root),
            ("complete", store.version(store.apply_patch(root.id, patch).new_spec_id or "")),
        )
    ]
    scores = [score_run(run) for run in runs]
    for name, held in scores[1].hard_gates.items():
        yield f"gate {name}: {'passes' if held else 'fails'}"
    if scores[1].explanation is not None:
        for credit in scores[1].explanation.credits:
            yield f"{credit.type}.{credit.name}: {credit.credit:.2f} of {credit.bytes:g} bytes, {credit.why}"
    yield compare_scores(*scores)
    for run in runs:
        classic = score_run(run, policy="classic")
        yield f"classic, {run.run_id}: {classic.total_score:.1f}, {classic.summary}"


def main() -> None:
    """Run all three."""
    with tempfile.TemporaryDirectory() as folder:
        path = sample(Path(folder))
        examples = (
            ("Iteration", basic_iteration(path)),
            ("Lineage", version_lineage()),
            ("Score", score_breakdown(path)),
        )
        for title, lines in examples:
            print(f"== {title}")
            for line in lines:
                print(line)


if __name__ == "__main__":
    main()
