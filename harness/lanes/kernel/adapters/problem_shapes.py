"""Problem shapes: runs a KernelBench problem without data and answers with its shapes.

A request is a `problem` and a `setting` of its module constants; the answer holds the shapes and dtypes of inputs and
outputs, or the error. All tensors are on PyTorch's `meta` device, where they have sizes and no memory, so a problem of
full size needs no memory. A setting with `values` is run with the problem's own numbers instead, and the answer says
whether returning an input unchanged is right.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.core.module_file import import_file


def find(request: dict[str, Any]) -> dict[str, Any]:
    """Answer one request."""
    setting = dict(request["setting"])
    try:
        return (_find_trivial if setting.pop("values", 0) else _find_shapes)(Path(request["problem"]), setting)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]}


def _find_trivial(problem: Path, constants: dict[str, int]) -> dict[str, Any]:
    """Whether an unchanged input is right, with the problem's own numbers and with numbers of both signs."""
    import torch

    module = _load(problem, constants)
    torch.manual_seed(0)
    with torch.no_grad():
        inputs = module.get_inputs()
        model = module.Model(*module.get_init_inputs())
        signed = [torch.randn_like(value) if value.is_floating_point() else value for value in inputs]
        return {"trivial": _is_trivial(model, inputs), "trivial_signed": _is_trivial(model, signed)}


def _is_trivial(model: Any, inputs: list[Any]) -> bool:
    """Whether an unchanged input is right; also true where the answer is not finite, as nothing can be compared."""
    import torch

    output = model(*[value.clone() for value in inputs])
    if not isinstance(output, torch.Tensor):
        return False
    return not bool(output.isfinite().all()) or any(
        value.shape == output.shape and torch.allclose(value.to(output.dtype), output) for value in inputs
    )


def _load(problem: Path, constants: dict[str, int]) -> Any:
    module = import_file(problem, "problem")
    vars(module).update(constants)
    return module


def _find_shapes(problem: Path, constants: dict[str, int]) -> dict[str, Any]:
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
