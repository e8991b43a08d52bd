"""Highlighting: a source becomes markup once in a process, however many pages show it."""

from harness.report import highlight

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
