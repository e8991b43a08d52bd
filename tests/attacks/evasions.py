"""A grammar of evasions: forbidden deeds, spelled, fetched and called in ways that neither text nor list foresees.

A program is a deed (`os.system("true")`), a way to its module, a way to its name, a way to call it, and a way to write
the file. `run` returns "done" if the deed returned. So an evasion got through if it is read without a violation and the
box answers "done".
"""

from __future__ import annotations

import base64
import codecs
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

from harness.lanes.toolgen.reading import read, rules_of
from harness.lanes.toolgen.tool_spec import read_tool
from harness.sandbox.codec import encode
from harness.sandbox.fault import BoxFault
from harness.sandbox.limits import Limits
from harness.sandbox.pool import BoxPool

GUARD = "guarded,no-files,no-network,no-system,no-text"
RULES = rules_of(read_tool(Path(__file__).parent / "guarded"))

DEEDS = [
    ("os", "system", "'true'"),
    ("os", "listdir", "'/'"),
    ("os", "putenv", "'a', 'b'"),
    ("gc", "get_objects", ""),
    ("gc", "get_referrers", "len"),
    ("sys", "_getframe", ""),
    ("sys", "settrace", "None"),
    ("io", "open", "'/dev/null'"),
    ("builtins", "eval", "'1'"),
    ("builtins", "exec", "'1'"),
    ("builtins", "compile", "'1', 'x', 'eval'"),
    ("builtins", "__import__", "'subprocess'"),
    ("ctypes", "CDLL", "None"),
    ("ctypes", "string_at", "id(run), 8"),
    ("_ctypes", "PyObj_FromPtr", "id(run)"),
    ("marshal", "loads", "b'N'"),
    ("marshal", "dumps", "1"),
    ("logging", "FileHandler", "'/dev/null'"),
    ("gzip", "open", "'/dev/null'"),
    ("bz2", "BZ2File", "'/dev/null'"),
    ("lzma", "open", "'/dev/null'"),
    ("codecs", "open", "'/dev/null'"),
    ("tokenize", "open", "'/dev/null'"),
    ("zipfile", "ZipFile", "'/dev/null', 'w'"),
    ("tarfile", "open", "'/dev/null', 'w'"),
    ("fileinput", "FileInput", "'/dev/null'"),
]
MODULES = {
    "import": ("import {m}", "{m}"),
    "import as": ("import {m} as a", "a"),
    "sys.modules": ("import sys\nimport {m}", "sys.modules[{s}]"),
    "module of a module": ("import re\nimport {m}", "re.enum.sys.modules[{s}]"),
    "module of a library": ("import urllib.parse\nimport {m}", "urllib.parse.re.enum.sys.modules[{s}]"),
    "late import": ("", "__import__({s})"),
    "loader": ("import {m}\nimport sys", "sys.modules.get({s})"),
    "a chain": ("import {m} as a\nb = a\nc = [b]\n(d,) = c", "d"),
    "a default": ("import {m}\ndef f(x={m}): return x", "f()"),
    "a class": ("import {m}\nclass A:\n    x = {m}", "A().x"),
    "a star": ("import {m}\n(*a,) = ({m},)", "a[0]"),
}
BUILTINS = {
    "self": ("", "len.__self__"),
    "globals": ("", "globals()['__buil' + 'tins__']"),
    "module": ("import sys", "sys.modules['built' + 'ins']"),
    "import": ("import builtins", "[builtins][0]"),
}
NAMES = {
    "getattr": "getattr({o}, {s})",
    "vars": "dict(vars({o}))[{s}]",
    "dict": "{o}.__dict__[{s}]",
    "getattribute": "type({o}).__getattribute__({o}, {s})",
    "attrgetter": "__import__('operator').attrgetter({s})({o})",
    "star": "{{**vars({o})}}[{s}]",
    "search": "[v for k, v in vars({o}).items() if k == {s}][0]",
    "plain": "{o}.{n}",
}


def _base64(text: str) -> str:
    """Text within `+` and `-` of UTF-7."""
    return base64.b64encode(text.encode("utf-16-be")).decode("ascii").rstrip("=")


STRINGS = {
    "literal": repr,
    "joined": lambda name: f"{name[:2]!r} + {name[2:]!r}",
    "reversed": lambda name: f"{name[::-1]!r}[::-1]",
    "characters": lambda name: f"''.join(map(chr, {list(map(ord, name))}))",
    "bytes": lambda name: f"bytes({list(name.encode())}).decode()",
    "formatted": lambda name: f"'{{}}{{}}'.format({name[:1]!r}, {name[1:]!r})",
    "utf-7": lambda name: f"b'+{_base64(name)}-'.decode('utf-7')",
    "utf-16": lambda name: f"{name.encode('utf-16')!r}.decode('utf-16')",
    "rot13": lambda name: f"__import__('codecs').decode({codecs.encode(name, 'rot13')!r}, 'rot13')",
    "translated": lambda name: f"{name.upper()!r}.lower()" if name.islower() else repr(name),
}
CALLS = {  # what a thread or a finaliser raises is lost, so these keep what was returned
    "call": ("", "({f})({a})"),
    "map": ("", "list(map(lambda _: ({f})({a}), [1]))"),
    "partial": ("from functools import partial", "partial({f}, {a})()"),
    "sort key": ("", "sorted([1], key=lambda _: ({f})({a}) and 0)"),
    "metaclass": ("class M(type):\n    def __getattr__(c, n): return ({f})({a})\nclass N(metaclass=M): pass", "N.x"),
    "descriptor": ("class D:\n    def __get__(s, *_): return ({f})({a})\nclass N: x = D()", "N.x"),
    "property": ("class N:\n    x = property(lambda s: ({f})({a}))", "N().x"),
    "finaliser": ("found = []\nclass N:\n    def __del__(s): found.append(({f})({a}))", "N(); assert found"),
    "generator": ("def g():\n    yield ({f})({a})", "next(g())"),
    "operator": ("class N:\n    def __add__(s, o): return ({f})({a})", "N() + 1"),
    "format": ("class N:\n    def __format__(s, o): return str(({f})({a}))", "f'{N()}'"),
    "missing": ("class N(dict):\n    def __missing__(s, k): return ({f})({a})", "N()[1]"),
    "thread": (
        "import threading\nfound = []",
        "t = threading.Thread(target=lambda: found.append(({f})({a}))); t.start(); t.join(); assert found",
    ),
    "coroutine": ("import asyncio\nasync def g(): return ({f})({a})", "asyncio.run(g())"),
    "finalize": (
        "import weakref\nfound = []\nclass N: pass",
        "weakref.finalize(N(), lambda: found.append(({f})({a}))); assert found",
    ),
    "timer": ("import timeit", "timeit.repeat(lambda: ({f})({a}), number=1, repeat=1)"),
    "dispatch": ("from functools import singledispatch", "singledispatch(lambda _: ({f})({a}))(1)"),
    "decorator": ("@lambda g: lambda: ({f})({a})\ndef g(): pass", "g()"),
    "decorator of a class": ("def g(c):\n    ({f})({a})\n    return c\n@g\nclass N: pass", "N()"),
    "decorator with arguments": ("def g(x): return lambda h: h\n@g(x := lambda: ({f})({a}))\ndef h(): pass", "x()"),
    "decorator of a library": ("from functools import cache\n@cache\ndef g(): return [({f})({a})]", "g()"),
    "decorated context": (
        "from contextlib import contextmanager\n@contextmanager\ndef g():\n    yield ({f})({a})",
        "g().__enter__()",
    ),
    "decorator by subscript": ("t = [lambda g: g, lambda g: lambda: ({f})({a})]\n@t[1]\ndef g(): pass", "g()"),
    "exit stack": ("from contextlib import ExitStack", "ExitStack().callback(lambda: ({f})({a}))()"),
}
FILES = {
    "plain": lambda text: text.encode(),
    "byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "cookie": lambda text: b"# coding: utf-8\n" + text.encode(),
    "late cookie": lambda text: b"#!/usr/bin/python\n# -*- coding: latin-1 -*-\n" + text.encode(),
    "carriage returns": lambda text: text.replace("\n", "\r\n").encode(),
    "wide letters": lambda text: text.replace("getattr", "\uff47etattr").replace("vars(", "\uff56ars(").encode(),
}
HARMLESS = "def run(): return 'seen'\n"
CODECS = {
    "utf-7": lambda text: f"# coding: utf-7\n{HARMLESS}# +{_base64(chr(10) + text)}-\n".encode(),
    "late utf-7": lambda text: f"#!\n# vim: fileencoding=utf-7\n{HARMLESS}# +{_base64(chr(10) + text)}-\n".encode(),
    "utf-7 in the third line": lambda text: f"\n\n# coding: utf-7\n# +{_base64(chr(10) + text)}-\n{HARMLESS}".encode(),
    "utf-16": lambda text: text.encode("utf-16"),
}
"""Files that are another program to a reader that follows the cookie, or a byte order mark of UTF-16, than to one that
does not: they do their deeds in Python itself, and never in a box, which reads UTF-8 only."""
FILES |= CODECS


@dataclass(frozen=True)
class Evasion:
    """A program and how it was made."""

    how: tuple[str, ...]
    source: bytes


@st.composite
def evasions(draw: st.DrawFn) -> Evasion:
    """Programs of the grammar."""
    module, name, arguments = draw(st.sampled_from(DEEDS))
    table = BUILTINS if module == "builtins" else MODULES
    way, fetch, spelling, file = (draw(st.sampled_from(sorted(kind))) for kind in (table, NAMES, STRINGS, FILES))
    calling = draw(st.sampled_from(sorted(CALLS)))
    spell = STRINGS[spelling]
    before, owner = (part.format(m=module, s=spell(module)) for part in table[way])
    function = NAMES[fetch].format(o=owner, s=spell(name), n=name)
    prepare, call = (part.replace("{f}", function).replace("{a}", arguments) for part in CALLS[calling])
    text = f"{before}\n{prepare}\ndef run():\n    {call}\n    return 'done'\n"
    return Evasion((module, name, way, fetch, spelling, calling, file), FILES[file](text))


def gets_through(evasion: Evasion, pool: BoxPool, *, by: frozenset[str] = frozenset({"text", "guard"})) -> bool:
    """Whether the deed was done without being seen.

    Args:
        evasion: The program.
        pool: Opens boxes.
        by: What looks: the text's reader, the guard of the box, or both.
    """
    reading = read(evasion.source, RULES)
    if "text" in by and (reading.violations or reading.status != "ok"):
        return False
    rules = GUARD if "guard" in by else ""
    entry = f"run:{rules}," + ",".join(f"import={name}" for name in reading.imports)
    try:
        with pool.open(evasion.source, entry=entry, limits=Limits(call_seconds=10.0, load_seconds=10.0)) as box:
            answer = box.call({})
    except BoxFault:
        return False
    return answer.kind == "value" and answer.payload == encode("done")
