"""The words of the page: each is linked where it first stands, and each link leads to its entry."""

from __future__ import annotations

import re

import pytest
from markupsafe import Markup

from harness.core.status import Status
from harness.ledger.store import Ledger
from harness.report.glossary import ENTRIES, GLOSSARY, Linker
from harness.report.html import render_report
from tests.ledger.factory import fill, make_evaluation

TERM = re.compile(r'<a class="term" href="#(/words/[^"]*)">([^<]*)</a>')


def test_a_word_is_linked_where_it_first_stands():
    link = Linker()
    shown = link("2 of 3 gates fail; 4 candidates fail (1 new case); the gate of a candidate <b>")
    assert TERM.findall(shown) == [
        ("/words/gate", "gates"),
        ("/words/candidate", "candidates"),
        ("/words/new-case", "new case"),
    ]
    assert (
        TERM.sub(r"\2", shown) == "2 of 3 gates fail; 4 candidates fail (1 new case); the gate of a candidate &lt;b&gt;"
    )
    assert TERM.findall(link("Secret seed, hash seeds, gate")) == [
        ("/words/secret-seed", "Secret seed"),
        ("/words/hash-seed", "hash seeds"),
    ]


@pytest.mark.parametrize(
    "text", ["suites/gate.py", "my-control", "control::gate", "tiered", "`--epoch gate`", "memory"]
)
def test_names_and_code_are_not_words(text):
    assert "term" not in Linker()(text)


def test_markup_stays_as_it_is():
    shown = Linker()(Markup('<span title="gate">a<wbr>tied</span> <code>gate</code>'))
    assert shown == ('<span title="gate">a<wbr><a class="term" href="#/words/rank">tied</a></span> <code>gate</code>')


def test_each_status_has_an_entry_and_its_chip_leads_there_once():
    for status in Status:
        link = Linker()
        assert f'href="#{ENTRIES[status].address}"' in link.chip(status)
        assert "href" not in link.chip(status)
    assert f'href="#{ENTRIES["gate"].address}"' in Linker().chip("fails a gate")
    addresses = [entry.address for entry in GLOSSARY]
    assert len(set(addresses)) == len(addresses)


def test_every_part_of_the_page_links_its_words(tmp_path):
    made = [
        make_evaluation("a", score=0.9),
        make_evaluation("b", score=0.5, status="wrong"),
        make_evaluation("planted", status="wrong", expect="wrong", score=0.0),
    ]
    fill(tmp_path / "l.db", made, made)
    with Ledger.read(tmp_path / "l.db") as ledger:
        text = render_report(ledger)
    parts = dict(
        re.findall(r'<section id="(/[^"]*)"(.*?)(?=<section id="/|</noscript>|<div id="view")', text, re.DOTALL)
    )
    found = {name: [word for _, word in TERM.findall(part)] for name, part in parts.items()}
    assert found["/"][:2] == ["candidates", "control"]
    assert {"epoch", "tier", "secret seed"} <= set(found["/"])
    assert found["/suite/toolgen/clamp"][:3] == ["rank", "unconfirmed", "gates"]
    assert found["/controls"] == ["Candidates"]
    assert found["/environment"] == ["tiers", "Epoch"]
    assert found["/compare"] == ["change", "within noise", "control"]
    assert all(
        len(words) == len({word.lower() for word in words}) for name, words in found.items() if name != "/failing"
    )
    ids = set(re.findall(r' id="([^"]*)"', text))
    assert {address for address, _ in TERM.findall(text)} <= ids
