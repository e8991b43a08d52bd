"""Reference: compares answers with the reference in double precision; trusted processes that never load a kernel.

Inputs are sampled again from the question's seed, so it does not matter what a kernel did to its copies, and no right
answer ever exists in the kernel's process.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.lanes.kernel.inputs import sample_inputs
from harness.lanes.kernel.numerical_error import SINGLE_UNIT, compare_output, is_far
from harness.lanes.kernel.trusted_function import outputs_of, resolve

if TYPE_CHECKING:
    import torch

NULLS = ("zeros", "ones", "mean", "passthrough", "previous")
"""Answers that need no computation; a definition for which one of them is always right is refused."""

PERTURBATIONS = 8
"""Changes of the inputs from which sensitivity is estimated; with fewer, one of thousands of elements is underrated."""


def sample(request: dict[str, Any]) -> dict[str, Any]:
    """The elements of the inputs that host code may know (`inputs`, by position), for each of the `questions`."""
    found = [
        [one.flatten().tolist() for one in sample_inputs(plan, "cpu", only=request["inputs"])]
        for plan in request["questions"]
    ]
    return {"numbers": found}


class Expected:
    """What is known of the right answer of one question."""

    def __init__(self, reference: Any, baseline: Any, inputs: list[torch.Tensor], plan: dict[str, Any]) -> None:
        import torch

        self.reference, self.inputs, self.plan = reference, inputs, plan
        self.truths = _called(reference, [_double(tensor) for tensor in inputs], plan)
        self.usual = _called(baseline, inputs, plan)
        halves = any(tensor.dtype in (torch.float16, torch.bfloat16) for tensor in inputs)
        self.single = _called(reference, [_single(tensor) for tensor in inputs], plan) if halves else self.usual

    def sensitivity(self, index: int) -> torch.Tensor:
        """What an output changes by (root mean square) when inputs change by a unit of rounding in single precision."""
        return self._sensitivities[index]

    @functools.cached_property
    def _sensitivities(self) -> list[torch.Tensor]:
        import torch

        device = self.truths[0].device
        generator = torch.Generator(device=device).manual_seed(self.plan["seed"] % (1 << 63))
        squares = [torch.zeros_like(truth, dtype=torch.float64) for truth in self.truths]
        for _ in range(PERTURBATIONS):
            answers = _called(self.reference, [_perturbed(tensor, generator) for tensor in self.inputs], self.plan)
            for index, answer in enumerate(answers):
                squares[index] += (answer.double() - self.truths[index].double()).square()
        return [(total / PERTURBATIONS).sqrt() for total in squares]


def compare(request: dict[str, Any], device: str = "cpu") -> dict[str, Any]:
    """Compare answers with the reference.

    Args:
        request: `folder` of the definition, `reference`, `baseline`, `times`, `questions` (plans) and
            `answers` (each the index of its `question` and the `files` of its outputs).

    Returns:
        `answers`, in the same order, each a list with the result of `compare_output` for each output, and `nulls`: for
        each trivial answer the share of questions for which it is right.
    """
    folder = Path(request["folder"])
    reference, baseline = resolve(request["reference"], folder), resolve(request["baseline"], folder)
    wanted: dict[int, list[tuple[int, list[str]]]] = {}
    for position, found in enumerate(request["answers"]):
        wanted.setdefault(found["question"], []).append((position, found["files"]))
    compared: list[list[dict[str, Any]]] = [[] for _ in request["answers"]]
    nulls = dict.fromkeys(NULLS, 0)
    previous: list[torch.Tensor] = []
    for index, plan in enumerate(request["questions"]):
        set_precision(plan)
        inputs = sample_inputs(plan, device)
        expected = Expected(reference, baseline, inputs, plan)
        for position, files in wanted.get(index, []):
            observed = [_read(Path(file), tensor, device) for file, tensor in zip(files, plan["outputs"], strict=True)]
            compared[position] = compare_outputs(observed, expected, request["times"])
        for name in NULLS:
            before = previous if name == "previous" else inputs if name == "passthrough" else []
            trivial = [
                _null(name, truth, before, plan["outputs"][i]["dtype"]) for i, truth in enumerate(expected.truths)
            ]
            nulls[name] += _are_right(trivial, expected, request["times"])
        previous = expected.truths
    count = max(1, len(request["questions"]))
    return {"answers": compared, "nulls": {name: right / count for name, right in nulls.items()}}


def set_precision(plan: dict[str, Any]) -> None:
    """Allow TensorFloat-32 for plans in that precision only."""
    import torch

    allowed = plan["precision"] == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = allowed


def _called(function: Any, inputs: list[torch.Tensor], plan: dict[str, Any]) -> list[torch.Tensor]:
    outputs = outputs_of(function(*inputs, **plan["parameters"]))
    if len(outputs) != len(plan["outputs"]):
        msg = f"the reference returns {len(outputs)} outputs, the definition names {len(plan['outputs'])}"
        raise ValueError(msg)
    return list(outputs)


def _double(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.double() if tensor.dtype.is_floating_point else tensor


def _perturbed(tensor: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    import torch

    if not tensor.dtype.is_floating_point:
        return tensor
    noise = torch.randn(tensor.shape, generator=generator, device=generator.device, dtype=torch.float64)
    return tensor.double() * (1 + noise * SINGLE_UNIT)


def _single(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.float() if tensor.dtype.is_floating_point else tensor


def compare_outputs(observed: list[torch.Tensor], expected: Expected, times: float) -> list[dict[str, Any]]:
    """The result of `compare_output` for each output of one question."""
    return [
        compare_output(
            one,
            expected.truths[index],
            expected.usual[index],
            times=times,
            single=expected.single[index],
            sensitivity=functools.partial(expected.sensitivity, index),
        )
        for index, one in enumerate(observed)
    ]


def _are_right(observed: list[torch.Tensor], expected: Expected, times: float) -> bool:
    every = zip(observed, expected.truths, expected.usual, strict=True)
    if any(is_far(one, truth, usual, times=times) for one, truth, usual in every):
        return False
    return all(verdict["right"] for verdict in compare_outputs(observed, expected, times))


def _read(path: Path, tensor: dict[str, Any], device: str) -> torch.Tensor:
    import torch

    raw = bytearray(path.read_bytes())
    dtype = getattr(torch, tensor["dtype"])
    flat = torch.frombuffer(raw, dtype=dtype) if raw else torch.empty(0, dtype=dtype)
    return flat.reshape(tensor["sizes"]).to(device)


def _null(name: str, truth: torch.Tensor, sources: list[torch.Tensor], dtype_name: str) -> torch.Tensor:
    """The answer of a kernel that does no work, in the wanted dtype; zeros where no source is large enough."""
    import torch

    dtype = getattr(torch, dtype_name)
    if name == "ones":
        return torch.ones_like(truth, dtype=dtype)
    if name == "mean":
        return torch.full_like(truth, float(truth.double().mean()) if truth.numel() else 0.0, dtype=dtype)
    source = next((one for one in sources if one.numel() >= truth.numel()), None)
    if source is None:
        return torch.zeros_like(truth, dtype=dtype)
    return source.reshape(-1)[: truth.numel()].reshape(truth.shape).to(dtype)
