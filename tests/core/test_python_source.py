"""Generated functions see their parameters and the known names, and nothing else."""

import _ast as ast

import pytest

from harness.core.python_source import call, compile_function, load


def test_a_function_of_generated_statements() -> None:
    total = ast.BinOp(load("a"), ast.Add(), call(load("length"), load("b")))
    function = compile_function("total", ("a", "b"), [ast.Return(total)], {"length": len})
    assert function(40, "xy") == 42
    assert function.__name__ == "total"


def test_builtins_are_not_visible() -> None:
    function = compile_function("opened", (), [ast.Return(load("open"))], {})
    with pytest.raises(NameError):
        function()
