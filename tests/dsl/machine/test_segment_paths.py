"""Prepared paths write the same events as instructions that are executed one by one."""

from __future__ import annotations

import pytest

from harness.dsl.machine import segment_paths

PROGRAMS = {
    "loops and branches": """task T {
        let i = 0 let word = "" let list = [3, 1, 2]
        repeat 40 { step s { i = i + 1 if mod(i, 3) == 0 { word = "{{i}}" } else if i > 20 { word = "late" } } }
        for x in list { step each { let y = x * 2 if y / (i - 40) > 1 { word = "never" } } }
        success: i == 40
    }""",
    "undefined conditions": """task T {
        let n = 0
        repeat 9 { n = n + 1 if n / (n - 5) > 2 { let a = n } step s { if list_of(n) { n = n + 1 } } }
    }""".replace("list_of(n)", "[1, 2][n] > 1"),
    "long pure work": "task T { let n = 0 repeat 900 { n = n + 1 } step end { let m = n } success: m == 900 }",
    "state, checks and items": """state total: int = 0
    variant V { case P { n: int } }
    fact big(p: V.P) { return p.n > 2 }
    task T {
        repeat 5 { step a { total = total + 1 let x = total } step b { emit V.P { n: x } } }
        evaluation { check c: total == 5 expect big: true }
        success: passed("c")
    }""",
    "branches and events": """state seen: int = 0
    task T {
        parallel { branch a { step a1 { let x = 1 } step a2 { emit e { k: x } } } branch b { step b1 { let y = 2 } } }
        run S
        step c { let z = x + y }
        success: z == 3
    }
    service_loop S { budget { events: 1 } on e(k: int) { seen = seen + k } }""",
    "steps in steps and failures": """task T {
        step outer { let a = 1 step inner { let b = a + 1 on failure { step undo { let u = 1 } } } deadline: 1h }
        repeat 3 { step again { a = a + b } }
        fail "{{a}}"
    }""",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_both_ways_write_the_same_events(start, name: str) -> None:
    fast, slow = start(PROGRAMS[name], folder="fast"), start(PROGRAMS[name], folder="slow", listener=lambda *_: None)
    outcomes = [session.run() for session in (fast, slow)]
    bodies = [[event.body for event in session.log.events()] for session in (fast, slow)]
    assert bodies[0] == bodies[1]
    assert outcomes[0] == outcomes[1]


def test_data_dependent_branches_do_not_fill_the_memory(start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment_paths, "MAX_NODES", 20)
    text = """task T { let n = 0 let odd = 0
        repeat 64 { step s { n = n + 1 if mod(n / 8, 2) < 1 { odd = odd + 1 } if mod(n / 4, 2) < 1 { odd = odd + 1 }
                             if mod(n, 2) == 0 { odd = odd + 1 } } }
        success: n == 64 }"""
    session = start(text)
    assert session.run().passed
    assert session.machine.stepper._paths.count <= 20
