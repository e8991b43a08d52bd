"""PersonProvider: asks the person at the terminal."""

from __future__ import annotations

import sys
from typing import TextIO

from harness.core.clip import visible
from harness.providers.question import Question, Reply

END = "."  # the line that ends an answer; the end of input also ends it


class PersonProvider:
    """Shows the question and reads lines up to `.` or the end of input.

    Args:
        source: Stream that answers are read from; by default stdin.
        display: Stream that questions are written to; by default stderr, since stdout is for data.
    """

    name = "person"
    is_interactive = True

    def __init__(self, source: TextIO | None = None, display: TextIO | None = None) -> None:
        self._source = sys.stdin if source is None else source
        self._display = sys.stderr if display is None else display

    def answer(self, question: Question) -> Reply | None:
        """The lines that the person enters; None if they are blank."""
        show = self._display
        print(f"\n? {question.id}{f' · to {visible(question.role)}' if question.role else ''}", file=show)
        print(visible(question.prompt, keep="\n\t"), file=show)
        if question.structured:
            import json

            print(f"answer as JSON: {json.dumps(question.answer_schema)}", file=show)
        print(f"(end with a line `{END}`)", file=show, flush=True)
        lines = []
        for line in self._source:
            if line.rstrip("\r\n") == END:
                break
            lines.append(line.rstrip("\r\n"))
        text = "\n".join(lines)
        return Reply(text=text, provider=self.name) if text.strip() else None
