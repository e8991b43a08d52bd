"""A file is recognised by the magic numbers of grammars, and by nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.grammar.host.detection import detect, folders, magic_of
from harness.grammar.language.lint import lint_text

ROOT = Path(__file__).parents[3]
GRAMMARS = ROOT / "specs/grammars"
FORMATS = "ar bmp elf gif gzip ico mo pcap png pyc sqlite tar ttf tzif wav zip".split()


@pytest.mark.parametrize("name", FORMATS)
def test_the_shipped_samples_are_recognised(name: str) -> None:
    for path in sorted((ROOT / "specs/samples" / name).iterdir()):
        found = detect(path.read_bytes(), [GRAMMARS])
        assert found is not None
        assert found.stem in (name, f"{name}_complete", f"{name}_members")


def test_the_reader_of_magic_numbers_agrees_with_the_grammar() -> None:
    for path in GRAMMARS.glob("*.yaml"):
        grammar = lint_text(path.read_text()).grammar
        assert grammar is not None
        assert tuple(magic_of(path)) == grammar.magic


@pytest.mark.parametrize("data", [b"", b"P", b"plain text", bytes(1000)])
def test_other_files_are_not(data: bytes) -> None:
    assert detect(data, [GRAMMARS]) is None


def test_the_longest_constant_wins_and_folders_come_in_order(tmp_path: Path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    for folder, name, constant in ((first, "a", "AB"), (first, "b", "ABC"), (second, "c", "ABCD")):
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.yaml").write_text(f"title: x\nmagic:\n  - {{equals: {constant}}}\ntypes: {{}}\n")
    assert detect(b"ABCDE", [first, second]) == first / "b.yaml"
    assert detect(b"ABCDE", [second]) == second / "c.yaml"


@pytest.mark.parametrize(
    "text", ["magic: [", "magic: 3", "magic: [{at: x, equals: y}]", "magic: [{equals: 5}]", "magic: [3]", "\x80", ""]
)
def test_a_bad_grammar_recognises_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.yaml").write_bytes(text.encode("latin-1"))
    assert detect(b"yx", [tmp_path]) is None


def test_a_project_has_grammars_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "specs/grammars"
    own.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert folders()[0].resolve() == own


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("{at: -1, equals: x}", "wrong-value"),
        ("{equals: 300}", "wrong-value"),
        ("{equal: x}", "unknown-key"),
        ("[1]", "wrong-kind"),
    ],
)
def test_lint_reports_an_invalid_entry(entry: str, code: str) -> None:
    found = lint_text(f"endian: big\nmagic: [{entry}]\ntypes: {{T: {{fields: [{{name: a, type: u8}}]}}}}")
    assert code in [finding.code for finding in found.errors]
