"""Guarded modules: what a guarded box loads, forgets and replaces before its subject runs. Standard library only."""

from __future__ import annotations

import _locale
import functools
import itertools
import linecache
import locale
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
    "sys": "activate_stack_trampoline",
}
_CATALOGUES = "bindtextdomain dcgettext dgettext gettext"  # the C library opens the file of a domain
_SILENT_PATHS = {"os": _PATHS, "posix": _PATHS, "_locale": _CATALOGUES, "locale": _CATALOGUES}
"""Functions that cause no event: in a guarded box each of them does, and nothing else. Those of `gc` are allowed.
Those of paths stay as they are where a tool does not forbid files."""
_HOOKS = "excepthook __excepthook__ unraisablehook __unraisablehook__".split()
"""What the interpreter calls with an exception that ends a thread, or that a finaliser raises: its own hooks open the
files of a traceback, to print lines of them. Nothing that a box prints is kept."""
_ignore = "".format  # takes any arguments, and has no globals that a subject could find
_FUNCTION_SETS = "supports_dir_fd supports_effective_ids supports_fd supports_follow_symlinks"
"""Sets of `os` that hold functions."""


def prepare(imports: list[str], listed: frozenset[str], count: int, *, holds_files: bool) -> list[dict[str, Any]]:
    """Load the modules that a source imports, so that none is loaded later; the globals of those loaded since `count`.

    Args:
        imports: Names of modules that the text of the source imports; one that is not listed is not loaded.
        listed: The names that may be imported.
        count: As for `loaded_since`.
        holds_files: Whether looking for a path is an event.
    """
    is_without_tls = not is_importable("ssl", listed)
    if is_without_tls:  # asyncio and urllib load it where they can, and OpenSSL opens files without an event
        sys.modules["_ssl"] = None  # type: ignore[assignment]
    for name in imports:
        if is_importable(name, listed):
            _load(name)
    if is_without_tls:
        del sys.modules["_ssl"]
    added = loaded_since(count)
    _replace_silent(holds_files=holds_files)
    if "threading" in sys.modules:
        vars(sys.modules["threading"]).update(dict.fromkeys(("excepthook", "__excepthook__"), _ignore))
    if "subprocess" in sys.modules:
        vars(sys.modules["subprocess"])["_fork_exec"] = _event("subprocess.fork_exec")
    for name in (*removable(), *(name for name in _names_since(count) if _is_removable(name))):
        if not is_importable(name, listed):
            sys.modules.pop(name, None)
    return added


def loaded_since(count: int) -> list[dict[str, Any]]:
    """The globals of the modules that were loaded since there were `count`: `sys.modules` is in order of loading."""
    return [vars(sys.modules[name]) for name in _names_since(count) if name != "candidate"]


def _names_since(count: int) -> list[str]:
    return list(itertools.islice(reversed(sys.modules), max(0, len(sys.modules) - count)))


@functools.cache
def removable() -> tuple[str, ...]:
    """The loaded modules that no subject imports; as for `replacements`, the root zygote finds them for all boxes."""
    return tuple(filter(_is_removable, sys.modules))


def _is_removable(name: str) -> bool:
    return not _REMOVED.isdisjoint((name, name.partition(".")[0]))


_REMOVED = frozenset(
    """_ctypes _frozen_importlib _frozen_importlib_external _imp _posixsubprocess _signal _socket _ssl ctypes fcntl
    importlib._bootstrap importlib._bootstrap_external marshal multiprocessing posix resource select selectors signal
    socket ssl subprocess zipimport""".split()
)
"""Loaded modules and packages that a subject may not import: they are forgotten, so that importing one is an event."""


_COMPANIONS = {
    "argparse": ("shutil",),
    "asyncio": ("concurrent.futures.thread",),
    "concurrent": ("concurrent.futures.thread",),
    "email": ("email.contentmanager", "email.generator", "email.parser", "email.policy"),
    "urllib": ("unicodedata",),
    "uuid": ("hashlib", "random"),
    "xml": ("pyexpat", "xml.parsers.expat"),
    "xml.dom": ("xml.dom.expatbuilder",),
    "xml.dom.minidom": ("xml.dom.expatbuilder",),
    "xml.sax": ("xml.sax.expatreader",),
    "zipfile": ("encodings.cp437",),
}
"""By module or package the modules that it would import later."""


def _load(name: str) -> None:
    try:
        __import__(name)
    except ImportError:
        return  # the source's own import statement reports it
    package = name.partition(".")[0]
    for companion in _COMPANIONS.get(name) or _COMPANIONS.get(package, ()):
        __import__(companion)
    if package == "asyncio":
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


def _event(name: str) -> Callable[..., None]:
    audit = sys.audit
    return lambda *args, **_named: audit(name, *args)


def _set_locale(category: int, name: str | None = None) -> str:
    """Stands for `_locale.setlocale`, which opens files: a box has the locale that it has."""
    if name not in (None, "", "C", "POSIX", "C.UTF-8", "C.utf8"):
        raise locale.Error("unsupported locale setting")
    return "C.UTF-8" if category == locale.LC_CTYPE else "C"


def _replace_silent(*, holds_files: bool) -> None:
    for names, replaced in replacements(holds_files=holds_files):
        names.update(replaced)


@functools.cache
def replacements(*, holds_files: bool) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The globals of modules, with what replaces values of them; the root zygote makes the usual ones for all boxes.

    A box that looked up one after the other, and freed it, would write to 100 pages that it shares with the zygote. So
    their names are copies, which lie together as the new values do, and what is replaced stays allocated.

    Args:
        holds_files: As for `prepare`.
    """
    import ctypes  # not a name of this module: a subject that finds its globals must not find it

    made: list[tuple[dict[str, Any], dict[str, Any]]] = [
        (vars(os), dict.fromkeys(_FUNCTION_SETS.split(), frozenset())),
        # A traceback is formatted without the lines of the library's files.
        (vars(linecache), {"updatecache": lambda *_args, **_keys: []}),
        (vars(sys), dict.fromkeys(_HOOKS, _ignore)),
        (vars(sys.modules["_thread"]), {"_excepthook": _ignore}),
    ]
    for name, functions in (*_SILENT.items(), *(_SILENT_PATHS.items() if holds_files else ())):
        names, event = vars(__import__(name)), "os" if name == "posix" else name.removeprefix("_")
        there = [function for function in functions.split() if function in names]
        made.append((names, {one: _event(f"{event}.{one}") for one in there}))
    if holds_files:
        made += [(vars(_locale), {"setlocale": _set_locale}), (vars(locale), {"_setlocale": _set_locale})]
    for names, replaced in made:
        for one in replaced:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(names[one]))
    return [(names, {one.encode().decode(): value for one, value in replaced.items()}) for names, replaced in made]
