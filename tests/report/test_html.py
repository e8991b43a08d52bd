"""The page: offline, safe, complete."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.errors import CrucibleError, LedgerError
from harness.core.evidence import Counterexample
from harness.ledger.store import Ledger
from harness.report import page
from harness.report.html import render_report, write_report
from tests.ledger.factory import fill, make_evaluation

VOID = {"meta", "rect"}


class Document(HTMLParser):
    """What a browser would see: elements, text, attributes, and whether every element is closed."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.parts = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.parts.append(data)

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
        "20261122-110200-000002", "finished", "tier B", "clamp.suite.yaml", "k.suite.yaml", "0.900", "+0.050 ▲",
        "loop≠functional", "score 0.3 fails >= 0.8", "Q?", "E!", "O!", "Controls: 1 of 1 as expected",
        "no CUDA device", "python", "3.11", "pytest 'clamp.suite.yaml::wrong' --epoch 4 --secret-seed 7",
        "namespaces", "correctness", "Attempts", "20261122-110100-000001",
    ):  # fmt: skip
        assert needed in text, needed


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
    assert not tags & {"script", "img", "iframe", "link", "object", "embed", "form", "base", "image", "use"}
    for _, attributes in found.elements:
        assert not any(name.startswith("on") or name in ("style", "src", "srcdoc", "action") for name in attributes)
        assert attributes.get("href", "#").startswith("#")


def test_the_style_is_what_the_policy_allows(path):
    ids = fill(path, [make_evaluation()])
    with Ledger.read(path) as ledger:
        text = render_report(ledger, ids[0])
    [style] = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    wanted = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    [policy] = [a["content"] for t, a in Document(text).elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert f"style-src 'sha256-{wanted}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "prefers-color-scheme: dark" in style


def test_tables_name_their_headers_and_links_lead_somewhere(path):
    made = [make_evaluation(f"c{i}", score=0.1 if i % 2 else 0.9) for i in range(6)]
    found = document(path, made)
    assert all(a.get("scope") in ("col", "row") for t, a in found.elements if t == "th")
    ids = [a["id"] for _, a in found.elements if "id" in a]
    assert len(ids) == len(set(ids))
    links = [a["href"][1:] for t, a in found.elements if t == "a"]
    assert len(links) == 6
    assert set(links) <= set(ids)
    assert all(a.get("aria-label") for t, a in found.elements if t == "svg")


def test_anchors_are_readable_and_unique():
    assert page.anchor("a.suite.yaml::good").startswith("case-a.suite.yaml-good-")
    assert page.anchor("a::b c") != page.anchor("a::b/c")
    assert " " not in page.anchor("a \ud800 b")


def test_long_tables_are_summarised(path, monkeypatch):
    monkeypatch.setattr(page, "MAX_ROWS", 10)
    monkeypatch.setattr(page, "MAX_CARDS", 8)
    made = [make_evaluation(f"c{i:02}", score=0.9 - i / 100) for i in range(10)]
    made += [make_evaluation(f"w{i:02}", score=0.1, status="wrong") for i in range(20)]
    found = document(path, made)
    assert "20 candidates more: 20 wrong. The ledger keeps all of them." in found.text
    assert "22 cases more" in found.text
    cards = [a for t, a in found.elements if t == "details" and "card" in a["class"]]
    assert [c["class"].split()[1] for c in cards] == ["bad"] * 6 + ["good"] * 2


def test_an_unfinished_and_empty_run(path):
    found = document(path, [])
    assert "This run judged nothing." in found.text
    with Ledger.open(path) as ledger:
        from tests.ledger.factory import make_run

        ledger.begin(make_run(5, tier=None))
        text = Document(render_report(ledger)).text
    assert "running" in text
    assert "not finished" in text
    assert "no sandbox used" in text


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


@settings(max_examples=20, deadline=None)
@given(st.text(), st.text(), st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.floats()), max_size=3))
def test_any_text_gives_a_well_formed_page(tmp_path_factory, name, why, facts):
    path = tmp_path_factory.mktemp("any") / "l.db"
    made = make_evaluation("n" + name, case=name, status="wrong", why="w" + why, score=0.2)
    made = made.model_copy(update={"evidence": made.evidence.model_copy(update={"facts": facts})})
    found = document(path, [made])
    assert not any("\x1b" in text or "\u202e" in text for text in found.parts)
