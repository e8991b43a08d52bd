"""Guarded modules: what a guarded box loads, forgets and replaces before its subject runs. Standard library only."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import Any

from harness.sandbox.importable import is_importable

_PATHS = "access chroot fstat fstatvfs lstat mkfifo mknod pathconf readlink stat statvfs"
_SIGNAL = "signal setitimer alarm raise_signal set_wakeup_fd"
_SILENT = {
    "signal": _SIGNAL,
    "_signal": _SIGNAL,
    "_thread": "interrupt_main",
    "_imp": """_fix_co_filename create_builtin create_dynamic exec_builtin exec_dynamic get_frozen_object init_frozen
        _override_frozen_modules_for_tests _override_multi_interp_extensions_check""",
    "gc": "disable enable freeze set_debug set_threshold unfreeze",
}
_SILENT_PATHS = {"os": _PATHS, "posix": _PATHS}
"""Functions that cause no event: in a guarded box each of them does, and nothing else. Those of `gc` are allowed.
Those of paths stay as they are where a tool does not forbid files."""
_FUNCTION_SETS = "supports_dir_fd supports_effective_ids supports_fd supports_follow_symlinks"
"""Sets of `os` that hold functions."""


def prepare(imports: list[str], listed: frozenset[str], *, holds_files: bool) -> list[dict[str, Any]]:
    """Load the modules that a source imports, so that none is loaded later; the globals of all that are loaded.

    Args:
        imports: Names of modules that the text of the source imports; one that is not listed is not loaded.
        listed: The names that may be imported.
        holds_files: Whether looking for a path is an event.
    """
    for name in imports:
        if is_importable(name, listed):
            _load(name)
    known = [vars(module) for name, module in sys.modules.items() if name != "candidate"]
    _replace_silent(holds_files=holds_files)
    for name in _REMOVED:
        if name not in listed:
            sys.modules.pop(name, None)
    return known


_REMOVED = frozenset(
    """_ctypes _frozen_importlib _frozen_importlib_external _imp _posixsubprocess _signal _socket _ssl ctypes fcntl
    importlib._bootstrap importlib._bootstrap_external marshal multiprocessing posix resource select selectors signal
    socket ssl subprocess zipimport""".split()
)
"""Loaded modules that a subject may not import: their names are forgotten, so that an import of them is an event."""


_COMPANIONS = {
    "argparse": ("shutil",),
    "asyncio": ("concurrent.futures.thread",),
    "concurrent": ("concurrent.futures.thread",),
    "uuid": ("hashlib", "random"),
    "xml": ("pyexpat", "xml.parsers.expat"),
}
"""By package the modules that it would import later."""


def _load(name: str) -> None:
    try:
        __import__(name)
    except ImportError:
        return  # the source's own import statement reports it
    for companion in _COMPANIONS.get(name.partition(".")[0], ()):
        __import__(companion)
    if name.partition(".")[0] == "asyncio":
        _replace_self_pipe()
    if name == "uuid":  # its C library reads the clock, and else it asks the network
        node = int.from_bytes(os.urandom(6), "big") | 1 << 40  # a multicast address, which no machine has
        vars(sys.modules[name]).update(_uuid=None, _generate_time_safe=None, _node=node)
        sys.modules.pop("_uuid", None)


def _replace_self_pipe() -> None:
    """Let event loops wake themselves by an event descriptor: boxes are refused sockets and pipes."""
    import asyncio.selector_events
    import signal

    class End:
        def __init__(self, descriptor: int) -> None:
            self.descriptor = descriptor

        def fileno(self) -> int:
            return self.descriptor

        def recv(self, _count: int) -> bytes:
            return b"\0" * min(4096, os.eventfd_read(self.descriptor))

        def send(self, data: bytes) -> int:
            os.eventfd_write(self.descriptor, len(data))
            return len(data)

        def close(self) -> None:
            os.close(self.descriptor)

    def make(self: Any) -> None:
        descriptor = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._ssock, self._csock = End(descriptor), End(os.dup(descriptor))
        self._internal_fds += 1
        self._add_reader(self._ssock.fileno(), self._read_from_self)

    asyncio.selector_events.BaseSelectorEventLoop._make_self_pipe = make  # type: ignore[attr-defined]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # else each run of a loop would install a handler


class _Environment:
    """Stands for `os.environ`, which is empty in a box: each look into it is an event."""

    get = __getitem__ = __contains__ = keys = items = values = copy = functools.partial(sys.audit, "os.environ")
    __setitem__ = __delitem__ = __iter__ = __len__ = pop = setdefault = update = get


def _event(name: str) -> Callable[..., None]:
    audit = sys.audit
    return lambda *args, **_named: audit(name, *args)


def _replace_silent(*, holds_files: bool) -> None:
    vars(os)["environ"] = _Environment()
    for name in _FUNCTION_SETS.split():
        vars(os)[name] = frozenset()
    for name, functions in (*_SILENT.items(), *(_SILENT_PATHS.items() if holds_files else ())):
        module, event = sys.modules.get(name), "os" if name == "posix" else name.removeprefix("_")
        for function in functions.split():
            if module is not None and hasattr(module, function):
                setattr(module, function, _event(f"{event}.{function}"))
    linecache = sys.modules.get("linecache")
    if linecache is not None:  # a traceback is formatted without the lines of the library's files
        linecache.updatecache = lambda *_args, **_keys: []  # type: ignore[attr-defined]
