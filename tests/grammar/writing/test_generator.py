"""Generated files are valid, new, repeatable, and accepted by readers that know no grammar."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from harness.cli import main
from harness.grammar import WriteError, generate, lint_text
from harness.grammar.engine.parser import parse

SPECS = Path(__file__).parents[3] / "specs"


@pytest.mark.parametrize("name", ["png", "gzip", "gif", "wav", "bmp", "mo", "ar", "pcap"])
def test_generated_files_are_valid_and_new(name: str) -> None:
    grammar = lint_text((SPECS / f"grammars/{name}.yaml").read_text()).grammar
    assert grammar is not None
    samples = [path.read_bytes() for path in sorted((SPECS / "samples" / name).iterdir())]
    made = list(generate(grammar, samples, count=4, seed=3))
    assert len(made) >= 3
    assert not [fault for data in made for fault in parse(grammar, data).errors]
    assert len({*made, *samples}) == len(made) + len(samples)
    assert made == list(generate(grammar, samples, count=4, seed=3))
    assert made != list(generate(grammar, samples, count=4, seed=4))
    if name == "gzip":
        assert all(gzip.decompress(data) is not None for data in made)


def test_without_a_valid_sample_nothing_is_generated() -> None:
    grammar = lint_text("endian: big\nframing: {repeat: once}\ntypes: {T: {fields: [{name: a, type: u32}]}}").grammar
    assert grammar is not None
    with pytest.raises(WriteError, match="no sample is valid"):
        list(generate(grammar, [b"a"], count=1, seed=0))
    assert len(list(generate(grammar, [b"abcd"], count=3, seed=0))) == 3


def test_the_verbs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    png = sorted((SPECS / "samples/png").glob("*.png"))[0]
    out = tmp_path / "new.png"
    assert main(["spec", "set", str(png), "chunks[0].body.width=0x20", "--out", str(out)]) == 0
    assert "chunks[0].body.width: 8 → 32" in capsys.readouterr().out
    assert main(["spec", "parse", str(out), "--path", "chunks[0].body.width"]) == 0
    assert "width = 32" in capsys.readouterr().out
    for words, why in (
        (["chunks[0].body.width=x"], "not a number"), (["chunks[0].body.widht=1"], "did you mean"),
        ([], "a change is missing"),
        (["chunks[0]"], "not a change"), (["chunks[0].body.width=0"], "would not be valid"),
    ):  # fmt: skip
        assert main(["spec", "set", str(png), *words, "--out", str(tmp_path / "not.png")]) == 4
        assert why in capsys.readouterr().err
    assert not (tmp_path / "not.png").exists()
    folder = tmp_path / "more"
    assert main(["spec", "generate", str(png), "--out", str(folder), "--count", "3"]) == 0
    assert len(list(folder.iterdir())) == 3
