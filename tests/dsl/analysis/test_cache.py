"""The cache of checked programs returns what the checker returns."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.dsl.analysis import cache
from harness.dsl.analysis.load import check_source, load_source
from harness.dsl.ir.codec import decode, encode

ROOT = Path(__file__).parents[3]
PROGRAMS = [*sorted((ROOT / "specs/programs").glob("*.spak")), ROOT / "tests/dsl/machine/rich.spak"]
TEXT = """const UNUSED = -0.5
type R matches { a: int, b: "x" | "y", c: [float]? }
task T { let x: R = {a: 1, b: "x"} step s { x = {a: 2, b: "y"} } success: x.a == 2 }"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "crucible/dsl"


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_cached_program_equals_the_checked_one(path: Path, folder: Path) -> None:
    text = path.read_text()
    fresh = check_source(text, path="p", inputs=("extra",), cache=False)
    assert check_source(text, path="p", inputs=("extra",)) == fresh
    assert len(list(folder.iterdir())) == 1
    assert check_source(text, path="p", inputs=("extra",)) == fresh
    known = check_source(text, path="other name", inputs=("extra",))[0]
    assert known is not None
    assert (known.path, known.source) == ("other name", text)


def test_the_cache_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_source(TEXT)
    monkeypatch.setattr("harness.dsl.language.parser.parse", None)
    program, found = check_source(TEXT)
    assert program is not None
    assert [d.code for d in found] == ["W501"]
    with pytest.raises(TypeError):
        load_source(TEXT + " ")  # another source is another program


def test_arguments_of_the_check_are_part_of_the_key(folder: Path) -> None:
    text = "task A { step s { let x = 1 } } task B { step s { let y = 1 } }"
    assert load_source(text).main == 0
    assert load_source(text, entry="B").main == 1
    assert load_source(text, inputs=("z",)).state != load_source(text).state
    assert len(list(folder.iterdir())) == 3


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "cut": lambda data: data[:-1],
    "one bit": lambda data: data[:-20] + bytes([data[-20] ^ 1]) + data[-19:],
    "no checksum": lambda data: data[65:],
    "nothing known": lambda data: b"{}",
    "deep": lambda data: b"[" * 100_000,
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_entry_is_ignored_and_replaced(how: str, folder: Path) -> None:
    program = load_source(TEXT)
    (entry,) = folder.iterdir()
    good = entry.read_bytes()
    entry.write_bytes(DAMAGE[how](good))
    assert load_source(TEXT) == program
    assert entry.read_bytes() == good


@pytest.mark.parametrize(
    "body", [[[], ["r"]], [[], [99, 1]], [[], [-1]], [[], ["z", 1]], [[], ["s", 5]], [[], 7], [], None, [[[]], []],
             [[], ["t", 1, 2]], [[], ["e", "Path", "/"]], [[], ["e", "Kind", "file"]]], ids=str
)  # fmt: skip
def test_a_valid_checksum_over_an_invalid_program_is_ignored(body: object, folder: Path) -> None:
    program = load_source(TEXT)
    (entry,) = folder.iterdir()
    key = cache.compute_key(TEXT, inputs=(), entry="")
    data = json.dumps(body).encode()
    entry.write_bytes(cache._checksum(key, data) + b"\n" + data)
    assert load_source(TEXT) == program


def test_an_entry_under_another_name_is_not_used(folder: Path) -> None:
    load_source(TEXT)
    (entry,) = folder.iterdir()
    other = TEXT.replace("== 2", "== 3")
    (folder / f"{cache.compute_key(other, inputs=(), entry='')[:40]}.json").write_bytes(entry.read_bytes())
    assert load_source(other).source == other
    assert load_source(other).units[0].success != load_source(TEXT).units[0].success


def test_an_entry_that_others_can_write_is_not_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = cache.compute_key(TEXT, inputs=(), entry="")
    load_source(TEXT)
    (entry,) = folder.iterdir()
    assert cache.load(key, TEXT, "p") is not None
    entry.chmod(0o666)
    assert cache.load(key, TEXT, "p") is None
    entry.chmod(0o600)
    elsewhere = folder.parent / "elsewhere"
    entry.rename(elsewhere)
    entry.symlink_to(elsewhere)
    assert cache.load(key, TEXT, "p") is None
    entry.unlink()
    elsewhere.rename(entry)
    monkeypatch.setattr(os, "geteuid", lambda: -1)
    assert cache.load(key, TEXT, "p") is None


def test_a_program_with_errors_is_not_stored(folder: Path) -> None:
    assert check_source("task {")[1]
    assert check_source("task T { x = nothing }")[1]
    assert not folder.exists()


def test_a_cache_that_cannot_be_written_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "below"))
    assert load_source(TEXT).units


def test_concurrent_writes_and_the_maximum_of_entries(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MAX_ENTRIES", 3)
    sources = [f"task T {{ step s {{ let x = {number % 5} }} }}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        assert [program.source for program in pool.map(load_source, sources)] == sources
    assert len(list(folder.iterdir())) <= 5
    assert not list(folder.glob(".new-*"))


def test_only_values_of_programs_can_be_encoded() -> None:
    with pytest.raises(TypeError, match="holds a PosixPath"):
        encode(Path())
    for value in (1, 1.5, True, "x", None, [1, (2, {"a": []})], {"$": (), "": [[]]}):
        assert decode(json.loads(json.dumps(encode(value)))) == value


def test_a_run_from_the_cache_imports_neither_parser_nor_models(tmp_path: Path) -> None:
    """Imports determine the start-up time, and can be asserted without a clock."""
    program = tmp_path / "p.spak"
    program.write_text("task T { let i = 0 step s { i = i + 1 } success: i == 1 }")
    code = """import sys
from harness.cli import main
if main(["dsl", "run", sys.argv[1], "--state", sys.argv[2], "--quiet"]):
    sys.exit("failed")
print(*sorted(sys.modules), sep="\\n", file=sys.stderr)"""
    env = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    seen = []
    for number in range(2):
        done = subprocess.run(
            [sys.executable, "-c", code, str(program), str(tmp_path / f"run{number}")],
            capture_output=True, text=True, check=True, env=env,
        )  # fmt: skip
        seen.append(set(done.stderr.split()))
    assert "lark" in seen[0]
    heavy = {"lark", "pydantic", "dataclasses", "inspect", "ast", "importlib.metadata", "subprocess", "tempfile"}
    assert not heavy & seen[1]
    assert not [name for name in seen[1] if name.startswith("harness.dsl.language.syntax")]
    assert "harness.dsl.machine.machine" in seen[1]
