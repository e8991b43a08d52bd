"""MachineSettings: settings of a machine, which are not in the chain."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

from harness.dsl.machine.recorder import Listener
from harness.dsl.plain import field, mutable


@mutable
class MachineSettings:
    """Settings of a machine; they are not in the chain, so they must not change an outcome.

    Attributes:
        limits: Limits of the run, by the names of `Budget`.
        listener: Called with each event as it is written.
        resolved: How effects in doubt are resolved, by key: `how` is repeat, done (with `value`) or failed.
        sleep: Waits real seconds between tries; not called in a replay.
        real_time: Whether a wait takes its time; otherwise only the logical time advances.
        query_seconds: Limit of the seconds until a model's answer, for questions that state none.
    """

    limits: Mapping[str, float] = field(default_factory=dict)
    listener: Listener | None = None
    resolved: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sleep: Any = time.sleep
    real_time: bool = True
    query_seconds: float = math.inf
