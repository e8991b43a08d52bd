"""A plan that may be executed, and each way in which one may not."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from harness.lanes.kernel.plan import PlanFault, read_plan
from harness.lanes.kernel.plan_check import check_plan

X = {"storage": 0, "dtype": "float32", "offset": 0, "sizes": [4, 8], "strides": [8, 1]}
Y = X | {"storage": 1}
LAUNCH = {
    "do": "launch",
    "kernel": "k",
    "grid": [4, 1, 1],
    "args": {"x": {"tensor": X}, "y": {"tensor": Y}, "N": 8},
    "options": {},
}
PLAN: dict[str, Any] = {"steps": [{"do": "new", "bytes": 128, "dtype": "float32"}, LAUNCH], "returns": [Y]}
TENSOR = {"sizes": [4, 8], "dtype": "float32", "layout": [0, 1], "alias": ""}
QUESTION: dict[str, Any] = {"inputs": [TENSOR], "outputs": [TENSOR], "names": ["x"]}
JITS = {"k": ["x", "y", "N"], "helper": []}


def check(plan: Any, question: dict[str, Any] = QUESTION, **named: Any) -> None:
    check_plan(read_plan(json.dumps({"plan": plan})), question, JITS, **named)


def changed(*path: Any, to: Any) -> dict[str, Any]:
    plan = copy.deepcopy(PLAN)
    at: Any = plan
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = to
    return plan


def with_step(**step: Any) -> dict[str, Any]:
    return PLAN | {"steps": [*PLAN["steps"], step]}


def test_a_plan_as_it_should_be() -> None:
    check(PLAN)
    check(with_step(do="write", to=Y, value=1.5))
    check(with_step(do="write", to=Y | {"sizes": [2], "strides": [1]}, value=[1, 2]))
    check(with_step(do="call", operator="arange", overload="default", args=[3], named={}, outputs=[]))


CALL = {"do": "call", "operator": "mm", "overload": "default", "args": [{"tensor": X}], "named": {}, "outputs": []}


@pytest.mark.parametrize(
    ("plan", "kind"),
    [
        (changed("returns", to=[]), "refused"),
        (changed("returns", to=[X]), "refused"),
        (changed("returns", 0, "dtype", to="float16"), "refused"),
        (changed("returns", 0, "sizes", to=[4, 4]), "refused"),
        (changed("returns", 0, "strides", to=[1, 4]), "refused"),
        (changed("returns", 0, "offset", to=1), "protocol"),
        (changed("returns", 0, "storage", to=2), "protocol"),
        (changed("returns", 0, "storage", to=-1), "protocol"),
        (changed("returns", 0, "offset", to=1.0), "protocol"),
        (changed("returns", 0, "offset", to=True), "protocol"),
        (changed("steps", 1, "kernel", to="other"), "forbidden"),
        (changed("steps", 1, "args", to={"x": 1}), "protocol"),
        (changed("steps", 1, "args", "N", to=1 << 64), "protocol"),
        (changed("steps", 1, "args", "N", to={"jit": "other"}), "forbidden"),
        (changed("steps", 1, "args", "N", to={"tensor": X, "block_shape": [4]}), "protocol"),
        (changed("steps", 1, "args", "N", to="n" * 300), "protocol"),
        (changed("steps", 1, "grid", to=[0, 1, 1]), "protocol"),
        (changed("steps", 1, "grid", to=[1 << 20, 1, 1]), "forbidden"),
        (changed("steps", 1, "options", to={"num_warps": 999}), "protocol"),
        (changed("steps", 1, "options", to={"launch_pdl": 1}), "protocol"),
        (changed("steps", 1, "variants", to=[LAUNCH] * 65), "protocol"),
        (changed("steps", 1, "variants", to=[LAUNCH | {"kernel": "other"}]), "forbidden"),
        (changed("steps", 0, "bytes", to=64), "protocol"),
        (changed("steps", 0, "bytes", to=1 << 40), "memory"),
        (changed("steps", 0, "dtype", to="complex64"), "forbidden"),
        (PLAN | {"steps": PLAN["steps"] + [LAUNCH] * 64}, "forbidden"),
        (PLAN | {"steps": PLAN["steps"] * 200}, "forbidden"),
        (PLAN | {"steps": PLAN["steps"][:1]}, "forbidden"),
        (PLAN | {"globals": {"a": [1]}}, "protocol"),
        (with_step(do="write", to=X, value=1), "changed"),
        (with_step(do="write", to=Y, value=[1, 2]), "protocol"),
        (with_step(do="write", to=Y, value=X | {"offset": 8}), "protocol"),
        (with_step(**CALL), "forbidden"),
        (with_step(do="delete"), "protocol"),
        ({"steps": []}, "protocol"),
        ([], "protocol"),
    ],
)
def test_what_may_not_be_executed(plan: Any, kind: str) -> None:
    with pytest.raises(PlanFault) as caught:
        check(plan, is_interpreted=True)
    assert caught.value.kind == kind, caught.value


def test_operators_are_allowed_by_name_or_all_but_those_that_open_files() -> None:
    plan = with_step(**CALL)
    check(plan, operators=("mm",))
    check(plan, library=True)
    for name in ("from_file", "set_", "resize_"):
        with pytest.raises(PlanFault, match=name):
            check(with_step(**CALL | {"operator": name}), library=True)


def test_an_output_may_be_stored_in_an_input_if_the_definition_says_so() -> None:
    plan = changed("returns", to=[X])
    check(plan, QUESTION | {"outputs": [TENSOR | {"alias": "x"}]})


def test_outputs_that_share_memory() -> None:
    two = QUESTION | {"outputs": [TENSOR, TENSOR]}
    with pytest.raises(PlanFault, match="share memory"):
        check(changed("returns", to=[Y, Y]), two)


@pytest.mark.parametrize("line", ["", "[]", "{", '{"kind": "unsupported"}', '{"plan": 1}', "[" * 9000])
def test_what_is_no_plan(line: str) -> None:
    with pytest.raises(PlanFault) as caught:
        read_plan(line)
    assert caught.value.kind == "protocol"
