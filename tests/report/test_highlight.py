"""Highlighting: a source becomes markup once in a process, however many pages show it."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pygments.lexers import PythonLexer

from harness.report import highlight

OF_PYGMENTS = PythonLexer(stripnl=False, ensurenl=False)
ROOT = Path(__file__).resolve().parents[2]

SOURCE = "def f(x):\n    return '<b>'  # why\n"


def test_a_source_is_highlighted_once_for_all_pages_of_a_process(monkeypatch):
    class Counted:
        calls = 0

        def get_tokens(self, text):
            self.calls += 1
            return lexer.get_tokens(text)

    lexer, counted = highlight._lexer("python"), Counted()
    monkeypatch.setattr(highlight, "_lexer", lambda _language: counted)
    highlight._highlighted.cache_clear()
    first = highlight.lines(SOURCE, "python")
    assert first[0].startswith('<span class="k">def</span> <span class="f">f</span>(x)')
    assert "&lt;b&gt;" in first[1]
    assert '<span class="c"># why</span>' in first[1]
    kept = list(first)
    first.clear()  # a caller's list is its own
    assert highlight.lines(SOURCE, "python") == kept
    assert highlight.lines(SOURCE + "x = 1\n", "python") != kept
    assert counted.calls == 2


PIECES = st.sampled_from([
    "def", "class", "async", "await", "match", "case", "type", "print", "lambda", "import", "from", "lazy", "in", "not",
    "None", "_", "self", "name", "__init__", "__x", "x2", "rb", "f", "'", '"', '"""', "'''", "\\", "\n", "\n    ", " ",
    "\t", "#", "@", ".", "...", "1", "2.5e3", ".5", "0x1f", "1_0j", ":=", "->", "!=", "*", "(", ")", "[", "]", "{", "}",
    ",", ":", "=", "é", "²", "→", "$", "`", ";", "%d", "{0}",
    "yield from",
])  # fmt: skip


def colours(lexer, text):
    """The class of each character of a source."""
    return [class_ for kind, value in lexer.get_tokens(text) for class_ in [highlight._class(kind)] * len(value)]


@example("x = rb'a', (f'{b}')")
@example("if x: @print\n  @if")
@example('x\n  """a\\""""if\n')
@example("x.5 + y.z.if")
@example(" x²if, not_in.__init__, isin in")
@given(st.lists(PIECES, max_size=30).map("".join))
def test_a_run_of_what_has_no_colour_changes_no_colour(text):
    assert colours(highlight._lexer("python"), text) == colours(OF_PYGMENTS, text)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "tests" / "attacks" / "candidates").glob("h0*.py")), ids=lambda p: p.stem
)
def test_a_source_has_the_colours_that_pygments_gives_it(path):
    text = path.read_text(encoding="utf-8", errors="replace")
    assert colours(highlight._lexer("python"), text) == colours(OF_PYGMENTS, text)
