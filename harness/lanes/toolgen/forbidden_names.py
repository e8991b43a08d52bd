"""Forbidden: the list of names that a candidate may not use, and the matching of dotted paths against it."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable
from functools import cached_property, lru_cache

NETWORK = (
    "socket", "ssl", "urllib.request", "urllib.error", "urllib.response", "urllib.robotparser", "http", "requests",
    "ftplib", "smtplib", "socketserver", "xmlrpc",
)  # fmt: skip
FILES = ("open", "shutil", "tempfile")
ALWAYS = (
    "eval", "exec", "compile", "__import__", "breakpoint", "input",
    "os.system", "os.popen", "os.fork*", "os.exec*", "os.spawn*", "os.posix_spawn*", "os.kill*",
    "os.remove", "os.unlink", "os.rmdir", "os.rename", "os.replace", "os.chmod", "os.putenv",
    "subprocess", "pty", "ctypes", "cffi", "multiprocessing", "signal", "importlib", "runpy", "code", "pickle",
    "marshal",
    "gc.get_objects", "gc.get_referrers", "sys._getframe", "sys.settrace", "sys.setprofile", "inspect.stack",
)  # fmt: skip
STRICT = (
    "os", "time", "threading", "_thread", "concurrent", "asyncio", "resource", "fcntl", "mmap", "select", "selectors",
    "atexit", "faulthandler", "gc", "inspect", "sched",
)  # fmt: skip
"""Clocks, threads, descriptors and the interpreter: what a function that only computes does not need."""

_MODULES = {
    "posix": "os", "nt": "os", "_io": "io", "_pyio": "io", "_socket": "socket", "_posixsubprocess": "subprocess",
    "_ctypes": "ctypes", "_multiprocessing": "multiprocessing", "_pickle": "pickle", "_signal": "signal",
}  # fmt: skip
_SAME = {
    "io.open": "open", "io.FileIO": "open", "io.open_code": "open", "codecs.open": "open", "os.open": "open",
    "os.fdopen": "open", "tokenize.open": "open", "fileinput.input": "open", "importlib.__import__": "__import__",
    "importlib._bootstrap.__import__": "__import__", "os.getenv": "os.environ", "os.environb": "os.environ",
    "os.getenvb": "os.environ",
}  # fmt: skip
_RULES = {
    "no-files": FILES,
    "no-network": NETWORK,
    "no-system": ("subprocess", "pty", "os.system", "os.popen", "os.fork", "os.execv", "os.spawnv", "os.posix_spawn",
                  "os.kill", "multiprocessing"),
    "no-text": ("eval", "exec", "compile", "importlib", "runpy", "code", "pickle", "marshal"),
}  # fmt: skip
"""The names of which one on the list turns a rule of the guard on (`guard.GROUPS`)."""
BUILTINS = frozenset(dir(builtins))
ESCAPES = frozenset(
    {"__subclasses__", "__globals__", "__builtins__", "__loader__", "f_globals", "f_builtins", "f_locals", "f_back",
     "gi_frame", "cr_frame", "ag_frame", "tb_frame", "__code__"}
)  # fmt: skip
"""Attributes that give access to objects outside the code's own scope."""
_INDIRECT = frozenset(
    {"getattr", "__getattribute__", "__getattr__", "attrgetter", "vars", "globals", "locals", "__dict__", "__import__",
     "eval", "exec", "compile", "sys", "builtins", "importlib"}
)  # fmt: skip


def default_apis(capabilities: Iterable[str]) -> tuple[str, ...]:
    """The default list of forbidden names.

    Args:
        capabilities: `file_io` and `network` remove their names from the list; others are ignored.
    """
    allowed = set(capabilities)
    files = () if "file_io" in allowed else FILES
    network = () if "network" in allowed else NETWORK
    return ALWAYS + files + network


class Forbidden:
    """A normalised list of forbidden names; entries such as `os.system(`, `socket.` and `os.exec*` are accepted."""

    def __init__(self, apis: Iterable[str]) -> None:
        exact: dict[str, str] = {}
        prefixes: list[tuple[str, str]] = []
        for api in apis:
            name = api.strip().rstrip("()").rstrip(".")
            if name.endswith("*"):
                prefixes.append((canonical(name[:-1]), api))
            elif name:
                exact[canonical(name)] = api
        self._exact, self._prefixes = exact, tuple(prefixes)
        modules = {name.rpartition(".")[0] for name in (*exact, *(prefix for prefix, _ in prefixes))}
        # An object with one of these names gives access to a forbidden name, so its uses must be traceable.
        self._reaching = {part for module in modules if module for part in _prefixes_of(module)}
        if self:
            self._reaching |= {"builtins", "sys", "sys.modules", "<globals>", "importlib"}
        heads = {_head(name) for name in (*exact, *(prefix for prefix, _ in prefixes))}
        others = {
            alias.partition(".")[0] for alias, name in (*_MODULES.items(), *_SAME.items()) if _head(name) in heads
        }
        words = heads | others | ESCAPES | _INDIRECT
        if "open" in exact:
            words.add("pathlib")
        ends = {prefix for prefix, _ in prefixes if "." not in prefix}
        self._words = re.compile(
            rf"\b(?:{'|'.join(map(re.escape, sorted(words)))})\b"
            + "".join(rf"|\b{re.escape(end)}" for end in sorted(ends))
        )

    @cached_property
    def guard_rules(self) -> frozenset[str]:
        """The rules of the box's guard that the list asks for; empty if nothing is forbidden."""
        if not self:
            return frozenset()
        return frozenset({"guarded"}).union(rule for rule, names in _RULES.items() if any(map(self.match, names)))

    def may_occur(self, source: str) -> bool:
        """Whether the full check is needed; False only if no name occurs that a forbidden use must contain.

        Python compares identifiers after Unicode normalisation, so the fast path covers ASCII sources only.
        """
        return not source.isascii() or self._words.search(source) is not None

    def __bool__(self) -> bool:
        return bool(self._exact or self._prefixes)

    def match(self, dotted: str) -> str | None:
        """The forbidden name that a dotted path equals or lies below; None if the path is allowed."""
        name = canonical(dotted)
        for part in _prefixes_of(name):
            if part in self._exact:
                return self._exact[part]
        return next((api for prefix, api in self._prefixes if name.startswith(prefix)), None)

    def reaches(self, dotted: str) -> bool:
        """Whether the object at a dotted path has forbidden members."""
        return canonical(dotted) in self._reaching

    def has(self, name: str) -> bool:
        """Whether exactly this name is on the list."""
        return name in self._exact


def canonical(dotted: str) -> str:
    """The canonical dotted path of an object that has several, such as `posix.system` for `os.system`."""
    if dotted in ("__builtins__", "builtins"):
        return "builtins"
    for prefix in ("builtins.", "__builtins__."):
        if dotted.startswith(prefix):
            return canonical(dotted.removeprefix(prefix))
    head, dot, rest = dotted.partition(".")
    name = _MODULES.get(head, head) + dot + rest
    return _SAME.get(name, name)


def _head(dotted: str) -> str:
    return dotted.partition(".")[0]


def _prefixes_of(dotted: str) -> list[str]:
    parts = dotted.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts) + 1)]


@lru_cache(maxsize=64)
def forbidden_for(apis: tuple[str, ...] | None, capabilities: tuple[str, ...], *, is_strict: bool = False) -> Forbidden:
    """The forbidden names of a tool: its own list, or the default one for its capabilities.

    Args:
        capabilities: As for `default_apis`.
        is_strict: Whether the default list and `STRICT` apply as well.
    """
    if is_strict:
        own = default_apis(capabilities) + (() if "file_io" in capabilities else STRICT)
        return Forbidden((*own, *(apis or ())))
    return Forbidden(default_apis(capabilities) if apis is None else apis)
