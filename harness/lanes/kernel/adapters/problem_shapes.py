"""Probing: the shapes of a KernelBench problem, found by running it without data. A script of its own process.

`python probing.py PROBLEM.py` reads settings of the problem's module constants, one JSON object a line, and answers
each with a line: the shapes and dtypes of what goes in and what comes out, or the error. Everything lies on PyTorch's
`meta` device, where tensors have sizes and no memory, so the full size of a problem costs nothing. A setting beside
which `values` is asked is run with its own numbers instead, and the answer says whether handing on an input is right.
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
            asked = json.loads(line)
            probe = _try if asked.pop("values", 0) else _probe
            found = probe(problem, asked)
        except Exception as error:
            found = {"error": f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]}
        print(json.dumps(found), file=answers, flush=True)


def _try(problem: Path, constants: dict[str, int]) -> dict[str, Any]:
    """Whether an input is the answer, with the problem's own numbers and with numbers of both signs."""
    import torch

    module = _load(problem, constants)
    torch.manual_seed(0)
    with torch.no_grad():
        inputs = module.get_inputs()
        model = module.Model(*module.get_init_inputs())
        signed = [torch.randn_like(value) if value.is_floating_point() else value for value in inputs]
        return {"trivial": _handed_on(model, inputs), "trivial_signed": _handed_on(model, signed)}


def _handed_on(model: Any, inputs: list[Any]) -> bool:
    """Whether an input is the answer; so it is if there is none, which is no better."""
    import torch

    output = model(*[value.clone() for value in inputs])
    if not isinstance(output, torch.Tensor):
        return False
    return not bool(output.isfinite().all()) or any(
        value.shape == output.shape and torch.allclose(value.to(output.dtype), output) for value in inputs
    )


def _load(problem: Path, constants: dict[str, int]) -> Any:
    spec = importlib.util.spec_from_file_location("problem", problem)
    if spec is None or spec.loader is None:
        raise ImportError(str(problem))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    vars(module).update(constants)
    return module


def _probe(problem: Path, constants: dict[str, int]) -> dict[str, Any]:
    import torch

    module = _load(problem, constants)
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
