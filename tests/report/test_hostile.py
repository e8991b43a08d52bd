"""Text that a candidate chose is shown, and does nothing, in every output: terminal, CI log, summary page, verbs."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.cli import main
from harness.report import words

TEXTS = (
    "x\n::error::y",
    "\x1b[31mred\x1b[2J",
    "a\r::stop-commands::token",
    "\u202egpj.exe\u2066 \u200b",
    "   ::add-mask::x",
    "##[error]z",
    "\u0301\u0301",
    "tab\tnul\x00\x9b31m",
    "\x85::warning::\u2028::debug::",
)
HOSTILE = """

import functools, json
TEXTS = json.loads({texts!r})


class Hostile(Words):
    name = "hostile"

    def collect(self, suite):
        for number, text in enumerate(TEXTS):
            for kind in ("wrong", "raise", "ok", "skipped", "review"):
                subject = harness.Subject.from_bytes(text, f"{{kind}}{{number}}".encode())
                yield harness.Case(
                    lane=self.name, suite=suite.name, name=f"{{kind}}{{number}}", title=text, policy=suite.policy,
                    subject=subject.model_copy(update={{"style": text, "group": text, "parents": (text,)}}),
                    inputs={{"kind": kind, "text": text}},
                )

    def evaluate(self, case, context):
        kind, text = case.inputs["kind"], case.inputs["text"]
        if kind == "raise":
            raise RuntimeError(text)
        found = harness.core.evidence.Counterexample(question=text, expected=text, observed=text)
        return harness.Evidence(
            status=kind, why="" if kind == "ok" else text, counterexample=found, limits_hit=(text,), notices=(text,),
            facts={{"style_detected": text, "metadata": {{"problem": text}}, "output": text}},
        )

    def score(self, evidence, policy):
        return judge(evidence, policy, [Component(name=evidence.facts.get("output", "x"), value=0.5, weight=1.0)])


import harness.core.evidence


@hookimpl(specname="crucible_lanes")
def more_lanes():
    return [Hostile()]
"""


def harmless(text):
    """Every line is printable, and none is a workflow command but our own annotations."""
    for line in text.split("\n"):
        assert line.isprintable(), repr(line)
        assert "##[" not in line
        if line.lstrip().startswith("::"):
            assert re.match(r"::error (file=[^:,]*,(line=\d+,)?)?title=[^:]*::", line), line
            assert "::" not in line.partition("title=")[2].partition("::")[0]


@pytest.fixture
def hostile(project, monkeypatch):
    import json

    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text() + HOSTILE.format(texts=json.dumps(TEXTS)))
    project.put("a.suite.yaml", "lane: hostile\ngates: {score: 0.4}\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project.path / "summary.md"))
    return project


def test_every_output_is_harmless(hostile, capsys):
    options = ("--gate", 'count(why == "::error::x") == 1', "--junitxml", "junit.xml", "-rA")
    for more in (("-v",), ("-q", "--tb=no", "-n1")):
        harmless(hostile.run(*options, *more).stdout.str())
    harmless(hostile.run("--collect-only").stdout.str())
    harmless((hostile.path / "summary.md").read_text())
    for one in ET.parse(hostile.path / "junit.xml").getroot().iter("property"):
        harmless(one.get("value"))
    ledger = ("--ledger", str(hostile.path / "reports/ledger.db"))
    verbs = (
        "top", "show wrong0", "show --run latest", "diff", "trend", "pareto", "lineage wrong0", "trend wrong1",
        "stability wrong2", "top --pass-at 1", "pareto --all",
    )  # fmt: skip
    for verb in verbs:
        capsys.readouterr()
        name, *rest = verb.split()
        rest = [f"a.suite.yaml::{word}" if word.startswith("wrong") else word for word in rest]
        main([name, *rest, *ledger])
        out, err = capsys.readouterr()
        harmless(out + err)


def test_the_verdict_on_a_file_with_a_hostile_name(tmp_path, capsys):
    """By its name, and by a message of its own."""
    assert main(["init", str(tmp_path / "p")]) == 0
    capsys.readouterr()
    (tmp_path / "x\n::error::y.py").write_text("raise ValueError('\\n::error::z\\x1b[2J')\n")
    for name in ("x\n::error::y.py", "absent\r\n::error::.py"):
        main(["judge", str(tmp_path / name), "--tool", str(tmp_path / "p/specs/tools/slugify"), "--min-tier", "E"])
        out, err = capsys.readouterr()
        assert "error::" in out + err
        harmless(out + err)


@given(st.text())
@example("::x")
@example("  ::x")
@example("a##[b##[c")
def test_printable_is_harmless_and_stable(text):
    shown = words.printable(text)
    harmless(shown)
    assert words.printable(shown) == shown


@given(st.text(), st.sampled_from(["ascii", "latin-1", "utf-8", "cp1252", None, "nonsense"]))
@example("─ 12 µs ▁█ … ≠", "ascii")
def test_what_is_written_can_be_encoded(text, encoding):
    shown = words.encodable(text, encoding)
    if encoding not in ("nonsense", None, "utf-8"):
        assert shown.encode(encoding).decode(encoding) == shown
