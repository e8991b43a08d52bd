"""The spec lane judges patches on real files; negative controls are rejected for the intended reason."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.core.errors import InfraError, SpecError, SuiteError
from harness.core.status import Status
from harness.grammar.engine.limits import Limits
from harness.grammar.language.lint import lint_text
from harness.grammar.measurement import LAST_SECONDS, Samples, measure
from harness.hooks import Lane
from harness.lanes.spec.collect import read_grammar
from harness.lanes.spec.lane import SpecLane, crucible_lanes
from harness.lanes.spec.patch_clock import PatchClock
from harness.lanes.spec.patched_grammar import PatchedGrammar, patch_grammar

ROOT = Path(__file__).parents[3]
SUITE = ROOT / "suites/spec/png.suite.yaml"


BOMB = "a: &a [1,1,1,1,1,1,1,1,1]\n" + "\n".join(
    f"{c}: &{c} [{', '.join([f'*{b}'] * 9)}]" for b, c in zip("abcde", "bcdef", strict=True)
)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A copy of the suite and all its files, which the test may change."""
    for part in ("specs/grammars", "specs/samples", "candidates/png_patches", "suites/spec"):
        shutil.copytree(ROOT / part, tmp_path / part)
    return tmp_path


def test_the_house_accepts_the_lane() -> None:
    assert isinstance(crucible_lanes()[0], Lane)


def test_the_suite_as_it_ships(judge_all) -> None:
    found = judge_all(SpecLane(), SUITE)
    assert all(e.as_expected for e in found.values()), {n: e.why for n, e in found.items() if not e.as_expected}
    ranked = sorted(found, key=lambda name: -found[name].score.total)
    assert set(ranked[:3]) == {"ancillary", "text", "header"}
    assert ranked[2] == "header"
    assert found["blob"].score.total < found["header"].score.total
    assert "explains less" in found["blob"].why
    shown = found["blob"].evidence.counterexample
    after, before = re.findall(r"[\d.]+%", found["blob"].why)
    assert (shown.expected, shown.observed) == (f"{before} as without the patch, or more", after)
    assert found["unknown-type"].why == "Lint failed: Unknown type 'NonExistentType'"
    assert found["unknown-type"].evidence.counterexample.question == "the grammar after the patch"
    assert all(e.evidence.counterexample for e in found.values() if e.status is Status.WRONG)
    assert found["little-endian"].why.startswith(
        "breaks checker.png: 0x10 Png[0].chunks[0].body: expected 218103808 bytes"
    )
    good = found["ancillary"]
    assert good.evidence.stable
    assert len(good.evidence.attempts) == 3
    for both in (good.evidence.facts["samples"], good.evidence.facts["holdout"]):
        assert both["after"]["explained"] > both["before"]["explained"]
    assert good.case.subject.parents == (good.case.inputs["grammar"]["digest"],)


def test_collecting_is_repeatable_and_sorted(suite_at) -> None:
    lane = SpecLane()
    cases = lane.collect(suite_at(lane, SUITE))
    assert [c.key for c in cases] == [c.key for c in lane.collect(suite_at(lane, SUITE))]
    assert [c.name for c in cases] == sorted(c.name for c in cases)


def test_a_patch_that_changes_nothing_gains_nothing(own: Path, judge_all) -> None:
    (own / "candidates/png_patches/idle.patch.yaml").write_text(
        "[{op: update_field, path: [types, Chunk, fields, 0], updates: {doc: same}}]"
    )
    idle = judge_all(SpecLane(), own / "suites/spec/png.suite.yaml", only="idle")["idle"]
    assert idle.status is Status.OK
    assert not idle.passed
    assert idle.why.startswith("gain 0 fails >= 0.005")


def test_holdout_counts_as_much_as_samples(own: Path, judge_all) -> None:
    # validates the exact dimensions of the samples; both holdout files have other dimensions
    header = (own / "candidates/png_patches/header.patch.yaml").read_text()
    learnt = header.replace("{name: width, type: u32}", "{name: width, type: u32, validate: {one_of: [8, 12, 16]}}")
    assert learnt != header
    (own / "candidates/png_patches/learnt.patch.yaml").write_text(learnt)
    found = judge_all(SpecLane(), own / "suites/spec/png.suite.yaml", only="learnt")["learnt"]
    assert found.evidence.facts["samples"]["after"]["validity"] == 1.0
    assert found.status is Status.WRONG
    assert found.why.startswith("breaks disc.png: ")
    assert "width: expected" in found.why


@pytest.mark.parametrize("text", ["", "}{", "a: *b", "\x00", "- 1", "[" * 5000, BOMB])
def test_rubbish_is_the_patchs_fault(own: Path, judge_all, text: str) -> None:
    (own / "candidates/png_patches/rubbish.patch.yaml").write_text(text)
    found = judge_all(SpecLane(), own / "suites/spec/png.suite.yaml", only="rubbish")["rubbish"]
    assert found.status is Status.WRONG
    assert found.why
    assert found.evidence.counterexample.observed == found.why
    assert found.score.total == 0


def test_a_wrong_grammar_is_ours_and_has_a_position(own: Path, suite_at) -> None:
    path = own / "specs/grammars/png.yaml"
    path.write_text(path.read_text().replace("type: Chunk", "type: Chunky"))
    lane = SpecLane()
    with pytest.raises(SpecError) as caught:
        lane.collect(suite_at(lane, own / "suites/spec/png.suite.yaml"))
    assert caught.value.where == f"{path}:10:24"
    assert "Unknown type 'Chunky'" in str(caught.value)


def test_a_sample_that_changed_since_collection_is_not_judged(own: Path, suite_at, context) -> None:
    lane = SpecLane()
    case = lane.collect(suite_at(lane, own / "suites/spec/png.suite.yaml"))[0]
    (own / "specs/samples/png/checker.png").write_bytes(b"other")
    with pytest.raises(InfraError, match="changed since"):
        lane.evaluate(case, context)


def test_controls_lose_to_the_honest_patches(judge_all) -> None:
    found = judge_all(SpecLane(), ROOT / "suites/spec/headers.suite.yaml")
    assert all(e.as_expected for e in found.values()), {n: e.why for n, e in found.items() if not e.as_expected}
    best = min(found[name].score.total for name in ("complete", "declared"))
    for control in ("wrong-type", "one-byte", "one-blob", "learnt"):
        assert found[control].status is Status.WRONG
        assert found[control].score.total < best
    assert found["declared"].score.total > found["complete"].score.total


def test_a_file_cannot_be_sample_and_holdout(own: Path, suite_at) -> None:
    suite = own / "suites/spec/png.suite.yaml"
    shutil.copy(own / "specs/samples/png/checker.png", own / "specs/samples/png_holdout/renamed.png")
    lane = SpecLane()
    with pytest.raises(SuiteError, match=r"holdout file .*renamed\.png is also a sample"):
        lane.collect(suite_at(lane, suite))


def test_budgets_anneal(own: Path, judge_all) -> None:
    suite = own / "suites/spec/png.suite.yaml"
    suite.write_text(suite.read_text() + "budget: {memory_mb: [64, 0.001], time_ms: 60000, epochs: 40}\n")
    early = judge_all(SpecLane(), suite, only="header")["header"]
    policy = early.case.policy.model_copy(update={"epoch": 40})
    late = SpecLane().score(early.evidence, policy)
    assert early.passed
    assert [gate.name for gate in late.failed] == ["memory_mb"]
    assert early.evidence.median_ms is not None
    assert early.evidence.peak_mb is not None


def test_what_passes_at_epoch_0_fails_at_epoch_40_and_the_ledger_says_why(own: Path) -> None:
    suite = own / "suites/spec/png.suite.yaml"
    suite.write_text(suite.read_text() + "budget: {memory_mb: [64, 0.001], time_ms: 60000, epochs: 40}\n")
    (own / "pytest.ini").write_text("[pytest]\n")
    options = ["-p", "harness.plugin", "-p", "no:cacheprovider", "-p", "no:xdist", "--confirm", "0"]
    codes = []
    for epoch in ("0", "40"):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, "suites/spec/png.suite.yaml::header", "--epoch", epoch],
            cwd=own,
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        codes.append(done.returncode)
    with sqlite3.connect(own / "reports/ledger.db") as ledger:
        rows = ledger.execute("SELECT epoch, passed, median_ms, peak_mb, digest FROM evaluations ORDER BY epoch")
        early, late = rows.fetchall()
        failed = ledger.execute("SELECT name FROM gates WHERE NOT passed").fetchall()
    assert codes == [0, 1]
    assert (early[:2], late[:2]) == ((0, 1), (40, 0))
    assert early[4] == late[4]
    assert failed == [("memory_mb",)]
    assert all(row[2] > 0 and row[3] > 0 for row in (early, late))


@pytest.mark.parametrize(("name", "honest"), [("wav", "format"), ("gzip", "packed")])
def test_in_suites_of_other_formats_controls_lose_as_well(judge_all, name: str, honest: str) -> None:
    found = judge_all(SpecLane(), ROOT / f"suites/spec/{name}.suite.yaml")
    assert all(e.as_expected for e in found.values()), {n: e.why for n, e in found.items() if not e.as_expected}
    assert found[honest].passed
    assert {"blob", "byte", "table", "zeros"} <= found.keys()
    assert all(e.score.total < found[honest].score.total for other, e in found.items() if other != honest)


@pytest.mark.parametrize(
    ("name", "honest"),
    [
        ("bmp", {"info", "rows"}), ("elf", {"first", "header"}), ("pcap", {"frames", "udp"}),
        ("tar", {"header", "padding"}), ("zip", {"names", "inflate"}),
    ],
)  # fmt: skip
def test_in_each_suite_two_honest_patches_win(judge_all, name: str, honest: set[str]) -> None:
    found = judge_all(SpecLane(), ROOT / f"suites/spec/{name}.suite.yaml")
    assert all(e.as_expected for e in found.values()), {n: e.why for n, e in found.items() if not e.as_expected}
    assert {n for n, e in found.items() if e.passed and e.case.policy.expect is None} == honest
    worst = min(found[n].score.total for n in honest)
    assert all(e.score.total < worst for n, e in found.items() if n not in honest)


def test_the_classic_policy_can_be_asked_for(own: Path, judge_all) -> None:
    suite = own / "suites/spec/png.suite.yaml"
    text = suite.read_text().replace("gates: {validity: 1.0, coverage: 1.0, gain: 0.005}", "policy: classic")
    suite.write_text(text)
    found = judge_all(SpecLane(), suite, only="header")["header"]
    assert [part.name for part in found.score.components] == ["classic"]
    assert found.score.total == 1.0


@pytest.mark.parametrize("kind", ["pipe", "folder", "link", "endless", "large"])
def test_what_is_no_plain_file_is_the_patchs_fault(own: Path, judge_all, kind: str) -> None:
    path = own / "candidates/png_patches/odd.patch.yaml"
    match kind:
        case "pipe":
            os.mkfifo(path)  # opening it would wait for a writer
        case "folder":
            path.mkdir()
        case "link":
            path.symlink_to(path.name)
        case "endless":
            path.symlink_to("/dev/zero")
        case "large":
            path.write_text("ops: []\n" + "# x\n" * 300_000)
    found = judge_all(SpecLane(), own / "suites/spec/png.suite.yaml", only="odd")["odd"]
    assert found.status is Status.WRONG
    assert found.why.startswith("not a patch: it ")


def test_a_patch_that_is_exchanged_while_it_is_judged_is_judged_as_it_was(own: Path, judge_all, monkeypatch) -> None:
    """Its row names the digest of what was collected, so nothing else may be measured."""
    folder = own / "candidates/png_patches"
    better = (folder / "ancillary.patch.yaml").read_bytes()
    (folder / "swapped.patch.yaml").write_bytes((folder / "header.patch.yaml").read_bytes())

    def applied(*args: Any) -> Any:
        made = patch_grammar(*args)
        (folder / "swapped.patch.yaml").write_bytes(better)
        return made

    monkeypatch.setattr("harness.lanes.spec.evaluate.patch_grammar", applied)
    suite = own / "suites/spec/png.suite.yaml"
    swapped = judge_all(SpecLane(), suite, only="swapped")["swapped"]
    header = judge_all(SpecLane(), suite, only="header")["header"]
    assert swapped.case.subject.digest == header.case.subject.digest
    assert swapped.evidence.facts["samples"] == header.evidence.facts["samples"]
    assert swapped.evidence.facts["holdout"] == header.evidence.facts["holdout"]


TREE = "{name: a, type: u8}, {name: l, type: X, offset: 0}, {name: r, type: X, offset: 0}"
ROWS = ", ".join(f"i{k}: {{type: u8, at: {k}, repeat: rest}}" for k in range(20))
ROW = "{name: v, type: u8, repeat: rest, "
HOSTILE = {
    "a tree of two branches": (TREE, Status.MEMORY),
    "itself at its own place": ("{name: a, type: X, at: 0}", Status.MEMORY),
    "nothing, again and again": ("{name: z, type: bytes, length: 0, repeat: 100000}", Status.WRONG),
    "nothing, until never": ("{name: z, type: bytes, length: 0, until: 1 == 2}", Status.WRONG),
    "backwards, a million times": ("{name: b, type: u8, at: _io.pos - 1, repeat: 1000000}", Status.WRONG),
    "a shift by many bits": (
        "{name: c, compute: 1 << 100000000000}, {name: r, type: bytes, length: rest}",
        Status.WRONG,
    ),
    "a length that is no number": ("{name: v, type: bytes, length: .nan}", Status.WRONG),
    "any number is one of all": (f"{ROW}validate: {{one_of: {list(range(256))}}}}}", Status.OK),
    "a condition that is always true": (f"{ROW}validate: {{expr: _ < 256}}}}", Status.OK),
    "a checksum of itself": (f"{ROW}checksum: {{algorithm: sum8, of: 'read_bytes(_io.pos - 1, 1)'}}}}", Status.OK),
    "a row of letters": ("{name: v, type: string, length: rest, encoding: cp437}", Status.OK),
    "a key that is empty": ("{name: z, type: bytes, length: rest, process: xor(0)}", Status.OK),
    "rows in one place": (f"{{name: a, type: bytes, length: rest}}], instances: {{{ROWS}}}, params: [", Status.WRONG),
}
"""Types that try to explode, or to explain without describing; none may gain anything."""


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_type_that_explodes_or_explains_nothing_gains_nothing(own: Path, judge_all, kind: str) -> None:
    fields, status = HOSTILE[kind]
    (own / "candidates/png_patches/hostile.patch.yaml").write_text(
        f"ops:\n  - {{op: add_type, path: [types, X], type_def: {{fields: [{fields}]}}}}\n"
        "  - {op: update_field, path: [types, Chunk, fields, 2], updates: {type: X}}\n"
    )
    suite = own / "suites/spec/png.suite.yaml"
    suite.write_text(suite.read_text().replace("attempts: 3", "attempts: 1"))
    for other in ("gradient", "palette"):  # one file shows it; each more is read as long again
        (own / f"specs/samples/png/{other}.png").unlink()
    (own / "specs/samples/png_holdout/disc.png").unlink()
    found = judge_all(SpecLane(), suite, only="hostile")["hostile"]
    assert not found.passed
    assert found.status is status, found.why
    if status is Status.MEMORY:  # bounded by the size of the file: two million records took 1.3 GB
        read = found.evidence.facts["samples"]["after"]
        assert found.evidence.limits_hit
        assert read["records"] <= 50_001 + 8 * read["bytes"]
        assert found.evidence.peak_mb is None  # the verdict is known, and tracing would take several times as long


def test_files_share_the_time_of_a_measurement() -> None:
    text = """
endian: big
framing: {repeat: once}
types:
  X: {fields: [{name: a, type: u8}, {name: l, type: X, offset: 0}, {name: r, type: X, offset: 0}]}
"""
    grammar = lint_text(text).grammar
    assert grammar is not None
    samples = Samples.of({str(number): bytes(9) for number in range(3)})
    found = measure(grammar, samples, limits=Limits(seconds=600, records=10**9, errors=10**9), seconds=0.0)
    assert [tally.errors[-1].limit for tally in found.tallies.values()] == ["seconds"] * 3


NUMBERS = """length: N; length: N + N; length: rest, skip: N; length: rest, align: N;
    length: rest, validate: {equals: N};
    length: rest, terminator: N; length: rest, pad: N; length: rest, validate: {all_bytes: N}; length: rest, at: N;
    length: rest, offset: N; length: rest, repeat: N; length: rest, if: N; length: rest, validate: {range: [0, N]};
    length: rest, validate: {one_of: [N]}; switch: {by: kind, cases: {N: Chunk}}"""


@pytest.mark.parametrize("place", [one.strip() for one in NUMBERS.split(";")])
@pytest.mark.parametrize("number", ["9" * 999, "1" + "0" * 310, "1.0e+999", "-" + "9" * 400, "0x" + "f" * 99])
def test_a_number_of_any_size_is_the_patchs_fault(own: Path, place: str, number: str) -> None:
    """As `infra`, the patch would not have been judged: a float cannot hold an integer of 1,100 bits."""
    path = own / "candidates/png_patches/odd.patch.yaml"
    path.write_text(
        f"[{{op: update_field, path: [types, Chunk, fields, 2], updates: {{{place.replace('N', number)}}}}}]"
    )
    made = patch_grammar(path.read_text(), path, read_grammar(own / "specs/grammars/png.yaml")[0])
    if isinstance(made, PatchedGrammar):
        data = Samples.of({"checker": (own / "specs/samples/png/checker.png").read_bytes()})
        measure(made.grammar, data, limits=Limits(seconds=20))


def test_all_readings_with_a_patch_share_a_clock(own: Path, judge_all) -> None:
    """Each reading was within its limit, and all together took as long as one wanted: two minutes at the defaults."""
    suite = own / "suites/spec/png.suite.yaml"
    budget = "budget: {time_ms: 0.001, memory_mb: 128, epochs: 40}"
    suite.write_text(suite.read_text().replace("attempts: 3", f"attempts: 5000\n{budget}"))
    found = judge_all(SpecLane(), suite, only="ancillary")["ancillary"]
    assert found.status is Status.TIMEOUT
    assert found.why.startswith("all readings together took more than 1.")
    assert len(found.evidence.attempts) < 5000
    assert found.evidence.peak_mb is None


def test_what_is_left_of_the_clock_bounds_the_next_reading() -> None:
    clock = PatchClock(Limits(seconds=1.0), budget=0.0, attempts=1)
    assert LAST_SECONDS < clock.limits.seconds <= 1.0
    clock = PatchClock(Limits(seconds=0.0), budget=0.0, attempts=1)
    assert clock.is_over
    assert clock.limits.seconds == 0.0
    clock = PatchClock(Limits(seconds=1.0), budget=-1.0, attempts=1)
    assert clock.limits.seconds == LAST_SECONDS
