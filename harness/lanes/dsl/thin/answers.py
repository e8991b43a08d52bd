"""Answers: what a person or a model said to the questions of a program, bound to the questions' ids."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from harness.core.errors import SpecError
from harness.core.frozen import Frozen

MAX_BYTES = 1 << 20


class Answer(Frozen):
    """One answer."""

    question: str
    """The id the program shows when it stops."""
    answer: str
    source: str = "file"
    """Who said so: a person, a model and its version."""
    prompt: str = ""
    """The question's words, for readers of the file."""


class Answers(Frozen):
    """An answers file: `{"answers": [...]}`, JSON so that it cannot grow when it is read."""

    answers: tuple[Answer, ...]

    def find(self, question: str) -> Answer | None:
        """The answer to a question, if there is one."""
        return next((a for a in self.answers if a.question == question), None)


def read_answers(path: Path) -> Answers:
    """Read an answers file.

    Raises:
        SpecError: if it is not one, or answers a question twice.
    """
    data = path.read_bytes()
    fix = '{"answers": [{"question": "<id>", "answer": "..."}]}'
    if len(data) > MAX_BYTES:
        raise SpecError(f"larger than {MAX_BYTES} bytes", where=str(path))
    try:
        found = Answers.model_validate(json.loads(data))
    except ValidationError as error:
        first = error.errors()[0]
        raise SpecError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}", where=str(path), fix=fix) from error
    except (ValueError, RecursionError) as error:
        raise SpecError(f"not JSON: {error}", where=str(path), fix=fix) from error
    ids = [a.question for a in found.answers]
    for question in ids:
        if ids.count(question) > 1:
            raise SpecError(f"question {question} is answered twice", where=str(path), fix="keep one")
    return found
