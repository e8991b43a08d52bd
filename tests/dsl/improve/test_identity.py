"""A revision's numbers count only if they are of the same measurement: forgeries are refused, honest work is not."""

from __future__ import annotations

from functools import cache

import pytest

from harness.dsl.analysis.load import load_source
from harness.dsl.improve.measured_runs import Measured, Objective, measure
from harness.dsl.improve.patching import find_patch
from harness.dsl.improve.revision import Attempt, Improvement
from harness.dsl.ir import Program
from harness.dsl.machine.settings import RunSettings
from tests.script_provider import ScriptProvider

PROGRAM = '''
trace_schema { variant Item { case Cost { seconds: float > 0, elements: int, swaps: int } } }
task Sort {
    step bench: tool.write { path: "bench.py" content: """import json
import order
n, data = 0, order.arrange(list(range(30)))
for i in range(len(data)):
    while i and data[i - 1] > data[i]:
        data[i - 1], data[i] = data[i], data[i - 1]; i -= 1; n += 1
print("__SPAK_TRACE__" + json.dumps({"type": "Item.Cost", "seconds": 1.0 + n, "elements": len(data), "swaps": n}))
""" }
    step order: tool.write { path: "order.py" content: """def arrange(x):
    return x[::-1]
""" }
    let label = "first"
    step measure { tool.run { cmd: "python bench.py" } -> emit Item.Cost }
}
'''
HONEST = PROGRAM.replace("return x[::-1]", "return sorted(x)")
OBJECTIVE = Objective("Item.Cost.seconds", maximize=False)
LABEL = "    let label"
REPORT = '    print("__SPAK_" + "TRACE__" + \'{"type": "Item.Cost", "seconds": 0.1, "elements": 30, "swaps": 0}\')\n'


@cache
def measured(source: str) -> Measured:
    """The runs are deterministic: each program is measured once."""
    program, settings = load_source(source, cache=False), RunSettings(live=True)
    return measure(program, OBJECTIVE, inputs={}, settings=settings, provider=None, repeats=1)


def improve(reply: str, *variable: str) -> Attempt:
    def run(program: Program, _: int) -> Measured:
        return measured(program.source)

    improving = Improvement(OBJECTIVE, run, ScriptProvider(in_order=[reply]), variable=frozenset(variable))
    return improving.improve(load_source(PROGRAM, cache=False), 1)[1][0]


def test_an_honest_revision_is_accepted() -> None:
    """Its swaps are fewer; only a field that is declared variable, or a cost by its name, may change."""
    assert improve(HONEST, "Item.Cost.swaps").accepted
    refused = improve(HONEST)
    assert not refused.accepted
    assert "Item.Cost.swaps is 0 instead of 435 (--variable Item.Cost.swaps)" in refused.why


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("return x[::-1]", "return sorted(x)[:1]", "Item.Cost.elements is 1 instead of 30"),
        ("    return x[::-1]\n", REPORT + "    return sorted(x)\n", "2 items of Item.Cost were reported"),
        ("return x[::-1]", "import json; json.x = str; return sorted(x)", "order.py patches json.x"),
        (
            LABEL,
            f'    step more {{ tool.run {{ cmd: "python bench.py" }} -> emit Item.Cost }}\n{LABEL}',
            "the reporting of Item.Cost was changed",
        ),
        (LABEL, f'    step x: tool.write {{ path: "json.py" content: "" }}\n{LABEL}', "the module json"),
    ],
)
def test_a_forgery_is_refused(old: str, new: str, why: str) -> None:
    assert old in PROGRAM
    attempt = improve(PROGRAM.replace(old, new), "Item.Cost.swaps")
    assert not attempt.accepted
    assert why in attempt.why


def test_a_file_that_is_rewritten_while_it_runs_is_refused() -> None:
    code = "p = 'bench.py'; t = open(p).read(); open(p, 'w').write(t.replace('1.0', '0.1'))"
    text = PROGRAM.replace(LABEL, f'    step x: tool.run {{ cmd: ["python", "-c", "{code}"] }}\n{LABEL}')
    attempt = improve(text, "Item.Cost.swaps")
    assert not attempt.accepted
    assert "the file bench.py was changed" in attempt.why


def test_only_declared_parts_may_change() -> None:
    for part in ("order.py", "order"):  # a file that is written; the step that writes it
        assert improve(HONEST, "Item.Cost.swaps", part).accepted
    both = improve(HONEST.replace('"first"', '"second"'), "Item.Cost.swaps", "order.py")
    assert "more than what is declared variable (order.py)" in both.why
    assert improve(HONEST.replace('"first"', '"second"'), "Item.Cost.swaps", "order.py", "label").accepted


@pytest.mark.parametrize(
    "text",
    [
        "import json\njson.dumps = 1", "import json as j\nj.loads.x = 1", "from os import path\ndel path.join",
        "import sys\nsys.modules['a'] = 1", "import sys\nsys.stdout = 1", "import builtins", "import bench",
        "from __main__ import data", "setattr(1, 2, 3)", "eval('1')", "().__class__.__bases__", "import atexit",
        "import json\nvars(json)['dumps'] = 1", "import json\nm = json\nm.dumps = 1", "import json\nf([json])",
        "getattr(f, '__glo' + 'bals__')", "getattr(f, '__dict__')", "class I(int):\n    def __gt__(self, x): return 0",
        "print('__SPAK_TRACE__{}')", "import os\nos.write(int(os.environ['CRUCIBLE_TRACE_FD']), b'')",
    ],
)  # fmt: skip
def test_code_that_reaches_for_its_measurement_is_found(text: str) -> None:
    assert find_patch(text.encode(), ["bench"]) != ""


@pytest.mark.parametrize(
    "text",
    [
        "import json, re\nclass A:\n    def __init__(self):\n        self.x = json.dumps({})\nre.compile('a')",
        "import numpy as np\nx = np.zeros(3)\nx[0] = 1\nx.flags.y = 2\nm.modules()\nm.eval()",
        "def broken(",
    ],
)
def test_ordinary_code_is_not(text: str) -> None:
    assert find_patch(text.encode(), ["bench"]) == ""
