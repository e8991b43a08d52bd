"""ZygoteProcess: the parent's handle on one zygote process."""

from __future__ import annotations

import math
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness.core.errors import InfraError, ProcessEndedError
from harness.sandbox import root
from harness.sandbox.cgroup import Cgroup
from harness.sandbox.control import ChildProcess, Control
from harness.sandbox.forked_box import ForkedBox, KernelLimits
from harness.sandbox.limits import MIB, Limits, SyscallPolicy
from harness.sandbox.residency import library_copy, lock_libraries
from harness.sandbox.root_zygote import RootZygote
from harness.sandbox.usage import ExitStatus
from harness.sandbox.wire import REQUEST

EMPTY_BOX_BYTES = 3 * MIB
"""Bytes that an idle box uses for page tables, stacks and copied pages; not charged to the subject."""
LAYERS = ("namespaces", "pivot_root", "uid", "rlimits", "landlock", "seccomp", "cgroup")


class ZygoteProcess(Control):
    """One zygote: forks it from its root zygote, requests boxes from it, reaps them and ends it.

    Args:
        parent: The root zygote.
        single: Whether one box at a time is enough, so that the zygote can activate layers that its boxes inherit.
        guarded: Whether it prepares its boxes for the usual rules of the guard.
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
        guarded: bool = False,
        protect: Iterable[Path] = (),
        without: frozenset[str] = frozenset(),
    ) -> None:
        self.layers: dict[str, str] = {}
        self.cgroup: Cgroup | None = None
        self.open_boxes = 0
        self._ahead: ForkedBox | None = None
        self._parent = parent
        self._child, ours = parent.fork_zygote()
        self.pid = self._child.pid
        super().__init__(ours)
        try:
            self._join_cgroup(without)
            listable, readable = root.readable()
            copy = "" if "pivot_root" in without else library_copy() or ""
            config = {
                "off": sorted(without),
                "single": single,
                "guarded": guarded,
                "uid": _private_uid(),
                "binds": {path: copy + path for path in root.binds()},
                "masks": [] if copy else root.masks(protect),
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
        if not copy or self.layers["pivot_root"]:
            lock_libraries()
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
            raise ProcessEndedError(f"the zygote did not start: {error}") from error
        if "error" in hello:
            fix = "`crucible doctor` says what this machine lets a box do"
            raise InfraError(f"the zygote did not start: {hello['error']}", fix=fix)
        return hello

    @property
    def is_free(self) -> bool:
        """Whether another box may be opened, now or when one was forked ahead."""
        return self.is_usable if self.shared else not self.open_boxes and (self.is_usable or self.is_preparing)

    @property
    def is_preparing(self) -> bool:
        """Whether it reaps the last box and forks the next one, so that `settle` would wait for it."""
        return self._ahead is not None and self._ahead.child is None

    def is_ready(self, limits: Limits) -> bool:
        """Whether a box with these limits was forked ahead."""
        return self._ahead is not None and self._ahead.limits == self._kernel_limits(limits) and not self.is_preparing

    def settle(self, *, wait: bool = False) -> None:
        """Take over the box that was forked ahead, if it has been reported or if `wait`.

        A zygote that ended instead is not free afterwards.
        """
        box = self._ahead
        if box is None or box.child is not None or not (wait or self._poll.poll(0)):
            return
        try:
            box.report_to_kernel(self._forked())
        except InfraError:
            self._ahead = None
            box.close()

    def open(self, limits: Limits) -> ForkedBox:
        """Open a box: the one that was forked ahead, if it has the right limits, else a new one.

        Raises:
            InfraError: if the zygote has ended, has an unread reply, or cannot fork, or if a layer cannot be activated.
        """
        try:
            box = self._open(limits)
        except BaseException:
            # A reply may have been lost (Ctrl-C, a timeout plugin), so later ones would be taken for answers to others.
            self._waiting = True
            if self._ahead is not None:
                self._ahead.close()
                self._ahead = None
            raise
        self._ahead = None
        self.open_boxes += 1
        return box

    def _open(self, limits: Limits) -> ForkedBox:
        wanted = self._kernel_limits(limits)
        box = self._box_ahead(wanted)
        if self.cgroup is not None and not self.open_boxes:
            try:
                self.cgroup.reset(limits.memory_bytes + EMPTY_BOX_BYTES)
            except OSError as error:
                raise InfraError(f"the zygote's group cannot be reset: {error}") from error
        if box is None:
            box = self._ahead = self._request_box(b"O", wanted)
            box.report_to_kernel(self._forked())
        box.await_layers()
        return box

    def _box_ahead(self, wanted: KernelLimits) -> ForkedBox | None:
        """The box that was forked ahead; None if there is none, or if it has other limits and was ended."""
        self.settle(wait=True)
        box = self._ahead
        if box is None or box.child is None or box.limits == wanted:
            return box
        self._ahead = None
        box.close()
        self.kill(box.child)
        super().reap(box.child)
        return None

    def _request_box(self, op: bytes, limits: KernelLimits, ended: int = 0) -> ForkedBox:
        questions = answers = write = read = -1
        try:
            questions, write = os.pipe()
            read, answers = os.pipe()
            os.set_blocking(write, False)
            os.set_blocking(read, False)
            self._send(REQUEST.pack(op, *limits, ended), (questions, answers))
        except BaseException:
            _close(write, read)
            raise
        finally:
            _close(questions, answers)
        return ForkedBox(limits, write, read)

    def _kernel_limits(self, limits: Limits) -> KernelLimits:
        space = self.virtual_size + limits.memory_bytes + EMPTY_BOX_BYTES
        if self.cgroup is not None:
            # The group counts memory that is really used, so the address-space limit can be wide: thread stacks and
            # allocator arenas may be reserved without being used.
            space += 4 * limits.memory_bytes + 512 * MIB
        return limits.policy is SyscallPolicy.STRICT, space, max(1, math.ceil(limits.cpu_seconds))

    def retire(self, child: ChildProcess, limits: Limits) -> None:
        """Let the zygote reap a box that was killed and fork the next one with equal limits; waits for neither.

        Raises:
            InfraError: if the zygote has ended.
        """
        os.close(child.pidfd)
        self.open_boxes -= 1
        self._ahead = self._request_box(b"N", self._kernel_limits(limits), child.pid)

    def reap(self, child: ChildProcess) -> ExitStatus:
        """As `Control.reap`, for a box."""
        exit_status = super().reap(child)
        self.open_boxes -= 1
        return exit_status

    def close(self) -> None:
        """End the zygote and all of its boxes, and remove its memory group."""
        self.hang_up()
        if self._ahead is not None:
            self._ahead.close()
            if self._ahead.child is not None and self._ahead.child.pidfd >= 0:
                os.close(self._ahead.child.pidfd)
            self._ahead = None
        try:
            self._parent.kill(self._child)
            self._parent.reap(self._child)
        except InfraError:
            pass
        if self.cgroup is not None:
            self.cgroup.close()
            self.cgroup = None


def _private_uid() -> int:
    """A user id for the boxes of one zygote, so that per-user limits count only these boxes."""
    try:
        # In a container with a user namespace only some ids exist; the fallback is the user `nobody`.
        spans = [line.split() for line in Path("/proc/self/uid_map").read_text().splitlines()]
    except OSError:
        return 65534
    # By chance: a box must not learn from its id how many zygotes there were before its own.
    wanted = 0x70000000 + secrets.randbelow(0x0F000000)
    inside = any(int(first) <= wanted < int(first) + int(count) for first, _outside, count in spans)
    return wanted if inside else 65534


def _close(*fds: int) -> None:
    for fd in fds:
        if fd >= 0:
            os.close(fd)
