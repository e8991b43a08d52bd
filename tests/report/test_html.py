"""The page: offline, safe, complete."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
import zlib
from html.parser import HTMLParser

import jinja2
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from harness.core.errors import CrucibleError, LedgerError
from harness.core.evidence import Counterexample
from harness.core.exhibit import pack
from harness.core.exhibit_kinds import Table
from harness.core.gate import Gate, GateResult
from harness.ledger.run_gates import write_run_gates
from harness.ledger.store import Ledger
from harness.report import island as islands
from harness.report import page
from harness.report.explanation import merged
from harness.report.html import REPORT_BYTES, render_report, route, write_report
from tests.ledger.factory import fill, make_evaluation

VOID = {"wbr", "meta", "input"}


class Document(HTMLParser):
    """What a browser would see: elements, text, attributes, and whether every element is closed."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.parts, self.joins = [], [], [], False
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.joins = tag == "wbr" or self.is_term
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        assert self.open.pop() == tag
        self.joins = self.is_term

    @property
    def is_term(self):
        """Whether the last element is a link to the words of the page, which stands within a sentence."""
        return self.elements[-1][1].get("class") == "term"

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.joins and self.parts:
            self.parts[-1] += data  # after a place where a line may break within a name, or a link within a sentence
        else:
            self.parts.append(data)
        self.joins = False

    @property
    def text(self):
        return " ".join(" ".join(self.parts).split())


def document(path, *batches, **more):
    ids = fill(path, *batches, **more)
    with Ledger.read(path) as ledger:
        return Document(render_report(ledger, ids[-1]))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "l.db"


def test_templates_are_compiled_once_in_a_process(path, monkeypatch):
    def fail(self, *_arguments):
        raise AssertionError("a template is compiled again")

    first = document(path, [make_evaluation("a")]).text
    monkeypatch.setattr(jinja2.Environment, "compile", fail)
    with Ledger.read(path) as ledger:
        assert Document(render_report(ledger)).text == first


def test_it_shows_what_people_need(path):
    made = [
        make_evaluation("good", style="loop", detected="functional"),
        make_evaluation(
            "wrong",
            status="wrong",
            score=0.3,
            counterexample=Counterexample(question="Q?", expected="E!", observed="O!"),
        ),
        make_evaluation("planted", status="timeout", score=0.0, expect="timeout"),
        make_evaluation("gpu", lane="kernel", suite="k.suite.yaml", score=None, status="skipped", why="no CUDA device"),
    ]
    text = document(path, [make_evaluation("good", score=0.85)], made, versions={"python": "3.11"}, epoch=4).text
    for needed in (
        "Not good: 1 of 2 candidates fails (1 new case)", "1 of 1 control as expected; 1 not judged (no CUDA device)",
        "20261122-110200-000002", "finished", "tier B", "clamp.suite.yaml", "k.suite.yaml", "0.900", "+0.050 ▲",
        "loop≠functional", ", needs at least 0.8", "Q?", "E!", "O!", "1 of 1 as expected", "new case fails",
        "no CUDA device", "python", "3.11", "pytest 'clamp.suite.yaml::wrong' --epoch 4 --secret-seed 7",
        "namespaces", "correctness", "2 attempts: all agree", "20261122-110100-000001",
    ):  # fmt: skip
        assert needed in text, needed


def test_why_cases_were_not_judged_stands_in_the_headline_and_not_again_in_its_number(path):
    why = "no CUDA device here"
    made = [make_evaluation("a"), make_evaluation("gpu", status="skipped", score=None, why=why)]
    ids = fill(path, made)
    with Ledger.read(path) as ledger:
        text = render_report(ledger, ids[0])
    headline, tiles = (
        re.search(f"<{tag}.*?</{tag.split()[0]}>", text, re.DOTALL)[0] for tag in ('p class="rest"', 'ul class="tiles"')
    )
    assert f"1 not judged ({why})" in headline
    assert "not judged" in tiles
    assert why not in tiles


def test_the_pictures_of_each_suite_are_read_alone(path):
    made = [make_evaluation(name, suite=f"{name}.suite.yaml") for name in "abc"]
    ids = fill(path, [*made, make_evaluation("d", suite="a.suite.yaml")])
    with Ledger.read(path) as ledger:
        trends, *suites = pictures(render_report(ledger, ids[0]))
    assert 'id="/trends"' in trends
    assert ["Score against time" in one for one in suites] == [True, False, False]


def test_nothing_is_fetched_and_nothing_runs(path):
    nasty = "<img src=x onerror=alert(1)> https://evil.example/?a=1&b=2 javascript:alert(1)"
    made = make_evaluation(
        "'\"><script>alert(1)</script>", case="x", status="wrong", why=nasty, score=0.1, style=nasty, detected=nasty,
        suite=nasty, counterexample=Counterexample(question=nasty, expected=nasty, observed=nasty),
        environment={nasty: nasty}, limits_hit=(nasty,), parents=(nasty,),
    )  # fmt: skip
    ids = fill(path, [made], command=nasty, machine=nasty, git_commit=nasty, versions={nasty: nasty})
    with Ledger.read(path) as ledger:
        text = render_report(ledger, ids[0])
    assert "http://" not in text
    assert "https://" not in text
    found = Document(text)
    assert "https://evil.example/?a=1&b=2" in found.text  # the candidate's message stays readable
    tags = {tag for tag, _ in found.elements}
    assert not tags & {"img", "iframe", "link", "object", "embed", "form", "base", "image", "use"}
    shown = [Document(one) for one in [*fragments(text, "details-0"), *fragments(text, "sources-0"), *pictures(text)]]
    scripts = [attributes for tag, attributes in found.elements if tag == "script"]
    assert [a for a in scripts if a.get("type") != "application/octet-stream"] == [{}]
    for _, attributes in [pair for one in [found, *shown] for pair in one.elements]:
        assert not any(name.startswith("on") or name in ("style", "src", "srcdoc", "action") for name in attributes)
        assert attributes.get("href", "#").startswith("#")


def test_a_failing_gate_is_tried_again_with_its_case_or_with_the_command_of_the_run(path):
    made = [make_evaluation("a", attempts=2), make_evaluation("b", score=0.1)]
    for number, typed in enumerate(["pytest suites/ --gate 'x == 1'", "python judge.py"], 1):
        [run_id] = fill(path, made, start=number, command=typed)
        with Ledger.open(path) as ledger:
            gate = GateResult(name="x == 1", observed=0.0, threshold=1.0, passed=False, why="no", nodeid="s::b")
            write_run_gates(ledger, run_id, [gate])
            steps = page.gather(ledger).steps
            assert steps[0].command == "pytest 's::b' --epoch 0 --secret-seed 7"
            assert [step.command for step in steps].count(steps[0].command) == 1
            whole = f"{typed} --secret-seed 7" if number == 1 else ""
            told = Document(render_report(ledger)).text
            assert ("Judge the whole run again" in told, whole in told) == (number == 1, True)
            write_run_gates(ledger, run_id, [gate.model_copy(update={"nodeid": ""})])
            steps = page.gather(ledger).steps
        assert [(step.kind, step.is_bad) for step in steps][:2] == [("gate fails", True), (steps[1].kind, True)]
        assert steps[0].command == (f"{typed} --secret-seed 7" if number == 1 else "pytest --gate 'x == 1'")
        assert steps[0].route == ("gates", "1")
        assert [step.is_bad for step in steps if step.kind == "leads unconfirmed"] == [False]


def test_a_case_without_a_verdict_has_not_regressed(path):
    cases = (
        {"status": "skipped", "score": None},
        {"status": "noisy", "score": None},
        {"status": "wrong", "score": 0.1},
    )
    names = [f"c{number}" for number in range(len(cases))]
    now = [make_evaluation(name, **changes) for name, changes in zip(names, cases, strict=True)]
    fill(path, [make_evaluation(name) for name in names], now)
    with Ledger.read(path) as ledger:
        found = page.gather(ledger)
    kinds = {name: [nodeid[-2:] for nodeid in nodeids] for name, _, nodeids in found.changes.kinds}
    assert kinds == {"regressed": ["c2"], "not judged now": ["c0", "c1"]}
    assert found.sentence == "Not good: 1 of 1 candidate fails (1 regressed since run 20261122-110100-000001)"
    assert found.rest.startswith("2 not judged")


def test_what_regressed_and_what_changed_names_the_run_and_its_time(path):
    now = [make_evaluation("r", status="wrong", score=0.1), make_evaluation("new"), make_evaluation("e", content="x")]
    text = document(path, [make_evaluation("r"), make_evaluation("e")], now).text
    run = "run 20261122-110100-000001 (2026-11-22 11:01 UTC)"
    assert f"3 cases changed since {run}: 1 regressed, 1 new case, 1 edited" in text
    assert f"What changed since {run}" in text
    assert f"regressed since {run}" in text
    later = document(path, [make_evaluation("r", status="wrong", score=0.1)], start=4).text
    assert "failed before, in run 20261122-110200-000002 (2026-11-22 11:02 UTC)" in later


def test_a_case_that_fails_is_named_once_and_its_command_stands_with_it(path):
    made = [make_evaluation(name, status="wrong", score=0.1) for name in "abcd"]
    other = make_evaluation("other", status="wrong", score=0.2, suite="a.suite.yaml")
    [run_id] = fill(path, [other, *made])
    why = "mean(score) is 0.1, but needed >= 0.9 (3 cases; lowest: clamp.suite.yaml::a 0.1)"
    gate = GateResult(name="mean(score) >= 0.9", observed=0.1, threshold=0.9, passed=False, why=why,
                      nodeid="clamp.suite.yaml::a")  # fmt: skip
    with Ledger.open(path) as ledger:
        write_run_gates(ledger, run_id, [gate])
        found = page.gather(ledger)
        text = render_report(ledger)
    first, second = found.steps[:2]
    [rest] = [step for step in found.steps if step.what.endswith(" more cases")]
    assert (first.why, first.command) == ("is 0.1 (3 cases; lowest: 0.1, the case below)", "")
    assert (second.what, second.command) == (
        "clamp.suite.yaml::a", "pytest 'clamp.suite.yaml::a' --epoch 0 --secret-seed 7",
    )  # fmt: skip
    assert "clamp::a" not in rest.why
    # Only the suites in which something failed: pytest would look in the project's `testpaths`, and run all of them.
    assert rest.command == "pytest --lf 'clamp.suite.yaml' 'a.suite.yaml' --epoch 0 --secret-seed 7"
    ends = re.findall(r'<span class="tail" title="([^"]*)">', text)
    assert set(ends) == {"--epoch 0 --secret-seed 7"}  # shortened where the same options stand above


def test_a_question_that_waits_is_not_cut(path):
    why = f"t/s/llm.query (line 3) waits: add an answer to question 12 to the file of `answers`; it asks '{'w ' * 60}?'"
    fill(path, [make_evaluation("r", status="review", why=why, score=None)])
    with Ledger.read(path) as ledger:
        [step] = [one for one in page.gather(ledger).steps if one.kind == "review"]
    assert step.why == why


@pytest.mark.parametrize(("number", "end"), [(3, "; 1 more failing gate: count() == 2"), (4, "; 2 more failing gates")])
def test_gates_for_which_there_is_no_line_are_counted(path, number, end):
    [run_id] = fill(path, [make_evaluation("a")])
    with Ledger.open(path) as ledger:
        gates = [
            GateResult(name=f"count() == {wanted}", observed=0.0, threshold=1.0, passed=False, why="it is 0")
            for wanted in range(number)
        ]
        write_run_gates(ledger, run_id, gates)
        steps = page.gather(ledger).steps
    whys = [step.why for step in steps if step.kind == "gate fails"]
    assert len(whys) == 2
    assert "more" not in whys[0]
    assert whys[1].endswith(end)


def test_each_kind_has_a_line_and_what_is_cut_is_counted(path):
    names = ", ".join(f"suites/kernel/softmax.suite.yaml::case-{number}" for number in range(9))
    bad = [make_evaluation(f"b{number}", status="wrong", score=0.1) for number in range(4)]
    others = [
        make_evaluation("r", status="review", why="waits for an answer", score=None),
        make_evaluation("q", status="review", why="waits for an answer", score=None),
        make_evaluation("gpu", status="skipped", why="no CUDA device here (no /dev/nvidia*)", score=None),
        make_evaluation("later", status="skipped", why="not reached: r waits", score=None),
    ]
    [run_id] = fill(path, [*bad, *others])
    with Ledger.open(path) as ledger:
        gates = [
            GateResult(name=f"n == {n}", observed=9.0, threshold=0.0, passed=False, why=f"n is 9 ({names})")
            for n in range(3)
        ]
        write_run_gates(ledger, run_id, gates)
        steps = page.gather(ledger).steps
    assert [step.kind for step in steps] == ["gate fails", "fails", "fails", "review", "not judged"]
    assert steps[0].why.endswith("…); 2 more failing gates")  # the bracket that is cut is closed
    assert len(steps[0].why) <= 160
    assert steps[2].what == "3 more cases"
    assert re.fullmatch(r"\w+::b\d wrong, \w+::b\d wrong, \w+::b\d wrong", steps[2].why)
    assert steps[3].why == "waits for an answer (write it into the file that the suite names as answers); 1 more case"
    assert steps[4].why == "no CUDA device here (type this on a machine with one); 1 more reason"
    assert " -m gpu" in steps[4].command


def test_failing_cases_of_two_kinds_are_all_named_where_other_kinds_need_lines(path):
    control = make_evaluation("planted", status="timeout", expect="wrong", score=0.1, suite="a.suite.yaml")
    bad = [make_evaluation(name, status="wrong", score=0.1) for name in ("b0", "b1", "b2")]
    others = [
        make_evaluation("lead", unconfirmed="no time", attempts=1),
        make_evaluation("r", status="review", why="waits for an answer", score=None),
        make_evaluation("gpu", status="skipped", why="no CUDA device here", score=None),
    ]
    fill(path, [control, *bad, *others])
    with Ledger.read(path) as ledger:
        steps = page.gather(ledger).steps
    assert [step.kind for step in steps[:3]] == ["control not caught", "fails", "fails"]
    assert steps[2].what == "2 more cases"
    assert all(f"::{name}" in steps[1].what + steps[2].why for name in ("b0", "b1", "b2"))
    assert "more" not in steps[0].why + steps[1].why


def test_a_regression_is_told_from_a_new_failure_and_from_one_that_stays(path):
    before = [make_evaluation("r"), make_evaluation("s", status="wrong", score=0.1)]
    bad = [make_evaluation(name, status="wrong", score=0.1) for name in "rsnm"]
    fill(path, [make_evaluation("planted", expect="ok", suite="c.suite.yaml"), *before], bad)
    with Ledger.read(path) as ledger:
        found, first = page.gather(ledger), page.gather(ledger, "latest~1")
    since = "since run 20261122-110100-000001"
    assert found.sentence == f"Not good: 4 of 4 candidates fail (1 regressed {since}, 2 new cases, 1 as before)"
    assert [(step.kind, step.what[-1]) for step in found.steps][:2] == [("regression", "r"), ("new case fails", "n")]
    assert (found.steps[2].what, found.steps[2].why) == ("2 more cases", "clamp::m wrong, clamp::s wrong; 1 new")
    assert "1 of 2 candidates fails" in first.sentence  # with nothing to compare with, nothing is new
    assert [suite.best for suite in first.suites if not suite.judged] == ["1 of 1 control as expected"]
    assert all(suite.is_judged for suite in first.suites)


def test_gates_with_the_same_numbers_are_one_and_weights_are_whole(path):
    gates = [Gate(name=name, threshold=1.0).evaluate(0.5, because="half") for name in ("correct", "correctness", "x")]
    assert [name for name, _ in merged([*gates, Gate(name="y", threshold=2.0).evaluate(0.5)])] == [
        "correct, correctness, x", "y",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["style", "script"])
def test_style_and_script_are_what_the_policy_allows(path, kind):
    ids = fill(path, [make_evaluation()])
    with Ledger.read(path) as ledger:
        text = render_report(ledger, ids[0])
    [found] = re.findall(f"<{kind}>(.*?)</{kind}>", text, re.DOTALL)
    wanted = base64.b64encode(hashlib.sha256(found.encode()).digest()).decode()
    [policy] = [a["content"] for t, a in Document(text).elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert f"{kind}-src 'sha256-{wanted}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert len(found) <= {"style": 17_000, "script": 15 << 10}[kind]
    if kind == "style":
        assert "prefers-color-scheme: dark" in found


def test_tables_name_their_headers_and_links_lead_somewhere(path):
    made = [make_evaluation(f"c{i}", score=0.1 if i % 2 else 0.9) for i in range(6)]
    ids = fill(path, made)
    with Ledger.read(path) as ledger:
        text = render_report(ledger, ids[0])
    found = Document(text)
    assert all(a.get("scope") in ("col", "row") for t, a in found.elements if t == "th")
    ids = [a["id"] for _, a in found.elements if "id" in a]
    assert [one for one in ids if ids.count(one) > 1] == []
    shown = [Document(one) for one in fragments(text, "details-0")]
    reached = set(ids) | {a["id"] for one in shown for _, a in one.elements if "id" in a} | {"/compare", "/trends"}
    links = [a["href"][1:] for one in [found, *shown] for t, a in one.elements if t == "a"]
    assert set(links) <= reached
    assert {route("case", c.case.nodeid) for c in made} <= set(links)  # every case can be reached
    assert all(a.get("aria-label") for one in [found, *shown] for t, a in one.elements if t == "svg")


def test_anchors_are_readable_and_unique():
    assert page.anchor("a.suite.yaml::good").startswith("case-a.suite.yaml-good-")
    assert page.anchor("a::b c") != page.anchor("a::b/c")
    assert " " not in page.anchor("a \ud800 b")


def island(text, name):
    """The content of an island, as the page's script reads it."""
    found = re.search(f'<script type="application/octet-stream" id="{name}">([^<]*)</script>', text)
    return None if found is None else zlib.decompress(base64.b64decode(found[1])).decode()


def fragments(text, name):
    """The fragments of an island of details or sources, put together as the page's script does."""
    pieces, made = json.loads(island(text, name) or "[[], []]")
    return ["".join(pieces[place] for place in one) for one in made]


def pictures(text):
    """The fragments of the trends and of the pictures of each suite."""
    return [json.loads(island(text, name)) for name in re.findall(r'id="(pictures-\d+)"', text)]


def test_what_many_cases_have_in_common_is_on_the_page_once(path):
    source = random.Random(1)
    columns = ("what", "value")
    tables = [
        pack(name, Table(title=name, columns=columns, rows=[(name, source.getrandbits(48)) for _ in range(150)]))
        for name in ("one", "two", "three")
    ]
    sizes = []
    for count in (2, 40):
        made = [make_evaluation(f"c{i}", exhibits=tables) for i in range(count)]
        ids = fill(path.with_name(f"{count}.db"), made)
        with Ledger.read(path.with_name(f"{count}.db")) as ledger:
            text = render_report(ledger, ids[0])
        assert sum("table of three" in one for one in fragments(text, "details-0")) == count
        sizes.append(len(re.search(r'id="details-0">([^<]*)', text)[1]))
    assert sizes[1] < 2 * sizes[0]  # deflate alone sees 32 KiB: then each case has its own tables


class TestRoom:
    """What the page shows where not everything fits: nothing that failed is cut, and what is cut is counted."""

    @pytest.fixture
    def text(self, path, monkeypatch):
        monkeypatch.setattr(page, "MAX_ROWS", 10)
        monkeypatch.setattr(page, "MAX_CARDS", 8)
        made = [make_evaluation(f"c{i:03}", score=0.9 - i / 1000, gate=0.7) for i in range(150)]
        made.append(make_evaluation("zz", suite="zz.suite.yaml", status="wrong", score=0.2, why="last of all"))
        made.insert(0, make_evaluation("caught", status="wrong", score=0.0, expect="wrong"))
        ids = fill(path, made)
        with Ledger.read(path) as ledger:
            yield ids[0], ledger

    def test_the_last_of_all_is_there_if_it_failed(self, text):
        run_id, ledger = text
        found = Document(render_report(ledger, run_id))
        cases = [a["class"] for t, a in found.elements if t == "article"]
        assert cases == ["case bad"]
        assert (
            "140 candidates more: 140 ok; crucible top --suite 'clamp.suite.yaml' --top 150 lists them." in found.text
        )
        assert found.text.count("last of all") >= 3  # what to do next, the table of its suite, its case

    def test_every_failing_case_can_be_read_without_javascript(self, path):
        ids = fill(path, [make_evaluation(f"w{i}", status="wrong", score=0.1, why=f"reason {i}.") for i in range(130)])
        with Ledger.read(path) as ledger:
            found = Document(render_report(ledger, ids[0]))
        assert sum(f"wrong: reason {i}." in found.text for i in range(130)) >= page.MAX_CARDS
        assert all(f"clamp.suite.yaml::w{i}" in found.text for i in range(130))
        assert "30 more cases fail; crucible show NODEID prints any of them" in found.text

    def test_all_rows_are_data(self, text):
        run_id, ledger = text
        rendered = render_report(ledger, run_id)
        rows = json.loads(island(rendered, "rows"))
        columns = rows["columns"]
        assert {len(values) for values in [*columns.values(), *rows["shown"].values()]} == {152}
        assert [suite["size"] for suite in rows["suites"]] == [150, 1]
        first = rows["suites"][0]["start"]
        assert columns["candidate"][first : first + 150] == [f"c{i:03}" for i in range(150)]
        assert [columns["candidate"][suite["start"]] for suite in rows["suites"]] == ["c000", "zz"]
        assert columns["score"][first : first + 2] == [0.9, 0.899]
        assert rows["shown"]["score"][first : first + 2] == ["0.900", "0.899"]
        assert rows["suites"][0]["columns"] == ["score", "held"] or rows["suites"][0]["columns"] == ["score"]

    def test_each_case_is_on_the_page_or_in_an_island(self, text):
        run_id, ledger = text
        rendered = render_report(ledger, run_id)
        rows = json.loads(island(rendered, "rows"))
        here = []
        for nodeid, place in zip(rows["columns"]["nodeid"], rows["columns"]["details"], strict=True):
            wanted = f'<article id="{route("case", nodeid)}"'
            if place is None:
                assert wanted in rendered
                here.append(nodeid)
            else:
                batch = fragments(rendered, f"details-{place // rows['cases']}")
                assert batch[place % rows["cases"]].strip().startswith(wanted)
        assert here == ["zz.suite.yaml::zz"]

    def test_the_page_is_as_large_as_it_may_be(self, text, monkeypatch):
        run_id, ledger = text
        rendered = render_report(ledger, run_id, size=0)
        assert island(rendered, "details-0") is None
        assert island(rendered, "sources-0") is None
        assert len(json.loads(island(rendered, "rows"))["columns"]["nodeid"]) == 152
        monkeypatch.setattr(islands, "MAX_DETAILS", 60)
        monkeypatch.setattr(islands, "CASES", 50)
        rendered = render_report(ledger, run_id)
        assert len(fragments(rendered, "details-1")) == 10
        assert json.loads(island(rendered, "rows"))["columns"]["details"].count(None) == 92
        assert len(rendered) < 200_000
        found = page.gather(ledger, run_id)
        loud = sum(c.urgency < page.Urgency.OTHER for c in found.candidates)
        monkeypatch.setattr(islands, "MAX_QUIET", 5)
        assert loud + 5 < 60
        assert islands.in_full(found, 0) == found.urgent[: loud + 5]

    def test_a_larger_page_has_more_cases_in_full(self, text, monkeypatch):
        run_id, ledger = text
        monkeypatch.setattr(islands, "MAX_DETAILS", 40)
        monkeypatch.setattr(islands, "MAX_QUIET", 10)
        urgent = [c.row["nodeid"] for c in page.gather(ledger, run_id).urgent]
        counts = []
        for times in (0.5, 1, 2, 3.5, 10):
            rows = json.loads(island(render_report(ledger, run_id, size=int(REPORT_BYTES * times)), "rows"))["columns"]
            places = dict(zip(rows["details"], rows["nodeid"], strict=True))
            places.pop(None, None)
            assert [places[place] for place in range(len(places))] == urgent[1 : 1 + len(places)]  # one is there
            counts.append(len(places))
        loud = counts[0] - 10
        assert counts == [loud + 10, loud + 10, loud + 20, loud + 35, 151]

    def test_as_many_cases_as_fit_are_there(self, text):
        run_id, ledger = text
        whole = render_report(ledger, run_id)
        found = re.findall(r'id="((?:details|sources)-\d+)">([^<]*)', whole)
        size = len(whole.encode()) - sum(len(content) for _, content in found) + len(found[0][1]) // 2
        small = render_report(ledger, run_id, size=size)
        assert len(small.encode()) <= size
        assert 20 <= len(fragments(small, "details-0")) < len(fragments(whole, "details-0"))
        assert island(small, "sources-0") is None

    @pytest.mark.parametrize(
        ("changes", "urgency"),
        [
            ({"status": "wrong", "score": 0.1}, page.Urgency.FAILING),
            ({"attempts": 2}, page.Urgency.UNCONFIRMED),
            ({"score": 0.85}, page.Urgency.CHANGED),
            ({"content": "edited"}, page.Urgency.CHANGED),
            ({"suite": "new.suite.yaml"}, page.Urgency.CHANGED),
            ({}, page.Urgency.LEADER),
            ({"status": "skipped", "score": None, "why": "no GPU"}, page.Urgency.CHANGED),
            ({"status": "wrong", "score": 0.1, "expect": "wrong"}, page.Urgency.CONTROL),
            ({"status": "ok", "expect": "wrong"}, page.Urgency.FAILING),
        ],
    )
    def test_the_order_in_which_cases_get_room(self, path, changes, urgency):
        before, second = make_evaluation("a", attempts=0), make_evaluation("b", attempts=0, score=0.81)
        now = make_evaluation("a", **({"attempts": 0} | changes))
        ids = fill(path, [before, second], [now, second])
        with Ledger.read(path) as ledger:
            found = {c.row["subject"]: c.urgency for c in page.gather(ledger, ids[-1]).candidates}
        assert found["a"] is urgency
        assert found["b"] in (page.Urgency.OTHER, page.Urgency.LEADER)


def test_an_unfinished_and_empty_run(path):
    found = document(path, [])
    assert "This run judged nothing." in found.text
    with Ledger.open(path) as ledger:
        from tests.ledger.factory import make_run

        ledger.begin(make_run(5, tier=None))
        text = Document(render_report(ledger)).text
    assert "Running: nothing was judged yet (this run has not ended)" in text
    assert "not finished" in text
    assert "no case of this run used one" in text


def test_undefined_values_are_dashes(path):
    made = make_evaluation("n", score=None, status="noisy", median_ms=None, peak_mb=None, attempts=0, gate=None)
    assert "—" in document(path, [made]).text


class TestWriting:
    def test_the_file_is_replaced_at_once(self, tmp_path, path):
        fill(path, [make_evaluation()])
        target = tmp_path / "reports" / "index.html"
        with Ledger.read(path) as ledger:
            assert write_report(ledger, None, target) == target
            first = target.read_text()
            write_report(ledger, None, target)
        assert first.startswith("<!doctype html>")
        assert [p.name for p in target.parent.iterdir()] == ["index.html"]
        assert target.stat().st_mode & 0o777 == 0o644

    def test_it_says_what_is_wrong(self, tmp_path, path):
        fill(path, [make_evaluation()])
        (tmp_path / "taken").mkdir()
        (tmp_path / "file").touch()
        with Ledger.read(path) as ledger:
            for target in (tmp_path / "taken", tmp_path / "file" / "index.html"):
                with pytest.raises(CrucibleError, match="cannot be written") as caught:
                    write_report(ledger, None, target)
                assert "--report" in caught.value.fix
            with pytest.raises(LedgerError, match="no run"):
                write_report(ledger, "nope", tmp_path / "x.html")
        assert sorted(p.name for p in tmp_path.iterdir() if "html" in p.name or p.name.startswith(".")) == []


FACTS = st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.floats()), max_size=3)


@settings(max_examples=3, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(st.lists(st.tuples(st.text(), st.text(), FACTS), min_size=1, max_size=8))
def test_any_text_gives_a_well_formed_page(tmp_path_factory, cases):
    path, made = tmp_path_factory.mktemp("any") / "l.db", []
    for number, (name, why, facts) in enumerate(cases):
        found = Counterexample(question=why, expected=name, observed=why)
        one = make_evaluation("n" + name, case=f"{number}{name}", status="wrong", why="w" + why, counterexample=found)
        made.append(one.model_copy(update={"evidence": one.evidence.model_copy(update={"facts": facts})}))
    ids = fill(path, made)
    with Ledger.read(path) as ledger:
        text = render_report(ledger, ids[0])
    pages = [Document(text), *map(Document, pictures(text))]
    assert not any("\x1b" in part or "\u202e" in part for one in pages for part in one.parts)
