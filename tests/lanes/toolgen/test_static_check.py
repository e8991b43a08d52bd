from __future__ import annotations

import ast

import pytest

from harness.lanes.toolgen.forbidden_names import Forbidden, default_apis
from harness.lanes.toolgen.static_check import violations

FORBIDDEN = Forbidden(["os.system", "eval"])


def found(source: str, forbidden: Forbidden = FORBIDDEN) -> list[str]:
    return [violation.api for violation in violations(ast.parse(source), forbidden)]


@pytest.mark.parametrize(
    "source",
    [
        'import os\nos.system("x")',
        "import os as o\no.system",
        "from os import system as s",
        'from os import *\nsystem("x")',
        "import posix\nposix.system",
        'import os\ngetattr(os, "sys" + "tem")("true")',
        'import os\na = "sys"\nb = "tem"\ngetattr(os, a + b)',
        'import os\ngetattr(os, "metsys"[::-1])',
        'import os\ngetattr(os, "".join(["sys", "tem"]))',
        "import os\ngetattr(os, f\"{'sys'}tem\")",
        'import os\ngetattr(os, "%s%s" % ("sys", "tem"))',
        'import os\ngetattr(os, "SYSTEM".lower())',
        'import os\ngetattr(os, chr(115) + "ystem")',
        'import os\nos.__getattribute__("system")',
        '__import__("o" + "s").system("x")',
        'import importlib\nimportlib.import_module("os").system',
        'import sys\nsys.modules["os"].system',
        'import sys\nsys.modules.get("os").system',
        'import os\nvars(os)["system"]',
        'import os\nos.__dict__["system"]',
        'import operator, os\noperator.attrgetter("system")(os)',
        "import os\nm = os\nn = m\nn.system",
        "import os\nq, r = os, 1\nq.system",
        'exec("import os; os.system(1)")',
    ],
)
def test_every_way_to_a_forbidden_function_is_found(source):
    assert "os.system" in found(source)


@pytest.mark.parametrize(
    "source",
    [
        'eval("1")',
        "e = eval",
        'import builtins\nbuiltins.eval("1")',
        '__builtins__["eval"]',
        'globals()["__builtins__"]["eval"]',
        'if 0:\n    eval = 1\neval("1")',
        "import functools\nfunctools.partial(eval, '1')",
    ],
)
def test_a_builtin_is_found_by_any_name(source):
    assert "eval" in found(source)


@pytest.mark.parametrize(
    ("source", "api"),
    [
        ("import os\ngetattr(os, name)", "os"),
        ("import os\n(lambda o: o.system)(os)", "os"),
        ("import os\nfor o in (os,):\n    o.system", "os"),
        ("import os\nclass A:\n    pass\nA.o = os", "os"),
        ("__import__(name)", "__import__"),
        ("().__class__.__base__.__subclasses__()", "__subclasses__"),
        ("class A: pass\nA = object\nA.__subclasses__()", "__subclasses__"),
        ("class A: pass\ndef f(A):\n    A.__subclasses__()\nf(object)", "__subclasses__"),
        ("class A: pass\nfrom builtins import object as A\nA.__subclasses__()", "__subclasses__"),
        ("def f(): pass\nf.__globals__", "__globals__"),
        ('def f(): pass\ngetattr(f, "__glo" + "bals__")', "__globals__"),
        ("match frame:\n    case object(f_lineno=1, f_globals=names):\n        pass", "f_globals"),
        ("exec(text)", "exec"),
        ("globals()[name]", "<globals>"),
    ],
)
def test_what_cannot_be_followed_is_a_violation(source, api):
    assert api in found(source)


@pytest.mark.parametrize(
    "source",
    [
        '"""It evaluates, by eval(x) and os.system, in words only."""',
        "# eval(x)",
        "x = 'os.system'",
        "import os\nos.path.join('a', 'b')",
        "import os\nprint(os.sep)",
        "import re\nre.compile('a')",
        "class Model:\n    def eval(self):\n        return 1\nModel().eval()",
        "def f(eval):\n    return eval(1)",
        "def eval(x):\n    return x\neval(1)",
        "evaluate = 1\nevaluates = evaluate",
        "system = 1\nsystem",
        "class A:\n    pass\ngetattr(A(), name)",
        "import sys\nprint('x', file=sys.stderr)",
        "import os\nif hasattr(os, 'fork'):\n    pass",
        "node.__class__.__name__",
        "class A:\n    pass\nfor one in A.__subclasses__():\n    one()",
    ],
)
def test_harmless_code_has_no_violation(source):
    assert found(source) == []


def test_a_violation_says_where():
    (one,) = violations(ast.parse('import os\n\n\ndef f():\n    return os.system("x")\n'), FORBIDDEN)
    assert (one.api, one.line, one.column, one.code) == ("os.system", 5, 12, "os.system")
    assert str(one) == "os.system at line 5, column 12: os.system"


def test_an_empty_list_forbids_nothing():
    assert found("import os\nos.system('x')\neval('1')\n().__class__.__subclasses__()", Forbidden([])) == []


@pytest.mark.parametrize(
    ("written", "source"),
    [
        ("os.system(", "import os\nos.system('x')"),
        ("socket.", "import socket"),
        ("subprocess", "from subprocess import run"),
        ("os.exec*", "import os\nos.execve"),
        ("os.*", "import os\nos.getpid"),
        ("open(", "import io\nio.open('x')"),
        ("open", "import pathlib\npathlib.Path('x').read_text()"),
        ("requests.", "import requests.sessions as s"),
    ],
)
def test_entries_of_the_list_may_be_written_as_the_seed_does(written, source):
    assert found(source, Forbidden([written])) == [written]


def test_the_default_list_and_what_capabilities_take_off_it():
    source = "import socket\nopen('x')\neval('1')"
    assert found(source, Forbidden(default_apis(()))) == ["socket", "open", "eval"]
    assert found(source, Forbidden(default_apis(("file_io",)))) == ["socket", "eval"]
    assert found(source, Forbidden(default_apis(("network",)))) == ["open", "eval"]


def test_the_quick_look_never_misses():
    for source in ("import os\nos.system('x')", "getattr(x, '__glo' + 'bals__')", "\uff45val('1')", "import posix"):
        assert FORBIDDEN.may_occur(source)
    assert not FORBIDDEN.may_occur("def evaluate(x):\n    return positive(x)\n")


def test_a_unicode_spelling_of_a_builtin_is_found():
    assert found("\uff45val('1')") == ["eval"]


@pytest.mark.parametrize("source", ["os.environ.get('A')", "os.getenv('A')", "os.environb", "os.getenvb(b'A')"])
def test_the_environment_has_one_name(source):
    assert found(f"import os\n{source}", Forbidden(["os.environ"])) == ["os.environ"]
    assert found(f"import os\n{source}", Forbidden(default_apis(()))) == []
