"""Searches of every lane leave the same rows, which the same verbs read."""

from __future__ import annotations

import importlib.util
import json
import re
import struct
from pathlib import Path

import pytest

from harness.cli import main
from harness.core.errors import InfraError
from harness.core.evaluation import Evaluation
from harness.core.evidence import Evidence
from harness.core.frozen import Frozen
from harness.core.policy import Policy
from harness.core.score import Component, Score, judge
from harness.core.trial import Trial, changed
from harness.evolve import config
from harness.lane.climb import ClimbRequest, evaluation_of
from harness.lanes.kernel.climb import read_configurations
from harness.ledger import queries, sources
from harness.ledger.store import Ledger
from harness.ledger.trials import Trials, experiments
from harness.suites.suite import SuiteOptions
from harness.sweep.loop import Book
from tests.cli.dsl.test_language_verbs import IMPROVABLE

ROOT = Path(__file__).parents[2]
GRAMMAR = (
    "endian: big\ntypes:\n  Header:\n    fields:\n      - {name: magic, type: u16}\n      - {name: version, type: u8}\n"
)
DATA = b"".join(struct.pack(">HBHB", 0x4D5A, 2, number % 7, number % 3) for number in range(60))
OPS = [
    {"op": "insert_field", "path": ["types", "Header"], "index": -1, "field_def": {"name": name, "type": kind}}
    for name, kind in (("flags", "u16"), ("count", "u8"))
]
WRONG = [{"op": "delete_field", "path": ["types", "Header", "fields", 9]}]
WORSE = [{"op": "insert_field", "path": ["types", "Header"], "index": 0, "field_def": {"name": "x", "type": "u64"}}]


def crucible(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    status = main([str(word) for word in words])
    out, err = capsys.readouterr()
    return status, out, err


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "stub.yaml").write_text(GRAMMAR)
    (tmp_path / "a.bin").write_bytes(DATA)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path


def rows_of(ledger: Path) -> tuple[dict, list]:
    with Ledger.read(ledger) as opened:
        (experiment,) = experiments(opened)
        return experiment, list(Trials(opened, experiment["experiment"]).rows.values())


def test_patches_of_a_grammar_are_trials_with_verdicts(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "propose.py").write_text(
        f"import json, sys\njson.load(sys.stdin)\nprint(json.dumps([{OPS!r}, {WRONG!r}, {WORSE!r}]))\n"
    )
    words = ["spec", "improve", "stub.yaml", "a.bin", "--iterations", 1, "--proposer", "python propose.py"]
    status, _, err = crucible(capsys, *words, "--ledger", "l.db", "--out", "better.yaml")
    assert status == 0, err
    experiment, rows = rows_of(place / "l.db")
    assert (experiment["lane"], experiment["state"]) == ("spec", "finished")
    assert [(one.operator, one.stage, one.passed) for one in rows] == [
        ("start", "judged", True),
        ("python propose.py", "judged", True),
        ("python propose.py", "parse", False),
        ("python propose.py", "judged", False),
    ]
    start, kept, _, worse = rows
    assert kept.parents == (start.digest,)
    assert kept.score > start.score > worse.score
    with Ledger.read(place / "l.db") as ledger:
        assert sources.read(ledger, kept.digest) == (place / "better.yaml").read_text()
        board = queries.leaderboard(ledger)
        assert [row["digest"] for row in board][:2] == [kept.digest, start.digest]
        assert {row["suite"] for row in board} == {"evolve/spec-stub/stub"}
    for verb in (
        ["top"],
        ["show", kept.digest],
        ["lineage", kept.digest],
        ["pareto"],
        ["trend", kept.digest],
        ["rescore"],
    ):
        status, out, err = crucible(capsys, *verb, "--ledger", "l.db")
        assert status == 0, (verb, err)
        assert kept.digest[:8] in out or "stub" in out or "0 differ" in out, verb
    again = crucible(capsys, *words, "--ledger", "l.db", "--out", "better.yaml")
    assert again[0] == 0
    assert len(rows_of(place / "l.db")[1]) == len(rows), "it began again"


def test_a_search_that_the_proposer_ends_keeps_what_it_has(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "propose.py").write_text(
        "import json, pathlib, sys\n"
        "mark = pathlib.Path('asked')\nif mark.exists(): sys.exit(3)\nmark.touch()\n"
        f"print(json.dumps([{OPS!r}]))\n"
    )
    words = ["spec", "improve", "stub.yaml", "a.bin", "--proposer", "python propose.py", "--ledger", "l.db", "--json"]
    status, out, _ = crucible(capsys, *words)
    assert status == 1
    assert "status 3" in json.loads(out)["fault"]
    assert [one.passed for one in rows_of(place / "l.db")[1]] == [True, True]


SPEC_SEARCH = """name: pair
domain: spec
tools: {pair: stub.yaml}
options: {samples: ["*.bin"]}
generations: 2
"""


def evolve(capsys: pytest.CaptureFixture[str], place: Path, text: str, *more: object) -> tuple[int, str, str]:
    (place / "evolve.yaml").write_text(text)
    return crucible(capsys, "evolve", "evolve.yaml", "--ledger", "l.db", *more)


def test_a_grammar_is_searched_by_the_lanes_own_proposer_and_by_a_command(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = evolve(capsys, place, SPEC_SEARCH, "--json")
    assert status == 0, err
    (found,) = json.loads(out)
    assert found["champions"][0]["operator"] == "own"
    assert found["judged"] == found["trials"] > 2
    again = json.loads(evolve(capsys, place, SPEC_SEARCH, "--json")[1])[0]
    assert (again["judged"], again["champions"]) == (0, found["champions"]), "its rows are its state"
    (place / "answer.py").write_text(
        "import json, sys\nasked = json.load(sys.stdin)\nassert 'name: magic' in asked['prompt']\n"
        f"print('There is more.\\n```yaml\\n' + {json.dumps(OPS)!r} + '\\n```')\n"
    )
    text = SPEC_SEARCH.replace("pair\n", "told\n", 1).replace("generations: 2", "generations: 3")
    text += "proposers: [{kind: command, command: python answer.py, max_calls: 1}]\n"
    status, out, err = evolve(capsys, place, text)
    assert status == 0, err
    assert "the limit of 1 calls is reached" in out
    assert "samples" in out
    with Ledger.read(place / "l.db") as ledger:
        assert {row["suite"] for row in queries.leaderboard(ledger)} == {"evolve/pair/pair", "evolve/told/pair"}


def test_a_reply_with_several_patches_is_one_call(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also after the search was ended and continued: what was paid is in the rows."""
    (place / "answer.py").write_text(
        "import json, pathlib, sys\nsys.stdin.read()\nasked = pathlib.Path('asked')\n"
        "count = len(asked.read_text()) if asked.exists() else 0\nasked.write_text('x' * (count + 1))\n"
        f"print(json.dumps([{OPS!r}, {WRONG!r}, {WORSE!r}] if count == 0 else [{WORSE!r}]))\n"
    )
    text = SPEC_SEARCH + "proposers: [{kind: command, command: python answer.py, max_calls: 2}]\n"
    for generations, calls in ((2, 1), (3, 2), (4, 2)):
        status, out, err = evolve(capsys, place, text.replace("generations: 2", f"generations: {generations}"))
        assert status == 0, err
        assert len((place / "asked").read_text()) == calls
    assert "tokens" in out


def test_a_reply_without_anything_new_is_paid_once(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "answer.py").write_text(
        "import pathlib, sys\nsys.stdin.read()\nasked = pathlib.Path('asked')\n"
        "asked.write_text(asked.read_text() + 'x' if asked.exists() else 'x')\nprint('[]')\n"
    )
    text = SPEC_SEARCH + "proposers: [{kind: command, command: python answer.py}]\n"
    for calls in ("x", "x"):
        status, out, err = evolve(capsys, place, text)
        assert status == 0, err
        assert (place / "asked").read_text() == calls
    assert "reply 1" in out
    assert rows_of(place / "l.db")[1][1].verdict["paid"]


def test_a_grammar_search_that_was_cut_off_ends_with_the_same_rows(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def rows() -> list:
        with Ledger.read(place / "l.db") as ledger:
            return [
                [
                    (one.digest, one.stage, one.passed, one.score)
                    for one in Trials(ledger, row["experiment"]).rows.values()
                ]
                for row in experiments(ledger)
            ]

    evolve(capsys, place, SPEC_SEARCH)
    (whole,) = rows()
    (place / "l.db").unlink()
    for name, cut in (("propose", 2), ("complete", 2)):
        write, count = getattr(Trials, name), 0

        def cutting(self, *args, write=write, cut=cut):
            nonlocal count
            count += 1
            write(self, *args)
            if count == cut:
                raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(Trials, name, cutting)
            with pytest.raises(Killed):
                evolve(capsys, place, SPEC_SEARCH)
        capsys.readouterr()
    assert evolve(capsys, place, SPEC_SEARCH)[0] == 0
    assert rows() == [whole]


def test_a_program_is_searched_by_a_command(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "p.spak").write_text(IMPROVABLE)
    revised = IMPROVABLE.replace("let tile = 3", "let tile = 7")
    (place / "propose.py").write_text(f"import sys\nsys.stdin.read()\nprint('''```\n{revised}\n```''')\n")
    text = (
        "name: tile\ndomain: dsl\ntools: {tile: p.spak}\ngenerations: 3\n"
        "options: {metric: cost, minimize: true, repeats: 1, settings: {live: true, grants: [python]}}\n"
        "proposers: [{kind: command, command: python propose.py}]\n"
    )
    status, out, err = evolve(capsys, place, text)
    assert status == 0, err
    assert "cost 17 → 1" in out
    _, rows = rows_of(place / "l.db")
    assert [(one.operator, one.passed) for one in rows] == [("start", True), ("command", True), ("command", False)]
    assert (rows[2].stage, rows[2].verdict["why"]) == ("duplicate", "it is identical to the program")
    with Ledger.read(place / "l.db") as ledger:
        best, start = queries.leaderboard(ledger)
    assert (best["digest"], start["digest"]) == (rows[1].digest, rows[0].digest)
    assert best["score"] > start["score"]
    with monkeypatch.context() as patch:
        patch.setattr("harness.lanes.dsl.climb.measure", None)  # a search that has ended runs nothing
        assert evolve(capsys, place, text)[1] == out.replace("3 judged now", "0 judged now")


def test_a_limit_of_calls_blames_no_program(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The run of a program asks the same provider; when it may not be asked, the revision waits for its verdict."""
    asking = IMPROVABLE.replace(
        "let tile = 3", 'let tile = 3\n    step s: llm.query { prompt: "Anything?" output_var: reply }'
    )
    assert asking != IMPROVABLE
    (place / "p.spak").write_text(asking)
    (place / "answer.py").write_text("import sys\nsys.stdin.read()\nprint('yes')\n")
    text = (
        "name: tile\ndomain: dsl\ntools: {tile: p.spak}\ngenerations: 3\n"
        "options: {metric: cost, minimize: true, repeats: 2, settings: {live: true, grants: [python]}}\n"
        "proposers: [{kind: command, command: python answer.py, max_calls: 1}]\n"
    )
    status, _, err = evolve(capsys, place, text)
    assert status != 0
    assert "the limit of 1 calls is reached" in err


@pytest.mark.skipif(
    any(importlib.util.find_spec(module) is None for module in ("torch", "triton", "numpy")),
    reason="pip install 'pytest-crucible[kernels]'",
)
def test_configurations_of_a_kernel_are_chosen_by_a_command(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, line = (ROOT / "kernels/swiglu/fused.py").read_text().partition("SPACE = ")[::2]
    space = '{"BLOCK": [1024, 1000], "num_warps": [4, 1]}'
    (place / "mine.py").write_text(before + f"SPACE = {space}\n" + line.partition("\n")[2])
    chosen = [{"BLOCK": 1024, "num_warps": 4}, {"BLOCK": 1000, "num_warps": 4}, {"BLOCK": 7, "num_warps": 4}]
    (place / "choose.py").write_text(
        "import json, sys\nassert 'Values to choose from' in json.load(sys.stdin)['prompt']\n"
        f"print({json.dumps(chosen)!r})\n"
    )
    text = (
        f"name: tiles\ndomain: kernel\ntools: {{mine: mine.py}}\ngenerations: 1\n"
        f"options: {{definition: {ROOT / 'specs/kernels/swiglu.yaml'}, shape: {{R: 64, H: 4096, dtype: float16}}}}\n"
        "proposers: [{kind: command, command: python choose.py}]\n"
    )
    status, out, err = evolve(capsys, place, text)
    assert status == 0, err
    assert "BLOCK=1024 num_warps=4" in out
    _, rows = rows_of(place / "l.db")
    assert [one.stage for one in rows][1:] == ["gate", "parse"]
    assert rows[0].stage in ("screen", "judged"), "predicted only where there is no card"
    assert "not a configuration of the kernel's SPACE" in rows[2].verdict["why"]
    with Ledger.read(place / "l.db") as ledger:
        assert [row["digest"] for row in queries.leaderboard(ledger)] == [rows[0].digest]


@pytest.mark.parametrize("reply", ["no list", "[1, 2]", "[", "[NaN]", "[" * 3_000_000, "[]" * 200_000])
def test_a_reply_without_configurations_is_an_error_that_shows_it(reply: str) -> None:
    with pytest.raises(InfraError, match="the answer has no configurations"):
        read_configurations(reply, where="m")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name: a\ndomain: specs\n", "unknown lane 'specs'; did you mean 'spec'?"),
        ("name: a\ndomain: spec\n", "needs the key 'tools'"),
        ("name: a\ndomain: spec\ntools: {t: stub.yaml}\nislands: 3\n", "has no use for the key 'islands'"),
        ("name: a\ndomain: spec\ntools: {t: stub.yaml}\nproposers: [{kind: crossover}]\n", "'command' and 'model'"),
        ("name: a\ndomain: spec\ntools: {t: stub.yaml}\nproposers: []\n", "'command' and 'model'"),
        ("name: a\ndomain: spec\ntools: {t: nowhere.yaml}\noptions: {samples: ['*.bin']}\n", "does not exist"),
        ("name: a\ndomain: spec\ntools: {t: stub.yaml}\n", "the key 'options.samples' is missing"),
        ("name: a\ndomain: spec\ntools: {t: stub.yaml}\noptions: {sample: []}\n", "did you mean 'samples'?"),
        ("name: a\ndomain: spec\ntools: {t: stub.yaml}\noptions: {samples: [x]}\n", "no file matches 'x'"),
        (
            "name: a\ndomain: spec\ntools: {t: stub.yaml}\noptions: {samples: [a.bin], holdout: [a.bin]}\n",
            "both a sample and a hold-out",
        ),
        ("name: a\ndomain: spec\ntools: {t: a.bin}\noptions: {samples: [a.bin]}\n", "the grammar cannot be improved"),
        ("name: a\ndomain: dsl\ntools: {t: stub.yaml}\n", "has no proposer of its own"),
        ("name: a\noptions: {samples: []}\n", "has no `options`"),
        ("name: a\nproposers: [{kind: own}]\n", "no proposer of kind 'own'"),
    ],
)
def test_a_mistake_in_a_domain_is_one_sentence(
    place: Path, capsys: pytest.CaptureFixture[str], text: str, says: str
) -> None:
    status, _, err = evolve(capsys, place, text)
    assert status != 0
    assert says in err
    assert "Traceback" not in err


class Letters:
    """A lane of a third party: its subject is a word, its proposals are the letters that follow."""

    name, options, untrusted, boxed, min_tier = "letters", SuiteOptions, (), False, None
    climb_options = Frozen

    def collect(self, suite: object) -> list:
        return []

    def evaluate(self, case: object, context: object) -> Evidence:
        raise NotImplementedError

    def score(self, evidence: Evidence, policy: Policy) -> Score:
        component = Component(name="letters", value=evidence.facts["letters"] / 26, weight=1.0)
        return judge(evidence, policy, [component])

    def climb(self, request: ClimbRequest) -> Letter:
        return Letter(self, request.file.read_text())


class Letter:
    patience = None

    def __init__(self, lane: Letters, best: str) -> None:
        self.lane, self.best, self.searched = lane, best, self

    def propose(self, generation: int, book: Book) -> list[Trial]:
        found = book.proposed(generation) or [
            Trial(book.next(), generation, 0, "word", chr(ord(self.best) + step), parents=(self.best,))
            for step in (1, 2)
        ]
        book.add(found, {one.digest: one.digest for one in found})
        return found

    def judge(self, trials: list[Trial], book: Book) -> None:
        book.kept.complete([changed(one, stage="judged", status="ok", passed=True) for one in trials])

    def absorb(self, generation: int, trials: list[Trial], book: Book) -> int:
        self.best = max(one.digest for one in trials)
        return 0

    def spent(self) -> tuple[int, float]:
        return 0, 0.0

    def evaluation(self, trial: Trial) -> Evaluation:
        facts = {"letters": ord(trial.digest) - ord("a")}
        return evaluation_of(trial, self.lane, Evidence(status="ok", facts=facts))

    def describe(self) -> str:
        return f"the letter {self.best}"

    def close(self) -> None:
        pass


def test_a_lane_of_a_third_party_is_searched(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "word.txt").write_text("a")
    with monkeypatch.context() as patch:
        known = {**config.lanes(), "letters": Letters()}
        patch.setattr(config, "lanes", lambda: known)
        status, out, err = evolve(
            capsys, place, "name: word\ndomain: letters\ntools: {word: word.txt}\ngenerations: 3\n"
        )
    assert status == 0, err
    assert "the letter g" in out
    with Ledger.read(place / "l.db") as ledger:
        assert [row["digest"] for row in queries.leaderboard(ledger)] == ["g", "f", "e", "d", "c", "b"]


def test_the_search_knows_no_lane_by_name() -> None:
    """The tournament's evaluator and its bundles are about tools, as their names say."""
    lanes = re.compile(r"harness\.lanes|domain == |lane == ")
    for path in sorted((ROOT / "harness/evolve").glob("*.py")):
        if path.name not in ("spica.py", "bundle.py", "sbom.py"):
            assert not lanes.search(path.read_text()), path.name
