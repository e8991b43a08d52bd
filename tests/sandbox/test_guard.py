# ruff: noqa: E501
"""The guard ends a box at an event that is forbidden, however the code is spelled, and leaves honest code alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.core.status import Status
from harness.sandbox.fault import BoxFault, GuardFault, guard_fault
from harness.sandbox.guard import GROUPS, REACH
from harness.sandbox.importable import importable, is_importable

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="boxes with layers need Linux")
RULES = "guarded,no-files,no-network,no-system,no-text"

FORBIDDEN = {
    "a builtin under its own name": ("eval = eval\ndef run(): return eval('1')", "compile"),
    "a caught error": ("import os\ndef run():\n try: os.system('true')\n except BaseException: pass", "os.system"),
    "a path that equals anything": (
        "class S(str):\n def __eq__(s, o): return True\n __hash__ = str.__hash__\ndef run(): return open(S('/dev/null')).read()",
        "open",
    ),
    "metadata of a path": ("import os\ndef run(): return os.path.exists('/etc')", "os.stat"),
    "a function from a set of functions": (
        "import os\ndef run(): return [f for f in os.supports_dir_fd if f.__name__ == 'stat'] or os.lstat('/')",
        "os.lstat",
    ),
    "a module's dictionary": ("import os\ndef run(): return dict(vars(os))['sys' + 'tem']('true')", "os.system"),
    "a module of a module": ("import re\ndef run(): return re.enum.sys.modules['os'].remove('x')", "os.remove"),
    "a variable of the environment": ("import os\ndef run(): os.environ['HOME'] = '/'", "os.putenv"),
    "a closed channel": ("import os\ndef run():\n os.close(4); os.system('true')", "that its channel"),
    "a file by a catalogue of messages": (
        "import locale\ndef run(): locale.bindtextdomain('a', '/etc'), locale.dgettext('a', 'b')",
        "locale.bindtextdomain",
    ),
    "a file by a catalogue of messages, in C": (
        "import locale\ndef run(): locale.strcoll.__self__.dgettext('a', 'b')",
        "locale.dgettext",
    ),
    "a compressed file": ("import gzip\ndef run(): return gzip.open('/etc/passwd')", "open"),
    "an import that is not listed": ("def run():\n import glob", "import"),
    "a loaded module that is not listed": ("def run():\n import ctypes", "import"),
    "signals by way of asyncio": ("import asyncio\ndef run(): asyncio.unix_events.signal.signal(14, print)", "signal.signal"),
    "a process of asyncio": (
        "import asyncio\ndef run(): asyncio.run(asyncio.create_subprocess_exec('true'))",
        "subprocess.Popen",
    ),
    "a file of logging": ("import logging\ndef run(): logging.FileHandler('/box/work/x')", "open"),
    "a file by a loader": ("import json\ndef run(): return json.__spec__.loader.get_data('/etc/passwd')", "open"),
    "a thread between questions": (
        "import os, threading, time\ndef run():\n threading.Thread(target=os.fork).start(); time.sleep(5)",
        "os.fork",
    ),
    "a finaliser": ("import os\nclass A:\n def __del__(self): os.system('true')\ndef run(): A()", "os.system"),
    "the caller's frame": ("import sys\ndef run(): return sys._getframe(1).f_locals", "sys._getframe"),
    "a frame of a traceback": (
        "def run():\n try: 1 / 0\n except Exception as error: return getattr(error.__traceback__, 'tb_' + 'frame')",
        "object.__getattr__",
    ),
    "a frame of a generator": ("def run(): return (x for x in ()).gi_frame", "object.__getattr__"),
    "a frame by inspect": ("import inspect\ndef run(): return inspect.currentframe()", "sys._getframe"),
    "objects of the collector": ("import gc\ndef run(): return gc.get_objects()", "gc.get_objects"),
    "code that a library copies for an object of ours": (
        "import functools, types\ndef g(): yield\ncode = types._GeneratorWrapper(g()).gi_code\nclass C:\n co_flags = 0x20\n"
        " __class__ = property(lambda s: type(code))\n replace = functools.partial(code.replace, co_filename='<box>')\n"
        "class F:\n __class__ = property(lambda s: type(g))\n __code__ = C()\n def __call__(s): pass\n"
        "def run(): return types.coroutine(F()) and None",
        "code.__new__",
    ),
    "globals of a frame below": (
        "import traceback\ndef run(): return [frame.f_globals for frame, _ in traceback.walk_stack(None)]",
        "object.__getattr__",
    ),
    "locals of a frame, by a pattern": (
        "import traceback\ndef run():\n for frame, _ in traceback.walk_stack(None):\n"
        "  match frame:\n   case object(f_locals=names): pass",
        "object.__getattr__",
    ),
    "locals of a frame, by a format": (
        "import traceback\ndef run(): return ['{0.f_locals}'.format(frame) for frame, _ in traceback.walk_stack(None)]",
        "object.__getattr__",
    ),
    "locals of a frame, by inspect": (
        "import inspect, traceback\ndef run(): return [inspect.getargvalues(frame) for frame, _ in traceback.walk_stack(None)]",
        "object.__getattr__",
    ),
    "the frame below, by its descriptor": (
        "import traceback, types\ndef run():\n"
        " return [vars(types.FrameType)['f_back'].fget(frame) for frame, _ in traceback.walk_stack(None)]",
        "object.__getattr__",
    ),
    "globals of a function": ("import os\ndef run(): return getattr(os.fsencode, '__globals__')", "object.__getattr__"),
    "a process by what subprocess keeps": (
        "import asyncio\ndef run(): asyncio.base_events.subprocess._fork_exec()",
        "subprocess.fork_exec",
    ),
    "code of a function": ("def run(): return run.__code__", "object.__getattr__"),
    "changed code": ("def f(): pass\ndef run(): f.__code__ = run.__code__", "object.__getattr__"),
    "a trace function": ("import sys\ndef run(): sys.settrace(print)", "sys.settrace"),
    "another hook": ("import sys\ndef run(): sys.addaudithook(print)", "sys.addaudithook"),
    "a call in the name of a field": (
        "import dataclasses\ndef run(): dataclasses.dataclass(type('A', (), {'__annotations__': {'x=print()': int}}))",
        "compile",
    ),
    "a function in the name of a field": (
        "import dataclasses\ndef run():\n"
        " dataclasses.dataclass(type('A', (), {'__annotations__': {'x=(lambda t: t)': int}}))",
        "compile",
    ),
    "a call in the name of an inherited field": (
        "import dataclasses\n@dataclasses.dataclass\nclass A: x: int\ndef run():\n"
        " A.__dataclass_fields__['x'].name = 'x=f\"{print(1)}\"'\n"
        " dataclasses.dataclass(type('B', (A,), {}))",
        "compile",
    ),
    "an interpreter of its own": ("import _testcapi\ndef run(): return _testcapi.run_in_subinterp('1')", "import"),
    "a module of the interpreter's tests": ("def run(): return __import__('_testinternalcapi')", "import"),
    "a path by keywords": ("import os\ndef run(): return os.stat(path='/')", "os.stat"),
    "a named tuple that is not checked": (
        "import collections\ndef run():\n collections.type = lambda _: str\n"
        " class S(str):\n  isidentifier = lambda s: True\n"
        " collections.map = lambda *_: [S('x=print(1)')]\n collections.namedtuple('A', 'x')",
        "compile",
    ),
    "text in an annotation": (
        "import typing\nclass A:\n x: 'print(1)'\ndef run(): return typing.get_type_hints(A)",
        "exec",
    ),
    "a file name that is a library's": (
        "import ast\nast.PyCF_ONLY_AST = 0\ndef run(): return ast.parse('1', '<frozen os>')",
        "compile",
    ),
    "bytes that are code": ("import inspect\ndef run(): return inspect.importlib._bootstrap_external.marshal.loads(b'N')", "marshal.loads"),
}  # fmt: skip

HONEST = {
    "a module that does not exist": "def run():\n try: import numpy\n except ImportError as error: return error.name",
    "data classes": "from dataclasses import dataclass, field\n@dataclass(frozen=True, slots=True, order=True)\nclass A:\n"
    " x: int = 1\n y: list = field(default_factory=list)\ndef run(): return repr(A(2))",
    "named tuples": "from collections import namedtuple\nfrom typing import NamedTuple\nclass B(NamedTuple):\n x: int\n"
    " y: 'str' = ''\nA = namedtuple('A', 'x y')\ndef run(): return repr((A(1, 2), B(1)))",
    "enumerations": "import enum\nclass A(enum.Flag):\n X = 1\n Y = 2\ndef run(): return repr(A.X | A.Y)",
    "an event loop": "import asyncio\nasync def one():\n await asyncio.sleep(0.001)\n"
    " return await asyncio.to_thread(len, 'ab')\ndef run(): return asyncio.run(one())",
    "the own locale": "import locale\ndef run(): return locale.setlocale(locale.LC_TIME, ''), locale.getlocale()",
    "another locale": "import locale\ndef run():\n try: locale.setlocale(locale.LC_TIME, 'x')\n"
    " except locale.Error as error: return str(error)",
    "a formatted traceback": "import traceback\ndef run():\n try: 1 / 0\n except Exception: return traceback.format_exc()",
    "literals of Python": "import ast\ndef run():\n try: return ast.literal_eval('(')\n except SyntaxError: return ast.literal_eval('[1]')",
    "type hints": "import typing\nclass A:\n x: 'int | None'\n y: 'list[str]'\ndef run(): return repr(typing.get_type_hints(A))",
    "a warning": "import warnings\nasync def one(): pass\ndef run():\n one(); warnings.warn('x'); return 1",
    "dates and codecs": "import datetime, time\ndef run(): return str(datetime.datetime.strptime('2020', '%Y')) + 'é'.encode('cp1252').hex()",
    "an unknown codec": "def run():\n try: return 'x'.encode('no-such-codec')\n except LookupError: return 1",
    "big integers": "def run(): return str(7 ** 5000)[:9] + str(int('9' * 4000))[:3]",
    "caches": "from functools import cache\n@cache\ndef f(n): return n and f(n - 1)\n@cache\ndef run(): return f(50)",
    "copies, hashes and random numbers": "import copy, decimal, fractions, hashlib, random, statistics\n"
    "def run(): return repr([copy.deepcopy({1: [2]}), hashlib.sha256(b'').hexdigest(), statistics.mean([1, 2]),"
    " fractions.Fraction('1/3') + 1, decimal.Decimal(2).sqrt(), random.Random(1).random()])",
    "logging": "import logging\nlog = logging.getLogger('x')\ndef run():\n log.warning('a %s', 1); return 1",
    "compression and markup": "import bz2, gzip, lzma\nimport xml.etree.ElementTree as E\n"
    "def run(): return [len(one.compress(b'a' * 99)) > 9 for one in (bz2, gzip, lzma)] + [E.fromstring('<a/>').tag]",
    "what a library imports when it is called": "import weakref, uuid\nfrom collections import Counter\n"
    "from functools import singledispatch\nclass A: pass\n@singledispatch\ndef f(x): return 1\n"
    "@f.register\ndef _(x: int | str): return 2\n"
    "def run():\n weakref.finalize(A(), print)\n return [f(1), str(uuid.uuid5(uuid.NAMESPACE_DNS, 'x')), Counter('aab').most_common(1)[0][0]]",
    "coroutines of generators": "import types\n@types.coroutine\ndef one():\n yield\n return 1\nasync def two(): return await one()\n"
    "def run():\n made = two()\n made.send(None)\n try: made.send(None)\n except StopIteration as end: return end.value",
    "match": "def run():\n match {'a': [1]}:\n  case {'a': [int(x)]}: return x",
}  # fmt: skip
IMPORTS = ("ast", "asyncio", "collections", "copy", "dataclasses", "datetime", "decimal", "enum", "fractions", "functools",
           "gc", "bz2", "gzip", "lzma", "xml.etree.ElementTree", "hashlib", "inspect", "json", "logging", "random", "statistics", "threading", "time", "traceback",
           "types", "typing", "uuid", "weakref", "functools", "warnings", "_strptime")  # fmt: skip


OF_BOX = "encodings.cp1252"  # no zygote has loaded it, so a box that imports it prepares its modules itself


def entry_for(source: str, rules: str = RULES, *more: str) -> str:
    words = source.replace(",", " ").replace("\n", " ").split()
    named = [*(name for name in IMPORTS if name in words or name.startswith("_")), *more]
    return f"run:{rules}," + ",".join(f"import={name}" for name in named)


@pytest.mark.parametrize("more", [(), (OF_BOX,)], ids=["zygote", "box"])
@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_forbidden_event_ends_the_box(pool, name, more):
    source, event = FORBIDDEN[name]
    with pytest.raises(BoxFault) as caught, pool.open(source.encode(), entry=entry_for(source, RULES, *more)) as box:
        box.call({})
        box.call({})
    assert caught.value.status is Status.FORBIDDEN, caught.value
    assert isinstance(caught.value, GuardFault)
    assert caught.value.event.startswith(event)


@pytest.mark.parametrize("name", HONEST)
def test_honest_code_answers_as_without_a_guard(pool, name):
    source = HONEST[name]
    with pool.open(source.encode(), entry=entry_for(source, RULES, OF_BOX)) as box:
        guarded = box.call({})
    assert guarded.kind == "value", guarded
    if name != "an event loop":  # whose sockets are refused in a box without a guard
        with pool.open(source.encode(), entry="run") as box:
            assert box.call({}).payload == guarded.payload


def test_a_rule_that_is_missing_allows_its_events(pool):
    source = b"import os\ndef run(): return os.listdir('/box/work') if os.path.isdir('/box/work') else []"
    with pool.open(source, entry="run:guarded,no-system") as box:
        assert box.call({}).kind == "value"
    with pytest.raises(GuardFault), pool.open(b"def run(): return open('/x')", entry="run:guarded,no-files") as box:
        box.call({})


def test_the_box_names_the_line_of_its_entry(pool):
    for source, line in {
        "def run(): pass": 1,
        "from functools import cache\n@cache\ndef f(): pass\ndef run(): pass\nrun = f": -2,
        "from functools import cache\n@cache\ndef run(): pass": -2,
        "@lambda f: lambda: 1\ndef run(): pass": -1,
        "def run(): return lambda: 1\nrun = run()": -1,
        "from functools import wraps\ndef run(): pass\nrun = wraps(run)(lambda: 1)": -2,
        "from functools import singledispatch\n@singledispatch\ndef run(x): pass": 2,
    }.items():
        with pool.open(source.encode(), entry="run") as box:
            assert box.entry_line == line, source
    with pool.open(b"run = len\n", entry="run") as box:
        assert box.entry_line == 0


def test_lines_are_counted_by_request(pool):
    source = b"def run():\n    for _ in range(3):\n        x = 1\n    return 1\n    y = 2\n"
    with pool.open(source, entry=f"run:{RULES},lines") as box:
        assert box.call({}).payload == b"[[-1,1],[1,1],[2,4],[3,3],[4,1]]"


def test_no_place_of_the_project_is_visible(pool):
    source = b"""
import sys
def run():
    frame, found = sys._getframe(), {sys.executable, sys.prefix, *sys.path}
    while frame is not None:
        found.add(frame.f_code.co_filename)
        found.update(str(value) for value in frame.f_globals.values() if isinstance(value, str))
        frame = frame.f_back
    return sorted(found)
"""
    with pool.open(source, entry="run") as box:
        payload = box.call({}).payload.decode()
    assert "harness/" not in payload
    assert sys.prefix == sys.base_prefix or sys.prefix not in payload


REACH_SOURCE = """
def parts(value):
    kind = type(value)
    if kind is dict:
        return [*value.values()]
    if kind in (list, tuple, set, frozenset):
        return [*value]
    if kind is types.ModuleType:
        return [vars(value)]
    if kind is types.CellType:
        return [] if value == types.CellType() else [value.cell_contents]
    if issubclass(kind, type):
        below = type.__subclasses__(value)
        return [dict(vars(value)), *value.__mro__, *below, kind]
    names = "__self__ __func__ __defaults__ __kwdefaults__ __closure__ __dict__ __class__ fget func args keywords".split()
    found = []
    for name in names:
        try:
            found.append(object.__getattribute__(value, name))
        except AttributeError:
            pass
    return found

def run():
    waiting, known, found = [dict(sys.modules), [frame for frame, _ in traceback.walk_stack(None)], object], {}, set()
    known[id(known)] = known[id(waiting)] = known[id(found)] = None
    while waiting:
        value = waiting.pop()
        if id(value) in known:
            continue
        known[id(value)] = value
        owner = value if type(value) is types.ModuleType or issubclass(type(value), type) else type(value)
        names = vars(owner)
        module = names.get("__name__") if type(owner) is types.ModuleType else names.get("__module__")
        head = module.partition(".")[0] if type(module) is str else ""
        stands_in = getattr(owner, "__name__", "") == "End"  # for a socket
        if head in ("ctypes", "_ctypes", "_posixsubprocess", "harness") and not stands_in:
            found.add(f"{module}: {value!r:.80}")
        elif type(value) is type(len) and (value.__module__, value.__name__) in SILENT:
            found.add(f"{value.__module__}.{value.__name__}")
        else:
            waiting += parts(value)
    return [len(known), sorted(found)]
"""


LOADED_BY_ZYGOTE = "dataclasses datetime functools os sys traceback types".split()
LOADED_BY_BOX = "asyncio configparser email inspect logging plistlib threading uuid xml.dom.minidom".split()
SILENT = """
SILENT = {("posix", "stat"), ("posix", "lstat"), ("posix", "readlink"), ("_imp", "create_dynamic"), ("gc", "freeze"),
          ("_signal", "setitimer"), ("_thread", "interrupt_main"), ("_locale", "setlocale")}
"""


@pytest.mark.parametrize("more", [[], LOADED_BY_BOX], ids=["zygote", "box"])
def test_nothing_that_reads_memory_or_makes_system_calls_can_be_reached(pool, more):
    """From all loaded modules, all classes and the frames below, by what causes no event."""
    names = [*LOADED_BY_ZYGOTE, *more]
    source = f"import {', '.join(names)}\n{SILENT}{REACH_SOURCE}"
    entry = ",".join([f"run:{RULES}", *(f"import={name}" for name in names)])
    with pool.open(source.encode(), entry=entry) as box:
        answer = box.call({})
    count, found = json.loads(answer.payload)
    assert count > (20_000 if more else 10_000)
    assert not found


STATE = """
import os, sys
def run():
    modules = {name: module for name, module in sys.modules.items() if name != "encodings.cp1252"}
    kinds = {name: {key: type(value).__name__ for key, value in vars(module).items()} for name, module in modules.items()}
    kinds["encodings"].pop("cp1252", None)
    return [sorted(modules), kinds]
"""


def test_a_box_finds_the_same_whether_its_zygote_prepared_its_modules_or_itself(pool):
    found = []
    for more in ((), (OF_BOX,)):
        with pool.open(STATE.encode(), entry=entry_for(STATE, RULES, "os", "sys", *more)) as box:
            found.append(json.loads(box.call({}).payload))
    assert found[0][0] == found[1][0]
    assert found[0][1] == found[1][1]


def test_a_box_without_a_guard_has_the_functions_that_its_zygote_replaced(pool):
    source = b"import os, ctypes, gc\ndef run(): return [os.stat('/').st_nlink > 0, gc.freeze(), os.getpid() > 0]"
    with pool.open(source, entry="run") as box:
        assert box.call({}).payload == b"[true,null,true]"


def test_a_source_may_import_any_number_of_modules(pool):
    entry = ",".join([f"run:{RULES}", *(f"import=absent_{number}" for number in range(6000))])
    with pool.open(b"def run():\n    return 1\n", entry=entry) as box:
        assert box.call({}).payload == b"1"


def test_only_listed_modules_of_the_standard_library_are_importable():
    listed = importable(frozenset(GROUPS), ("sqlite3", "xml"))
    assert all(
        is_importable(name, listed) for name in ("os.path", "sqlite3", "xml.dom.minidom", "numpy", "asyncio.tasks")
    )
    assert not any(
        is_importable(name, listed) for name in ("subprocess", "ctypes", "os.fork", "logging.config", "glob")
    )
    assert "tempfile" in importable(frozenset(GROUPS) - {"no-files"}, ())


def test_a_guard_frame_is_read_safely():
    fault = guard_fault(b"7\nopen\n/etc/\x1b[31m", "in a call")
    assert (fault.line, fault.event) == (7, "open('/etc/\\x1b[31m')")
    assert guard_fault(b"\xff\xff", "in a call").line == 0
    assert all(not GROUPS[rule] & {"import"} for rule in GROUPS)
    assert "import" in REACH


def test_no_c_function_looks_for_a_path_in_silence():
    """OpenSSL and the catalogues of the C library did: a guarded box could tell which names exist."""
    program = Path(__file__).with_name("silent_paths.py")
    done = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    lines = done.stdout.splitlines()
    assert lines[-1] == "done"
    assert [line for line in lines if line.startswith("silent: ")] == []
