"""`crucible spec` in an empty folder with absolute paths: its output, its files, its exit status."""

from __future__ import annotations

import io
import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.cli.spec import VERBS, inputs

ROOT = Path(__file__).parents[2]
PNG = ROOT / "specs/grammars/png.yaml"
FILES = sorted((ROOT / "specs/samples/png").glob("*.png"))
HELD = sorted((ROOT / "specs/samples/png_holdout").glob("*.png"))
HEADER = ROOT / "candidates/png_patches/header.patch.yaml"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def call(*words: object) -> int:
    return main(["spec", *map(str, words)])


def printed(capsys: pytest.CaptureFixture[str]) -> object:
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("action", VERBS)
def test_every_action_explains_itself(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(action, "--help") == 0
    assert f"crucible spec {action}" in capsys.readouterr().out


def test_lint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("lint", PNG) == 0
    capsys.readouterr()
    bad = tmp_path / "bad.yaml"
    bad.write_text("types:\n  T:\n    fields:\n      - {name: a, type: u33}\n      - {name: a, type: u8}\n")
    assert call("lint", bad) == 1
    out = capsys.readouterr().out
    assert f"{bad}:4:" in out
    assert "error" in out
    assert call("lint", bad, "--json") == 1
    found = printed(capsys)
    assert isinstance(found, dict)
    assert not found["success"]
    assert len(found["errors"]) >= 2
    assert call("parse", bad, FILES[0]) == 1
    assert f"{bad}:4:" in capsys.readouterr().err


def test_looking_at_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("parse", PNG, FILES[0], "--json") == 0
    tree = printed(capsys)
    assert isinstance(tree, dict)
    assert tree["records"][0]["fields"]["chunks"]["items"][0]["fields"]["kind"]["value"] == "IHDR"
    assert call("parse", PNG, FILES[0]) == 0
    assert "signature = 89 50 4e 47" in capsys.readouterr().out
    assert call("spans", PNG, FILES[0], "--end", "0x10", "--json") == 0
    spans = printed(capsys)
    assert isinstance(spans, dict)
    assert [span["offset"] for span in spans["spans"]] == [0, 8, 12]
    assert call("coverage", PNG, FILES[0], "--json") == 0
    coverage = printed(capsys)
    assert isinstance(coverage, dict)
    assert coverage["coverage_percentage"] == 100.0
    assert call("query", PNG, FILES[0], "--type", "Png") == 0
    assert "1 record (type=Png)" in capsys.readouterr().out
    assert call("query", PNG, FILES[0], "--type", "Chunk") == 0
    assert "records (type=Chunk)" in capsys.readouterr().out
    assert call("query", PNG, FILES[0], "--type", "Chunk", "--top") == 0
    assert "0 records (type=Chunk)" in capsys.readouterr().out
    assert call("query", PNG, FILES[0], "--type", "Chnk") == 4
    assert "did you mean 'Chunk'?" in capsys.readouterr().err
    assert call("hex", PNG, FILES[0], "--limit", "32") == 0
    assert capsys.readouterr().out.startswith("00000000  89 50 4e 47")
    assert call("decode", PNG, FILES[0], "--field", "nothing") == 1
    assert "not found" in capsys.readouterr().out


def test_the_grammar_is_found_by_the_files_first_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("parse", FILES[0], FILES[1], "--depth", "1") == 0
    out = capsys.readouterr().out
    assert out.count("signature = 89 50 4e 47") == 2
    assert f"== {FILES[1]}" in out
    assert call("query", FILES[0], "--where", 'type == "Header" and width == 8', "--json") == 0
    assert printed(capsys)["count"] == 1  # type: ignore[index]
    other = tmp_path / "other.bin"
    other.write_bytes(b"nothing known")
    assert call("hex", other) == 4
    assert "no grammar has the magic number" in capsys.readouterr().err
    assert call("hex", tmp_path / "missing") == 4
    assert "No such file" in capsys.readouterr().err
    assert call("spans", PNG, FILES[0], FILES[1]) == 4
    assert "2 files are given" in capsys.readouterr().err


def test_a_part_of_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("parse", PNG, FILES[0], "--path", "chunks[-1].kind") == 0
    assert capsys.readouterr().out.startswith('chunks[-1].kind = "IEND"')
    assert call("parse", PNG, FILES[0], "--path", "chunks[0]", "--json") == 0
    assert printed(capsys)["value"]["fields"]["kind"]["value"] == "IHDR"  # type: ignore[index]
    assert call("parse", PNG, FILES[0], "--path", "chunk[0]") == 4
    assert "did you mean 'chunks'?" in capsys.readouterr().err
    assert call("decode", PNG, FILES[0], "--field", "chunks[1].kind") == 0
    assert capsys.readouterr().out.strip() == "pHYs"


def test_standard_input(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for words, status in ((("parse", PNG, "-"), 0), (("coverage", PNG, "-"), 0), (("parse", "-"), 4)):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(FILES[0].read_bytes())))
        assert call(*words) == status
    shown = capsys.readouterr()
    assert "signature = 89 50 4e 47" in shown.out
    assert "(100.0%)" in shown.out
    assert "name a grammar before -" in shown.err


def test_of_a_large_file_only_what_is_shown_is_parsed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The number of parsed bytes is reported, and coverage counts also what exceeds the limits of a parse."""
    grammar, large = tmp_path / "r.yaml", tmp_path / "large.bin"
    grammar.write_text("endian: little\ntypes: {R: {fields: [{name: a, type: u32}, {name: b, type: u32}]}}\n")
    with large.open("wb") as file:
        file.truncate(3_000_000 * 8)
    assert call("hex", grammar, large, "--limit", "64", "--json") == 0
    assert len(printed(capsys)["stretches"]) == 16  # type: ignore[index, arg-type]
    assert call("parse", grammar, large, "--items", "2") == 0
    shown = capsys.readouterr()
    assert "32766 more records" in shown.out
    assert "only the first 262144 bytes of 24000000 were parsed" in shown.err
    assert call("spans", grammar, large, "--end", "16", "--json") == 0
    assert len(printed(capsys)["spans"]) == 4  # type: ignore[index, arg-type]
    assert call("coverage", grammar, large) == 0
    assert "24000000 of 24000000 bytes covered (100.0%)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "shown"), [([], 100), (["--items", "3"], 3), (["--all"], 120), (["--path", "numbers", "--all"], 120)]
)
def test_json_has_as_many_items_as_were_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], shown: int
) -> None:
    types = "T: {fields: [{name: numbers, type: N, repeat: 120}]}, N: {fields: [{name: number, type: u8}]}"
    (tmp_path / "g.yaml").write_text(f"root: T\nframing: {{repeat: once}}\ntypes: {{{types}}}\n")
    (tmp_path / "data").write_bytes(bytes(120))
    assert call("parse", "g.yaml", "data", "--json", *options) == 0
    found: Any = printed(capsys)
    numbers = found["value"] if "value" in found else found["records"][0]["fields"]["numbers"]
    assert (len(numbers["items"]), numbers.get("more", 0)) == (shown, 120 - shown)


def test_a_parse_that_takes_long_reports_how_far_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "zeros").write_bytes(bytes(6_000))
    gif = ROOT / "specs/grammars/gif.yaml"
    monkeypatch.setattr(inputs, "PROGRESS_S", math.inf)
    assert call("coverage", gif, "zeros") == 0
    assert "read in" not in capsys.readouterr().err
    monkeypatch.setattr(inputs, "PROGRESS_S", 0.0)
    for verb in ("coverage", "spans", "query", "score"):
        assert call(verb, gif, "zeros") == 0
        reached = re.findall(r"note: zeros: (\d+)% of 6000 bytes read in \d+ s", capsys.readouterr().err)
        shares = [int(share) for share in reached]
        assert len(shares) > 3
        assert shares == sorted(shares)
        assert 50 < shares[-1] <= 100


def test_a_damaged_file_is_read_as_far_as_it_goes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut = tmp_path / "cut.png"
    cut.write_bytes(FILES[0].read_bytes()[:60])
    assert call("parse", PNG, cut) == 1
    message = capsys.readouterr()
    assert "signature" in message.out
    assert "Parse error at 0x" in message.err


def test_patching_and_comparing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "better.yaml"
    assert call("patch", PNG, HEADER, "--out", out) == 0
    assert PNG.read_text().splitlines()[0] in out.read_text()
    capsys.readouterr()
    assert call("diff", PNG, out) == 0
    assert "Added type: Header" in capsys.readouterr().out
    assert call("diff", PNG, out, "--as-patch") == 0
    made = tmp_path / "made.patch.yaml"
    made.write_text(capsys.readouterr().out)
    again = tmp_path / "again.yaml"
    assert call("patch", PNG, made, "--out", again) == 0
    capsys.readouterr()
    assert call("diff", out, again) == 0
    assert capsys.readouterr().out == "0 changes\n"
    bad = tmp_path / "bad.patch.yaml"
    bad.write_text('[{op: delete_field, path: "types.Png.fields[9]"}]')
    assert call("patch", PNG, bad) == 1
    assert "Field index 9 out of range" in capsys.readouterr().err


def test_scoring(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("score", PNG, *FILES, "--holdout", *HELD, "--json") == 0
    found = printed(capsys)
    assert isinstance(found, dict)
    assert 0 < found["holdout"]["score"] < 1
    assert call("score", PNG, *FILES, "--policy", "classic") == 0
    assert capsys.readouterr().out.count("100.0/100") == len(FILES)


def test_improving_and_the_versions_that_came_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stub, out, ledger = tmp_path / "stub.yaml", tmp_path / "out.yaml", tmp_path / "l.db"
    stub.write_text("types: {File: {fields: [{name: magic, type: u32}]}}\n")
    words = [
        "improve",
        stub,
        *FILES,
        "--holdout",
        *HELD,
        "--iterations",
        "1",
        "--out",
        out,
        "--ledger",
        ledger,
        "--json",
    ]
    assert call(*words) == 0
    found = printed(capsys)
    assert isinstance(found, dict)
    assert found["score"][1] > found["score"][0] + 10
    assert found["holdout"][1] > found["holdout"][0] + 10
    assert call("versions", "--ledger", ledger, "--json") == 0
    kept = printed(capsys)
    assert isinstance(kept, dict)
    assert kept["branches"] == {"stub": found["best"]}
    assert call("versions", "stub", "--ledger", ledger) == 0
    assert capsys.readouterr().out == out.read_text()


def test_kaitai_and_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ksy, back = tmp_path / "table.ksy", tmp_path / "back.yaml"
    source = tmp_path / "table.yaml"
    source.write_text("endian: big\ntypes: {Row: {fields: [{name: id, type: u16}, {name: value, type: u32}]}}\n")
    assert call("export-ksy", source, "--out", ksy) == 0
    assert call("import-ksy", ksy, "--out", back) == 0
    capsys.readouterr()
    assert call("lint", back) == 0


@pytest.mark.parametrize(
    "words",
    [
        ("lint", "nowhere.yaml"),
        ("parse", PNG, "nowhere.bin"),
        ("patch", PNG, "nowhere.patch.yaml"),
        ("query", PNG, FILES[0], "--type", "A", "--has-field", "b"),
        ("decode", PNG, FILES[0], "--record", "7"),
        ("import-ksy", "nowhere.ksy"),
        ("bogus",),
        (),
    ],
)
def test_wrong_usage_says_what_and_ends_with_4(words: tuple[object, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert call(*words) == 4
    assert capsys.readouterr().err


def test_a_patch_between_two_grammars_gives_the_second_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    complete = ROOT / "specs/grammars/png_complete.yaml"  # another `magic`, which has a byte that YAML escapes
    assert call("diff", "--as-patch", PNG, complete) == 0
    (tmp_path / "p.yaml").write_text(capsys.readouterr().out, encoding="utf-8")
    assert call("patch", PNG, tmp_path / "p.yaml", "--out", tmp_path / "new.yaml") == 0
    capsys.readouterr()
    assert call("diff", tmp_path / "new.yaml", complete) == 0
    assert capsys.readouterr().out == "0 changes\n"
