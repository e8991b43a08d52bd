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

from harness.sandbox.importable import importable, is_below, is_importable

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


_before: list[tuple[dict[str, Any], dict[str, Any]]] = []
"""In a zygote that has replaced values ahead, by dictionary: what was there; of `sys.modules` last."""
_OF_ZYGOTE = "resource"  # `os.wait4` imports it at each call


def prepare_ahead(rules: frozenset[str]) -> None:
    """In a zygote: do for its boxes what `prepare` does for a source that needs no further module; see `is_prepared`.

    Its zygote and a box that was not told its rules yet make do without what is replaced and forgotten.
    """
    import ctypes  # not a name of this module: a subject that finds its globals must not find it

    gone = dict.fromkeys(unlisted(rules))
    for names, replaced in (*replacements(holds_files="no-files" in rules), (sys.modules, gone)):
        _before.append((names, {name: names[name] for name in replaced}))
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(_before))  # stays allocated, see `forget`
    prepare([], rules, (), len(sys.modules))
    sys.modules[_OF_ZYGOTE] = _before[-1][1][_OF_ZYGOTE]


def is_prepared(imports: list[str], more: tuple[str, ...]) -> bool:
    """Whether the zygote has done all that `prepare` would do; arguments as there."""
    return (
        bool(_before)
        and all(name in sys.modules and name.partition(".")[0] not in _COMPANIONS for name in imports)
        and not (more and any(is_below(name, more) for name in _before[-1][1]))
    )


def forget() -> None:
    """Leave nothing by which a subject could find what was replaced: freeing it would write to pages of the zygote."""
    global _before
    _before = []
    del sys.modules[_OF_ZYGOTE]


def restore() -> None:
    """Undo `prepare_ahead`."""
    for names, values in _before:
        names.update(values)
    _before.clear()


def module(name: str) -> Any:
    """A module of the interpreter, even if it was forgotten ahead."""
    return (_before[-1][1].get(name) if _before else None) or __import__(name)


def prepare(imports: list[str], rules: frozenset[str], more: tuple[str, ...], count: int) -> list[dict[str, Any]]:
    """Load the modules that a source imports, so that none is loaded later; the globals of those loaded since `count`.

    Args:
        imports: Names of modules that the text of the source imports; one that is not listed is not loaded.
        rules: The rules of the guard; `no-files` makes looking for a path an event.
        more: As for `importable`.
        count: As for `loaded_since`.
    """
    is_without_tls = bool(imports) and not is_importable("ssl", importable(rules, more))
    if is_without_tls:  # asyncio and urllib load it where they can, and OpenSSL opens files without an event
        sys.modules["_ssl"] = None  # type: ignore[assignment]
    for name in imports:
        if is_importable(name, importable(rules, more)):
            _load(name)
    if is_without_tls:
        del sys.modules["_ssl"]
    added = loaded_since(count)
    gone = [name for name in added if _is_removable(name) and not is_importable(name, importable(rules, ()))]
    _replace_silent(holds_files="no-files" in rules)
    if "threading" in sys.modules:
        vars(sys.modules["threading"]).update(dict.fromkeys(("excepthook", "__excepthook__"), _ignore))
    if "subprocess" in sys.modules:
        vars(sys.modules["subprocess"])["_fork_exec"] = _event("subprocess.fork_exec")
    owned = [vars(sys.modules[name]) for name in added]
    for name in (*unlisted(rules), *gone):
        if not (more and is_below(name, more)):
            sys.modules.pop(name, None)
    return owned


def loaded_since(count: int) -> list[str]:
    """The names of the modules that were loaded since there were `count`: `sys.modules` is in order of loading."""
    latest = itertools.islice(reversed(sys.modules), max(0, len(sys.modules) - count))
    return [name for name in latest if name != "candidate"]


@functools.cache
def unlisted(rules: frozenset[str]) -> tuple[str, ...]:
    """The loaded modules that no subject imports, unless its tool adds them; the root zygote finds the usual ones.

    A box that compared each with every listed name would write to the pages of these names.
    """
    listed = importable(rules, ())
    return tuple(name for name in sys.modules if _is_removable(name) and not is_importable(name, listed))


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
