"""Collection: a suite of spec patches becomes one case for each patch file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.core.case import Case, Subject, line_of
from harness.core.digest import digest_bytes
from harness.core.document import read_document
from harness.core.errors import SpecError, SuiteError, position
from harness.core.named_path import read_file
from harness.core.slug import slug
from harness.grammar.editing.frozen import freeze
from harness.grammar.language.finding import path_to_string
from harness.grammar.language.grammar import Grammar
from harness.grammar.language.lint import lint_value
from harness.lane.pinned_file import pin, read_text_file
from harness.lanes.spec.options import SpecOptions
from harness.suites.suite import Suite

MAX_PATCH = 1 << 20  # bytes of a patch
MAX_SAMPLE = 64 << 20  # bytes of a sample or hold-out file


def collect_cases(suite: Suite, *, lane: str) -> list[Case]:
    """Make one case of each patch file, in the order of the suite's globs.

    Args:
        suite: A suite whose options are `SpecOptions`.

    Raises:
        SuiteError: if the suite names missing files, or a file is both a sample and a hold-out.
        SpecError: if the grammar is wrong or a sample is too large.
    """
    options = suite.options
    if not isinstance(options, SpecOptions):
        raise TypeError(type(options).__name__)
    grammar = suite.resolve(options.grammar, "grammar")
    data = read_file(grammar)
    read_grammar(grammar)
    samples = [pin_sample(path) for path in suite.glob(options.samples, "samples", follow_links=True)]
    holdout = (
        [pin_sample(path) for path in suite.glob(options.holdout, "holdout", follow_links=True)]
        if options.holdout
        else []
    )
    _refuse_shared_files(samples, holdout, suite)
    inputs = {
        "grammar": {"path": str(grammar), "digest": digest_bytes(data)},
        "samples": samples,
        "holdout": holdout,
        "policy": options.policy,
    }
    cases = []
    for path in suite.glob(options.patches, "patches"):
        stem = path.name.split(".")[0]
        patch = read_text_file(path, max_bytes=MAX_PATCH)
        subject = Subject(name=stem, digest=patch.digest, path=str(path))
        first = line_of(r"^\s*-\s*\{?\s*op:", patch.data.decode("utf-8"))
        name = slug(stem)
        cases.append(
            Case(
                lane=lane,
                suite=suite.name,
                name=name,
                title=f"{stem} on {grammar.stem}",
                subject=subject.model_copy(update={"parents": (digest_bytes(data),), "line": first}),
                inputs=inputs,
                policy=suite.policy,
                line=suite.line("expect", name) or suite.line("patches"),
            )
        )
    return cases


def read_grammar(path: Path) -> tuple[Any, Grammar]:
    """Read a trusted grammar: its document's frozen value, and the grammar that lint built.

    Raises:
        SpecError: with the position of the first lint error.
        SuiteError: if the file cannot be read or is not YAML.
    """
    document = read_document(path)
    found = lint_value(document.value, positions=document.positions)
    if found.grammar is None:
        first, more = found.errors[0], len(found.errors) - 1
        what = f"{path_to_string(first.path)}: {first.message}" + (f" (and {more} more)" if more else "")
        raise SpecError(what, where=position(path, first.line or None, first.column or None), fix=first.hint)
    return freeze(document.value), found.grammar


def _refuse_shared_files(samples: list[dict[str, str]], holdout: list[dict[str, str]], suite: Suite) -> None:
    """Refuse a hold-out file that is also a sample: the author of a patch has seen it."""
    seen = {entry["digest"]: entry["path"] for entry in samples}
    for entry in holdout:
        if entry["digest"] in seen:
            what = f"the holdout file {entry['path']} is also a sample: {seen[entry['digest']]}"
            where = suite.where("holdout")
            raise SuiteError(what, where=where, fix="keep the two sets apart: a patch was made for its samples")


def pin_sample(path: Path) -> dict[str, str]:
    """Name a sample by its path and the SHA-256 of its bytes.

    Raises:
        SpecError: if it is larger than MAX_SAMPLE.
    """
    if path.stat().st_size > MAX_SAMPLE:
        raise SpecError(f"larger than {MAX_SAMPLE >> 20} MiB", where=str(path), fix="choose a smaller sample")
    return pin(path)
