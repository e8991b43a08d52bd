"""ZygoteProcess: the parent's handle on one zygote process."""

from __future__ import annotations

import contextlib
import itertools
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness.core.errors import InfraError
from harness.sandbox import root
from harness.sandbox.cgroup import Cgroup
from harness.sandbox.control import ChildProcess, Control
from harness.sandbox.limits import MIB, Limits, SyscallPolicy
from harness.sandbox.root_zygote import RootZygote
from harness.sandbox.usage import ExitStatus
from harness.sandbox.wire import REQUEST

EMPTY_BOX_BYTES = 3 * MIB
"""Bytes that an idle box uses for page tables, stacks and copied pages; not charged to the subject."""
_serials = itertools.count()
LAYERS = ("namespaces", "pivot_root", "uid", "rlimits", "landlock", "seccomp", "cgroup")


class ZygoteProcess(Control):
    """One zygote: forks it from its root zygote, requests boxes from it, reaps them and ends it.

    Args:
        parent: The root zygote.
        single: Whether one box at a time is enough, so that the zygote can activate layers that its boxes inherit.
        protect: Paths that are hidden from boxes even if they lie beneath a library directory.
        without: Layers to leave out; for tests that show the effect of each layer.

    Attributes:
        pid: Its process id.
        layers: For each layer an empty string if it is on, otherwise the reason why it is off.
        shared: Why several boxes may be open at once and each activates all layers by itself; empty for a single one.
        open_boxes: How many boxes are open.

    Raises:
        InfraError: if it cannot be forked or cannot activate a layer.
    """

    def __init__(
        self,
        parent: RootZygote,
        *,
        single: bool = True,
        protect: Iterable[Path] = (),
        without: frozenset[str] = frozenset(),
    ) -> None:
        self.layers: dict[str, str] = {}
        self.cgroup: Cgroup | None = None
        self.open_boxes = 0
        self._parent = parent
        self._child, ours = parent.fork_zygote()
        self.pid = self._child.pid
        super().__init__(ours)
        try:
            self._join_cgroup(without)
            listable, readable = root.readable()
            config = {
                "off": sorted(without),
                "single": single,
                "uid": _private_uid(next(_serials)),
                "binds": root.binds(),
                "masks": root.masks(protect),
                "listable": listable,
                "readable": readable,
            }
            hello = self._handshake(config)
        except BaseException:
            self.close()
            raise
        self.layers.update(hello["layers"])
        self.layers["pivot_root"] = (
            "switched off" if "pivot_root" in without else hello["layers"].get("namespaces", "not tried")
        )
        self.shared = str(hello["shared"])
        self.virtual_size = int(hello["virtual_size"])
        self.resident_kib = int(hello["resident_kib"])
        self.landlock_abi = int(hello["landlock_abi"])

    def _join_cgroup(self, without: frozenset[str]) -> None:
        if "cgroup" in without:
            self.layers["cgroup"] = "switched off"
            return
        try:
            self.cgroup = Cgroup.create()
            self.cgroup.adopt(self.pid)
        except OSError as error:
            self.layers["cgroup"] = error.strerror or str(error)
            if self.cgroup is not None:
                self.cgroup.close()
                self.cgroup = None
        else:
            self.layers["cgroup"] = ""

    def _handshake(self, config: dict[str, object]) -> dict[str, Any]:
        try:
            self.send_json(config)
            hello = self.receive_json()
        except OSError as error:
            raise InfraError(f"the zygote did not start: {error}") from error
        if "error" in hello:
            raise InfraError(f"the zygote did not start: {hello['error']}")
        return hello

    @property
    def is_free(self) -> bool:
        """Whether another box may be opened."""
        return self.is_usable and not (self.open_boxes and self.shared == "")

    def open(self, limits: Limits, questions: int, answers: int) -> ChildProcess:
        """Request a box whose channel is the two descriptors.

        Raises:
            InfraError: if the zygote has ended, has an unread reply, or cannot fork.
        """
        if self.cgroup is not None and not self.open_boxes:
            try:
                self.cgroup.reset(limits.memory_bytes + EMPTY_BOX_BYTES)
            except OSError as error:
                raise InfraError(f"the zygote's group cannot be reset: {error}") from error
        space = self.virtual_size + limits.memory_bytes + EMPTY_BOX_BYTES
        if self.cgroup is not None:
            # The group counts memory that is really used, so the address-space limit can be wide: thread stacks and
            # allocator arenas may be reserved without being used.
            space += 4 * limits.memory_bytes + 512 * MIB
        strict = limits.policy is SyscallPolicy.STRICT
        request = REQUEST.pack(b"O", strict, space, max(1, math.ceil(limits.cpu_seconds)), 0)
        child = self.fork(request, (questions, answers))
        # Memory that a box unmapped stays charged to the group it shares with its zygote; the kernel must not kill the
        # zygote for it. Where this file cannot be written, `Box` reads the group's kill counter instead.
        with contextlib.suppress(OSError):
            _write(f"/proc/{child.pid}/oom_score_adj", b"1000")
        self.open_boxes += 1
        return child

    def reap(self, child: ChildProcess) -> ExitStatus:
        """As `Control.reap`, for a box."""
        exit_status = super().reap(child)
        self.open_boxes -= 1
        return exit_status

    def close(self) -> None:
        """End the zygote and all of its boxes, and remove its memory group."""
        self.hang_up()
        try:
            self._parent.kill(self._child)
            self._parent.reap(self._child)
        except InfraError:
            pass
        if self.cgroup is not None:
            self.cgroup.close()
            self.cgroup = None


def _private_uid(serial: int) -> int:
    """A user id for the boxes of one zygote, so that per-user limits count only these boxes."""
    try:
        # In a container with a user namespace only some ids exist; the fallback is the user `nobody`.
        spans = [line.split() for line in Path("/proc/self/uid_map").read_text().splitlines()]
    except OSError:
        return 65534
    wanted = 0x70000000 + (os.getpid() * 4096 + serial % 4096) % 0x0F000000
    inside = any(int(first) <= wanted < int(first) + int(count) for first, _outside, count in spans)
    return wanted if inside else 65534


def _write(path: str, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, data)
    finally:
        os.close(fd)
