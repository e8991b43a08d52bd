"""FileProvider: reads answers from a file, each identified by the id of its question.

There are two forms. `answers.json` holds any number of answers: `{"answers": [{"question": "<id>", "answer": "..."}]}`.
`response.txt`, like a chat export, holds one: the first line is `question: <id>`, the rest is the answer.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from harness.core.errors import SpecError
from harness.core.frozen import Frozen
from harness.core.named_path import read_file
from harness.providers.question import Question, Reply

MAX_BYTES = 16 << 20
FIX = '{"answers": [{"question": "<id>", "answer": "..."}]}'
HEADER = "question:"


class Answer(Frozen):
    """One answer of a file."""

    question: str = Field(min_length=1)
    """The id displayed with the question."""
    answer: Any
    """A string, or a JSON value where the question has a schema."""
    source: str = ""
    """Origin of the answer: a person, or a model and its version."""
    prompt: str = ""
    """The question's prompt, for readers of the file."""

    @property
    def text(self) -> str:
        """The answer as a string; JSON values are serialised."""
        return self.answer if isinstance(self.answer, str) else json.dumps(self.answer, ensure_ascii=False)


class Answers(Frozen):
    """The content of a file of answers."""

    answers: tuple[Answer, ...] = ()

    def find(self, question: str) -> Answer | None:
        """The answer to the question with this id; None if there is none."""
        return next((answer for answer in self.answers if answer.question == question), None)


def read_answers(path: Path) -> Answers:
    """Read a file of answers in either form.

    Raises:
        SpecError: if the file has neither form, or answers a question twice.
    """
    text = _read(path)
    if text.startswith(HEADER):
        first, _, rest = text.partition("\n")
        answer = _stripped(rest)
        if not first.removeprefix(HEADER).strip():
            raise SpecError("its first line names no question", where=str(path), fix="write `question: <id>`")
        return Answers(answers=(Answer(question=first.removeprefix(HEADER).strip(), answer=answer, source="file"),))
    try:
        found = Answers.model_validate(json.loads(text))
    except ValidationError as error:
        first_error = error.errors()[0]
        at = ".".join(map(str, first_error["loc"]))
        raise SpecError(f"{at}: {first_error['msg']}", where=str(path), fix=FIX) from error
    except (ValueError, RecursionError) as error:
        raise SpecError(f"not JSON: {error}", where=str(path), fix=FIX) from error
    seen: set[str] = set()
    for answer_ in found.answers:
        if answer_.question in seen:
            raise SpecError(f"question {answer_.question} is answered twice", where=str(path), fix="keep one")
        seen.add(answer_.question)
    return found


def read_plain(path: Path) -> str | None:
    """The content of a file that holds only an answer; None if it names its questions, or is a `.json` file.

    Raises:
        SpecError: if it cannot be read.
    """
    if path.suffix == ".json":
        return None
    text = _read(path)
    if text.startswith(HEADER):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return _stripped(text)
    return None if isinstance(value, dict) and "answers" in value else _stripped(text)


def _stripped(text: str) -> str:
    return text.replace("\r\n", "\n").strip("\n")


def _read(path: Path) -> str:
    try:
        data = read_file(path, MAX_BYTES)
    except OSError as error:
        raise SpecError(f"cannot be read: {error.strerror}", where=str(path), fix=FIX) from error
    if len(data) > MAX_BYTES:
        raise SpecError(f"larger than {MAX_BYTES >> 20} MiB", where=str(path), fix=FIX)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SpecError(f"not UTF-8 at byte {error.start}", where=str(path), fix=FIX) from error


class FileProvider:
    """Answers from a file; a question without an answer in the file suspends the run.

    Args:
        path: The file; read again for each question, so answers can be added during a run. It need not exist.
    """

    name = "file"

    def __init__(self, path: Path) -> None:
        self._path = path

    def answer(self, question: Question) -> Reply | None:
        """The answer for this question's id; None if the file has none."""
        if not self._path.exists():
            return None
        found = read_answers(self._path).find(question.id)
        return None if found is None else Reply(text=found.text, provider=self.name, source=found.source)
