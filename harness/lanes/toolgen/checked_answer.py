"""Checked answer: trusted code works on a candidate's answer, which may have been made to end or to delay it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Hashable
from typing import TypeVar

from harness.core.errors import SpecError
from harness.core.status import Status
from harness.lanes.toolgen.oracle import TRUSTED_SECONDS, Oracle, OracleEndedError
from harness.sandbox.fault import BoxFault

ANSWER_SECONDS = 5.0
"""Limit on the wall seconds in which trusted code checks an answer of a candidate, unless it needs longer for the
reference's: then `SLACK` times as long."""
SLACK = 10.0

Checked = TypeVar("Checked")


async def check_answer(
    oracle: Oracle,
    check: Callable[[float], Awaitable[Checked]],
    check_reference: Callable[[], Awaitable[object]],
    *,
    asked: Hashable,
) -> Checked:
    """The result of trusted code on a candidate's answer.

    Args:
        check: Checks the candidate's answer within a number of seconds.
        check_reference: Does the same with the reference's answer.
        asked: What is checked, the same for all candidates: where it failed with the reference's answer, it is not
            waited for again.

    Raises:
        BoxFault: timeout or output, if trusted code ends, or does not return, on the candidate's answer only.
        SpecError: if it fails on the reference's answer too.
    """
    try:
        return await check(ANSWER_SECONDS)
    except OracleEndedError as ended:
        if asked in oracle.failed:
            raise oracle.failed[asked] from None
        await oracle.start()  # the time for that is not the reference's
        begun = time.monotonic()
        try:
            await check_reference()
        except SpecError as error:
            if not (isinstance(error, OracleEndedError) and error.was_killed):
                oracle.failed[asked] = error
            raise
        limit = min(TRUSTED_SECONDS, SLACK * (time.monotonic() - begun))
        if ended.is_late and limit > ANSWER_SECONDS:
            try:
                return await check(limit)
            except OracleEndedError as again:
                ended = again
        status = Status.TIMEOUT if ended.is_late else Status.OUTPUT
        raise BoxFault(status, f"its answer cannot be checked: {ended.what}; the reference's can") from None
