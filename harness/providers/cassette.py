"""CassetteProvider: records the answers of another provider and replays them.

The key of a recording covers everything the answer depends on: the rendered prompt, the role, the answer's schema and
the model's parameters, and a counter for equal questions. Transport data (addresses, headers, dates) is not part of it.
"""

from __future__ import annotations

import difflib
import json
import threading
from pathlib import Path

from pydantic import ValidationError

from harness.core.digest import digest_json, short
from harness.core.errors import SpecError, UsageError
from harness.core.frozen import Frozen
from harness.core.named_path import read_file, require_writable, write_file
from harness.core.os_fault import fix_of
from harness.providers.fault import ProviderError
from harness.providers.question import Provider, Question, Reply

FORMAT = 1


class Recording(Frozen):
    """One question and its answer."""

    key: str
    occurrence: int
    question: Question
    reply: Reply


class Tape(Frozen):
    """The content of a cassette file."""

    format: int = FORMAT
    recordings: tuple[Recording, ...] = ()


class CassetteProvider:
    """Answers from recordings; with `inner`, records missing answers.

    Args:
        inner: The provider that answers questions without a recording; None to replay only.

    Raises:
        SpecError: if the file is not a valid cassette, or its format is newer.
        UsageError: if answers are to be recorded, and the file cannot be written.
    """

    name = "cassette"

    def __init__(self, path: Path, *, inner: Provider | None = None) -> None:
        self._path, self._inner = path, inner
        self._tape = {(r.key, r.occurrence): r for r in _read(path).recordings} if path.exists() else {}
        if inner is not None:
            try:
                require_writable(path)
            except OSError as error:
                what = f"the cassette cannot be written: {error.strerror}"
                raise UsageError(what, where=str(path), fix=fix_of(error)) from error
        self._asked: dict[str, int] = {}
        self._lock = threading.Lock()
        self.is_interactive = getattr(inner, "is_interactive", False)
        self.answers_several = inner is None or getattr(inner, "answers_several", False)

    def answer(self, question: Question) -> Reply | None:
        """The recorded answer, or the answer of `inner`, which is then recorded.

        Raises:
            ProviderError: if there is neither; its fix shows how the nearest recording differs.
        """
        asked = [question.prompt, question.role, question.answer_schema, question.parameters, question.to]
        key = short(digest_json(asked))  # everything that an answer depends on
        with self._lock:
            occurrence = question.occurrence or self._asked.get(key, 0) + 1
            found = self._tape.get((key, occurrence))
            if found is not None:
                self._asked[key] = occurrence
                return found.reply
        if self._inner is None:
            what = f"no recording of question {question.id} ({question.label}), occurrence {occurrence}"
            raise ProviderError(what, where=str(self._path), fix=self._nearest(question, key), status="protocol")
        reply = self._inner.answer(question)
        if reply is not None:
            with self._lock:
                self._asked[key] = occurrence
                self._tape[key, occurrence] = Recording(key=key, occurrence=occurrence, question=question, reply=reply)
                self._save()
        return reply

    def _nearest(self, question: Question, key: str) -> str:
        if any(recorded == key for recorded, _ in self._tape):
            return "the same question was recorded fewer times; record again"
        others = [recording.question for recording in self._tape.values()]
        if not others:
            return "the cassette is empty; record it with a model"
        best = max(others, key=lambda other: difflib.SequenceMatcher(None, other.prompt, question.prompt).quick_ratio())
        fields = [
            f"{name}: {getattr(best, name)!r} was recorded, {getattr(question, name)!r} is asked"
            for name in ("role", "answer_schema", "parameters", "to")
            if getattr(best, name) != getattr(question, name)
        ]
        lines = list(
            difflib.unified_diff(
                best.prompt.splitlines(), question.prompt.splitlines(), "recorded", "asked", lineterm="", n=1
            )
        )[:20]
        return "the nearest recording differs:\n    " + "\n    ".join([*fields, *lines])

    def _save(self) -> None:
        recordings = sorted(self._tape.values(), key=lambda r: (r.key, r.occurrence))
        text = Tape(recordings=tuple(recordings)).model_dump_json(indent=2) + "\n"
        write_file(self._path, text.encode("utf-8"))


def _read(path: Path) -> Tape:
    fix = "record it again"
    try:
        data = json.loads(read_file(path))
        if isinstance(data, dict) and isinstance(data.get("format"), int) and data["format"] > FORMAT:
            raise SpecError(f"cassette format {data['format']} is newer than {FORMAT}", where=str(path), fix="upgrade")
        return Tape.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(map(str, first["loc"]))
        raise SpecError(f"not a valid cassette: {at}: {first['msg']}", where=str(path), fix=fix) from error
    except (OSError, ValueError, RecursionError) as error:
        raise SpecError(f"not a valid cassette: {error}", where=str(path), fix=fix) from error
