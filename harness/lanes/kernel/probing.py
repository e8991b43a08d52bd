"""Probing: the shapes of a KernelBench problem, found by running it without data. A script of its own process.

`python probing.py PROBLEM.py` reads settings of the problem's module constants, one JSON object a line, and answers
each with a line: the shapes and dtypes of what goes in and what comes out, or the error. Everything lies on PyTorch's
`meta` device, where tensors have sizes and no memory, so the full size of a problem costs nothing.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any


def main(problem: Path) -> None:
    """Answer until there are no more questions. What the problem itself prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        try:
            found = _probe(problem, json.loads(line))
        except Exception as error:
            found = {"error": f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]}
        print(json.dumps(found), file=answers, flush=True)


def _probe(problem: Path, constants: dict[str, int]) -> dict[str, Any]:
    import torch

    spec = importlib.util.spec_from_file_location("problem", problem)
    if spec is None or spec.loader is None:
        raise ImportError(str(problem))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    vars(module).update(constants)
    bounds: list[int] = []
    randint = torch.randint

    def bounded(*arguments: Any, **named: Any) -> Any:
        whole = [argument for argument in arguments if isinstance(argument, int)]
        bounds.append(named.get("high", whole[-1] if whole else 2))
        return randint(*arguments, **named)

    with torch.device("meta"):
        torch.empty(0)  # the device mode notes which functions make tensors now, before one of them is replaced
    torch.randint = bounded
    try:
        with torch.device("meta"), torch.no_grad():
            inputs = module.get_inputs()
            model = module.Model(*module.get_init_inputs())
            outputs = model(*inputs)
    finally:
        torch.randint = randint
    several = isinstance(outputs, tuple | list)
    return {
        "inputs": [_shape(value) for value in inputs],
        "outputs": [_shape(value) for value in (outputs if several else [outputs])],
        "bounds": bounds,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
    }


def _shape(value: Any) -> dict[str, Any]:
    import torch

    if not isinstance(value, torch.Tensor):
        raise TypeError(f"a {type(value).__name__} where a tensor is expected")
    return {"sizes": list(value.shape), "dtype": str(value.dtype).removeprefix("torch.")}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
