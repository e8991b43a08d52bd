"""QuestionHandler: questions go to a provider, answers come back bound to their questions."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from harness.core.errors import UsageError
from harness.dsl.eventlog.runlog import RunLog
from harness.dsl.machine.external_effects import Query
from harness.dsl.machine.machine import Machine
from harness.dsl.machine.typed_reply import typed
from harness.dsl.machine.value_storage import restore_value
from harness.dsl.tools.request import Response
from harness.dsl.values import MismatchError
from harness.providers.fault import ProviderError

if TYPE_CHECKING:
    from harness.providers.question import Provider, Question


class QuestionHandler:
    """Asks the provider of one run.

    Args:
        provider: Answers the questions; None: every question suspends the run.
        concurrency: Questions asked at the same time, if the provider can answer several.

    Attributes:
        is_interactive: Whether a person at the terminal answers.
        refused: Why answers of a file were refused, by question; those questions stay open.
    """

    def __init__(self, provider: Provider | None, *, concurrency: int = 1) -> None:
        self._provider = provider
        self.is_interactive: bool = getattr(provider, "is_interactive", False)
        self.refused: dict[str, str] = {}
        self._free = threading.Semaphore(concurrency if getattr(provider, "answers_several", False) else 1)

    def ask(self, query: Query) -> Response | None:
        """The provider's answer; None if there is none now. Several threads may call it."""
        if self._provider is None:
            return None
        with self._free:
            try:
                reply = self._provider.answer(question_of(query))
            except ProviderError as error:
                return Response(error.status, why=str(error), source={"provider": self._provider.name})
        if reply is None:
            return None
        if reply.provider == "file":  # as with `answer`: a person's mistake does not end the run
            try:
                typed(reply.text, query.answer, foreign=True, calls="tools" in query.parameters)
            except MismatchError as error:
                self.refused[query.id] = f"the answer is not {query.answer}: {error}"
                return None
        return Response("ok", reply.text, source=reply.provenance, tokens=reply.tokens)


def question_of(query: Query) -> Question:
    """A query in the form that providers take."""
    from harness.providers.question import Question

    return Question(
        id=query.id,
        prompt=query.prompt,
        role=query.role,
        answer_schema=dict(query.schema),
        label=query.label,
        to=query.to,
        parameters=dict(query.parameters),
        occurrence=query.occurrence,
        timeout_s=query.timeout_s,
    )


def give_answer(machine: Machine, log: RunLog, question: str, text: str, *, source: str, where: str) -> str:
    """Bind an answer to the question that waits for it; see `Session.answer`.

    Args:
        log: Of the run; the answer is committed to it.
        source: Where the answer comes from; part of the event.
        where: The run's folder, for messages.
    """
    for fiber in machine.state.waiting:
        if fiber.intent is not None and fiber.intent.question == question:
            query = next(query for query in machine.questions if query.id == question)
            if machine.state.status not in ("running", "budget"):
                what = f"the run has ended ({machine.status}): question {question} stays open"
                raise UsageError(what, where=where, fix=f"fork it at event {fiber.intent.seq}")
            try:
                typed(text, query.answer, foreign=True, calls="tools" in query.parameters)
            except MismatchError as error:
                raise UsageError(
                    f"the answer is not {query.answer}: {error}",
                    where=f"question {question}",
                    fix=f"answer with JSON of this shape: {json.dumps(query.schema)}",
                ) from error
            origin: dict[str, Any] = {"provider": "person", **({"source": source} if source else {})}
            machine.settle(fiber, Response("ok", text, source=origin))
            log.commit(boundary=True)
            return "answered"
    return _repeated_answer(machine, log, question, text, where)


def _repeated_answer(machine: Machine, log: RunLog, question: str, text: str, where: str) -> str:
    """`known` if this very answer was given before; a different answer is an error."""
    keys = {}
    for event in log.events():
        value = event.value
        if value["k"] == "asked" and value["id"] == question:
            keys[value["key"]] = event.seq
        elif value["k"] == "answered" and value["key"] in keys:
            given = restore_value(value["value"], log.blobs)
            if given == text or str(given) == text.strip():
                return "known"
            what = f"question {question} already has a different answer (event {event.seq})"
            fix = f"fork the run from event {keys[value['key']]} to try another answer"
            raise UsageError(what, where=where, fix=fix)
    waits = ", ".join(query.id for query in machine.questions) or "none"
    raise UsageError(f"the run has asked no question {question}", where=where, fix=f"it waits for: {waits}")
