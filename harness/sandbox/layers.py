"""Layers: what confines a box, prepared in its zygote and activated in its own process.

Standard library only: zygotes load this module.
"""

from __future__ import annotations

import errno
import functools
import os
import resource
import signal
import stat
import sys
from typing import Any

from harness.sandbox import namespaces, shim
from harness.sandbox.landlock import READ, READ_DIR, READ_FILE, WRITE_FILE, Ruleset
from harness.sandbox.quota import WORK
from harness.sandbox.seccomp import Filter
from harness.sandbox.syscalls import PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG, drop_capabilities, prctl
from harness.sandbox.wire import ANSWERS, NONCE, QUESTIONS, SUBJECT_EXITED

OPEN_FILES, PROCESSES = 32, 64


@functools.cache
def filters() -> dict[str, Filter]:
    """The compiled filters of the zygote and of boxes, by policy.

    Raises:
        OSError: where the system has no filters.
    """
    return {policy: Filter(policy) for policy in ("strict", "sealed", "compute", "zygote", "seal")}


class Layers:
    """State of one zygote: the active layers, and the prepared objects that each box activates them with."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.off = frozenset(config["off"])
        self.layers: dict[str, str] = {}
        self.uid = config["uid"]
        self.namespaces = False
        self.ruleset: Ruleset | None = None
        self.filters: dict[bool, Filter] = {}
        self.rooted = False
        self.work: namespaces.UnusedWork | None = None
        self.root = os.getuid() == 0

    def prepare(self, config: dict[str, Any]) -> None:
        """Build the objects that boxes share; a refused layer is recorded with the kernel's reason."""
        self.namespaces = self._try("namespaces", lambda: self._enter(config))
        self._try("landlock", lambda: self._build_ruleset(config))
        self._try("seccomp", self._compile)
        self._try("rlimits", lambda: resource.getrlimit(resource.RLIMIT_CPU))
        if self.root:
            self._try("uid", lambda: self._check_reachable(config))
        elif self.namespaces and "uid" not in self.off:
            self.layers["uid"] = ""
        else:
            self.layers["uid"] = "not root, so boxes run as the same user"

    def _try(self, layer: str, action: Any) -> bool:
        if layer in self.off:
            self.layers[layer] = "switched off"
            return False
        try:
            action()
        except OSError as error:
            self.layers[layer] = f"{error.strerror or error}{f' ({error.filename})' if error.filename else ''}"
            return False
        self.layers[layer] = ""
        return True

    def _enter(self, config: dict[str, Any]) -> None:
        namespaces.unshare_zygote()
        if "pivot_root" in self.off:
            return
        namespaces.build_root(config["binds"], config["masks"])
        self.rooted = True

    def _build_ruleset(self, config: dict[str, Any]) -> None:
        rules = Ruleset()
        for path in config["listable"]:
            rules.allow(path, READ_DIR)
        for path in config["readable"]:
            rules.allow(path, READ)
        for name in namespaces.DEVICES:
            rules.allow(f"/dev/{name}", READ_FILE | WRITE_FILE)
        if self.rooted:
            rules.allow_writing(namespaces.WORK_PARENT)
        self.ruleset = rules

    def _check_reachable(self, config: dict[str, Any]) -> None:
        # The pivoted root is readable for every user; without it another user may be unable to enter, say, /root.
        if self.rooted:
            return
        for path in config["listable"]:
            directory = path
            while directory != "/":
                if not os.stat(directory).st_mode & stat.S_IXOTH:
                    raise OSError(errno.EACCES, f"the interpreter lies below {directory}, closed to other users")
                directory = os.path.dirname(directory)

    def _compile(self) -> None:
        built = filters()
        # Landlock does not cover modes and times, so those calls are refused where the user's files are visible.
        self.filters = {True: built["strict" if self.rooted else "sealed"], False: built["compute"]}

    def set_inherited_state(self) -> None:
        """Set the process state that every box inherits by fork: umask, privileges, user and resource limits."""
        os.umask(0o077)
        if sys.platform == "linux":
            prctl(PR_SET_NO_NEW_PRIVS, 1)
            prctl(PR_SET_DUMPABLE, 0)
        if self.root and self.layers["uid"] == "":
            os.setgroups([])
            os.setresgid(self.uid, self.uid, self.uid)
        if self.layers["rlimits"] == "":
            limits = {"CORE": 0, "MEMLOCK": 0, "MSGQUEUE": 0, "NOFILE": OPEN_FILES}
            # A box without a work directory writes no byte to any file, in no folder.
            limits["FSIZE"] = WORK.bytes if self.rooted else 0
            # The kernel counts processes per user, so this needs a box with its own user (or user namespace).
            if self.layers["uid"] == "":
                limits["NPROC"] = PROCESSES
            for name, value in limits.items():
                _limit(getattr(resource, f"RLIMIT_{name}", None), value)

    def activate_once(self) -> str:
        """Activate in the zygote what its boxes can inherit: Landlock, the work directory, most of the filter.

        Its boxes then start faster, but only one may be open at a time, and only pure-Python ones. Returns why this is
        impossible here, so that each box activates all layers by itself; an empty string when it was done.

        Raises:
            OSError: if a layer that was prepared cannot be activated.
        """
        if not self.rooted:
            return "boxes without a root of their own share no work directory"
        namespaces.mount_work(WORK.bytes, WORK.files)
        try:
            work = namespaces.UnusedWork()
        except OSError as error:
            return f"the use of a work directory cannot be seen: {error.strerror or error}"
        if self.ruleset is not None:
            self.ruleset.enforce()
        self.work = work
        if self.filters:
            self.filters = {True: filters()["seal"]}
            filters()["zygote"].install()
        return ""

    @property
    def box_namespaces(self) -> int:
        """The namespaces that each box gets for itself."""
        return namespaces.NEWPID if self.work is not None else namespaces.NEWPID | namespaces.NEWNS

    def is_unused(self) -> bool:
        """Whether the next box finds a work directory as if there had been no box before."""
        return self.work is None or self.work.is_unused()

    def enter_box(self, strict: bool, space: int, cpu: int, questions: int, answers: int) -> None:
        """In the new process: activate every layer, then serve questions. Never returns."""
        try:
            os.dup2(questions, QUESTIONS)
            os.dup2(answers, ANSWERS)
            # What a process sets of an open file (`F_SETFL`) stays with it: the zygote's own are every box's.
            null = os.open(os.devnull, os.O_RDWR)
            for descriptor in range(QUESTIONS):
                os.dup2(null, descriptor)
            if self.rooted and self.work is None:
                namespaces.mount_work(WORK.bytes, WORK.files)
            if self.root and self.layers["uid"] == "":
                os.setresuid(self.uid, self.uid, self.uid)
            elif sys.platform == "linux" and "uid" not in self.off:
                # Root without capabilities has the rights of an ordinary user, except for the files it owns.
                drop_capabilities()
            if sys.platform == "linux":
                prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # sent when the zygote, which has one thread, ends
            if self.layers["rlimits"] == "":
                _limit(resource.RLIMIT_CPU, cpu)
                if sys.platform == "linux":
                    _limit(resource.RLIMIT_AS, space)
            if self.ruleset is not None and self.work is None:
                self.ruleset.enforce()
            os.closerange(ANSWERS + 1, OPEN_FILES)
            if self.filters:
                self.filters[strict].install()
        except BaseException as error:
            try:
                shim.send(ANSWERS, b"X", bytes(NONCE), f"{type(error).__name__}: {error}".encode()[:500])
            finally:
                os._exit(99)
        try:
            shim.send(ANSWERS, b"Y", bytes(NONCE), b"")
            shim.serve()
        finally:
            # SystemExit and KeyboardInterrupt of the subject end here: the box exits.
            os._exit(SUBJECT_EXITED)


def _limit(kind: int | None, value: int) -> None:
    if kind is None:
        return
    hard = resource.getrlimit(kind)[1]
    ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (ceiling, ceiling))
