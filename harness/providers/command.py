"""CommandProvider: asks a program; it reads the question as JSON on stdin and prints the answer on stdout."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence

from harness.core.clip import clip
from harness.providers.fault import ProviderError
from harness.providers.question import Question, Reply

MAX_ANSWER_BYTES = 16 << 20


class CommandProvider:
    """Runs a program of the user, which is trusted, once per question.

    The program reads one JSON object (`Question`) and prints the answer. Exit status 75 (EX_TEMPFAIL) means that no
    answer is available now.

    Args:
        timeout_s: Time limit of one answer, in seconds.
    """

    name = "command"
    answers_several = True

    def __init__(self, argv: Sequence[str], *, timeout_s: float = 120.0) -> None:
        if not argv:
            raise ProviderError("no command", fix="--command 'my-model --flag'")
        self._argv, self._timeout = list(argv), timeout_s

    def answer(self, question: Question) -> Reply | None:
        """The output of the program without a final newline; None for exit status 75, and for a question to a person.

        Raises:
            ProviderError: if the program fails, exceeds the time limit, or prints too much or invalid UTF-8.
        """
        if question.to == "human":
            return None
        where, started = self._argv[0], time.monotonic()
        limit = self._timeout if question.timeout_s is None else question.timeout_s
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            try:
                process = subprocess.Popen(
                    self._argv, stdin=subprocess.PIPE, stdout=out, stderr=err, start_new_session=True
                )
            except OSError as error:
                fix = "check its path"
                raise ProviderError(f"cannot be started: {error.strerror}", where=where, fix=fix) from error
            try:
                process.communicate(question.model_dump_json().encode(), timeout=limit)
            except subprocess.TimeoutExpired:
                what = f"no answer within {limit:g} s"
                raise ProviderError(what, where=where, fix="raise the time-out", status="timeout") from None
            finally:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            size = out.tell() if out.seekable() else 0
            out.seek(0)
            data = out.read(MAX_ANSWER_BYTES + 1)
            err.seek(0)
            said = clip(err.read(2000).decode("utf-8", "replace").strip(), limit=300)
        if process.returncode == os.EX_TEMPFAIL:
            return None
        if process.returncode:
            raise ProviderError(f"exit status {process.returncode}: {said}", where=where, fix="run it by hand")
        if len(data) > MAX_ANSWER_BYTES:
            raise ProviderError(f"printed {max(size, len(data))} bytes", where=where, status="output")
        try:
            text = data.decode("utf-8").removesuffix("\n")
        except UnicodeDecodeError as error:
            status = "protocol"
            raise ProviderError(f"its answer is not UTF-8 at byte {error.start}", where=where, status=status) from error
        if not text.strip():
            raise ProviderError("its answer is empty", where=where, fix="run it by hand", status="protocol")
        return Reply(text=text, provider=self.name, source=where, seconds=time.monotonic() - started)
