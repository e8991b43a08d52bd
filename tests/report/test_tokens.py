"""Tokens: colours change no character of a source, and are those that Pygments gives."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pygments.lexers import get_lexer_by_name

from harness.report import highlight, words
from harness.report.tokens import LANGUAGES

ROOT = Path(__file__).resolve().parents[2]
CLASSES = {"Keyword": "k", "Comment": "c", "Literal.String": "s", "Literal.Number": "m", "Name.Function": "f",
           "Name.Class": "f", "Operator.Word": "k", "Name.Tag": "f"}  # fmt: skip


@pytest.mark.parametrize("language", ["", *LANGUAGES])
@settings(max_examples=60, deadline=None)
@given(st.one_of(st.text("\"'\\\n#ab1:-[]{}<&\t /*", max_size=80), st.text(max_size=40)))
@example('"""a\nb')
@example("x = '''<&>\n\\")
@example("a: 'b\nc: \u202e")
def test_colours_change_no_character(language, text):
    shown = highlight.lines(text, language)
    assert len(shown) == len(text.splitlines())
    for line, before in zip(shown, text.splitlines(), strict=True):
        root = ET.fromstring(f"<a>{line}</a>")  # each line is complete in itself
        assert "".join(root.itertext()) == words.printable(before.expandtabs(4))
        assert {one.attrib["class"] for one in root.iter("span")} <= set("kcsmf")


@pytest.mark.parametrize(
    ("language", "text", "wanted"),
    [
        ("python", "def f(x1): return rb'\\'#' # it's 1e-3", "k def|f f|k return|s rb'\\'#'|c # it's 1e-3"),
        ("python", "class A: x = 0x1F + 1e-3 + 2.5j", "k class|f A|m 0x1F|m 1e-3|m 2.5j"),
        ("python", 'a = "open\nb = 1', 's "open|m 1'),
        ("yaml", "why: don't  # no\n- 'it': [\"a#b\", 3]", "f why|c # no|s 'it'|s \"a#b\""),
        ("json", '{"a": [true, -1.5, "b:"]}', 'f "a"|k true|m 1.5|s "b:"'),
        ("sql", "SELECT 'it''s' FROM t -- all", "k SELECT|s 'it'|s 's'|k FROM|c -- all"),
        ("toml", '[a.b]\nc = "d" # e\nf = true', 'k [a.b]|s "d"|c # e|k true'),
    ],
)
def test_tokens_have_their_classes(language, text, wanted):
    found = [f"{kind} {text[start:end]}" for start, end, kind in LANGUAGES[language].tokens(text)]
    assert "|".join(found) == wanted


def test_pygments_gives_the_same_colours():
    files = [*ROOT.glob("candidates/*/*.py"), *ROOT.glob("kernels/*/*.py"), *ROOT.glob("specs/grammars/*.yaml")]
    assert len(files) > 40
    for file in files:
        text, language = file.read_text(), highlight.language_of(file.name)
        ours, theirs = [""] * len(text), []
        for start, end, kind in LANGUAGES[language].tokens(text):
            ours[start:end] = kind * (end - start)
        for kind, value in get_lexer_by_name(language, stripnl=False, ensurenl=False).get_tokens(text):
            name = str(kind).removeprefix("Token.")
            theirs += [next((class_ for start, class_ in CLASSES.items() if name.startswith(start)), "")] * len(value)
        code = [place for place, character in enumerate(text) if re.match(r"[\w#\"']", character)]
        # Pygments colours names within the braces of an f-string as names, and a string's quotes as its content.
        differs = [place for place in code if ours[place] != theirs[place]]
        assert len(differs) <= 0.06 * len(code), (file.name, text[differs[0] : differs[0] + 40])
