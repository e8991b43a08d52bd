"""Glossary: the words and signs of the page, and links to them where they first stand."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from markupsafe import Markup, escape

from harness.core.slug import slug
from harness.core.status import Status
from harness.report.markup import coded, element, made, text_of


class Entry(NamedTuple):
    """One entry.

    Attributes:
        names: The words or signs, as the page writes them.
        meaning: What they mean; an option in backquotes is code.
    """

    names: tuple[str, ...]
    meaning: str

    @property
    def address(self) -> str:
        """Where the page explains it, which is also its HTML id."""
        return _address(self.names)


@cache
def _address(names: tuple[str, ...]) -> str:
    return f"/words/{slug(next((name for name in names if name[0].isalpha()), 'none'))}"


GLOSSARY = tuple(
    Entry(tuple(names.split(" | ")), meaning)
    for names, meaning in {
        "lane": (
            "one kind of artefact and how it is judged: toolgen judges tools, spec patches of a grammar, dsl programs, "
            "kernel GPU kernels"
        ),
        "suite": "a file that says what is judged",
        "candidate": "an artefact that competes in a suite",
        "control": "a candidate whose verdict is known; if it gets another one, the run proves nothing",
        "gate": "a bound that a case or the whole run must keep",
        "epoch": "the place on a schedule by which limits of time and memory tighten (`--epoch N`)",
        "secret seed": (
            "what the hidden inputs of a run are made from; with the same seed a command asks the same questions"
        ),
        "hash seed": (
            "the seed of Python's hashes in one attempt (`PYTHONHASHSEED`): attempts differ in it, so an answer that "
            "depends on the order of a set is flaky"
        ),
        "tier": "how well the sandbox isolates on this machine, from A, the best, to E, not at all",
        "rank | 1\N{EN DASH}3 | tied": "the place in a suite; a range where noise hides the order",
        "? | unconfirmed": "leads its suite, but is not confirmed on fresh inputs yet (`--confirm`)",
        "front": "the passing candidates that no other of the ledger equals or beats in everything that is measured",
        "failure rate | below 20 %": "the failure rate that the attempts leave possible, at 95 % confidence",
        "change": "of the score since the run compared with; = if there is none, “edited” if the content differs",
        "within noise": "the 95 % intervals of the two scores meet: measured again, the order may be another one",
        "regressed | regression": "it passed in the run compared with, and fails now",
        "new case": "the run compared with does not have it, whether it passes or fails",
        "reused": "a verdict of an earlier run that still applies, because nothing that it depends on has changed",
        "style | loop≠trie": "the way of working that a candidate declares; after ≠ the one that its code shows",
        "group": "who made a candidate, where it says so: its generator",
        "hand-off": "a candidate with wrong answers that waits for repair",
        "ok | wrong": (
            "all answers are right; an answer is not (where all are right and the case fails, it “fails a gate”)"
        ),
        "crash | protocol | timeout | memory | output": (
            "it raised an error or ended, broke the agreed form of answers, or exceeded a limit of time, memory or "
            "output"
        ),
        "forbidden": "it uses what its suite does not allow, and was not run",
        "flaky | noisy": "the same question had two answers; times differ too much to decide",
        "review | skipped | infra": (
            "waits for an answer or a person; was not run, for the reason given; could not be judged, through no fault "
            "of the candidate"
        ),
        "—": "not measured or not defined, which is not 0",
    }.items()
)
ENTRIES = {name: entry for entry in GLOSSARY for name in entry.names}
# In a sentence, words such as `output` and `memory` are not statuses.
LINKED = sorted(
    (name for name in ENTRIES if name[0].isalpha() and (name == "infra" or name not in set(Status))),
    key=len,
    reverse=True,
)
WORD = re.compile(rf"(?<![\w/.:-])(?:{'|'.join(map(re.escape, LINKED))})s?(?![\w/.:-]*\w)", re.IGNORECASE)
TAG = re.compile(r"(<code>.*?</code>|<[^>]*>)")


class Linker:
    """Links each word of the glossary where it first stands on one page."""

    def __init__(self) -> None:
        self._linked: set[str] = set()

    def __call__(self, text: str) -> Markup:
        """A sentence of ours, or markup without links, with links."""
        parts = TAG.split(text if isinstance(text, Markup) else str(coded(text)))
        return made("".join(part if n % 2 else WORD.sub(self._link, part) for n, part in enumerate(parts)))

    def chip(self, status: str) -> Markup:
        """A status as a chip, linked where it first stands."""
        kind = f"chip chip-{status.partition(' ')[0]}"
        entry = ENTRIES.get(status, ENTRIES["gate"])
        if not self._is_first(entry):
            return element("span", status, class_=kind)
        return element("a", status, class_=f"{kind} term", href=f"#{entry.address}")

    def lane(self, name: str) -> Markup:
        """The name of a lane, linked where one first stands."""
        if not self._is_first(ENTRIES["lane"]):
            return element("span", name, class_="lane")
        return element("a", name, class_="lane term", href=f"#{ENTRIES['lane'].address}")

    def _link(self, found: re.Match[str]) -> str:
        name = found[0].lower()
        entry = ENTRIES.get(name) or ENTRIES[name.removesuffix("s")]
        if not self._is_first(entry):
            return found[0]
        return f'<a class="term" href="#{text_of(entry.address)}">{escape(found[0])}</a>'

    def _is_first(self, entry: Entry) -> bool:
        is_first = entry.address not in self._linked
        self._linked.add(entry.address)
        return is_first
