"""Reference: compares answers with the reference in double precision; a trusted process that never loads a kernel.

Inputs are sampled again from the question's seed, so it does not matter what a kernel did to its copies, and no right
answer ever exists in the kernel's process.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.lane.json_worker import answer_requests, claim_channel, send_answer
from harness.lanes.kernel.inputs import sample_inputs
from harness.lanes.kernel.numerical_error import compare_output
from harness.lanes.kernel.trusted_function import outputs_of, resolve

if TYPE_CHECKING:
    import torch

NULLS = ("zeros", "ones", "mean", "passthrough", "previous")
"""Answers that need no computation; a definition for which one of them is always right is refused."""


def main() -> None:
    """Answer requests (see `compare`) until the parent closes the channel."""
    requests, answers = claim_channel()
    import torch

    torch.set_num_threads(1)
    send_answer({"ready": True}, answers)
    answer_requests(_answer, requests, answers)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"compared": _sample(request) if "sample" in request else compare(request)}
    except Exception as error:
        return {"fault": f"{type(error).__name__}: {error}"}


def _sample(request: dict[str, Any]) -> dict[str, Any]:
    """The elements of the inputs that host code may know (`inputs`, by position), for each question of `sample`."""
    found = [
        [one.flatten().tolist() for one in sample_inputs(plan, "cpu", only=request["inputs"])]
        for plan in request["sample"]
    ]
    return {"numbers": found}


def compare(request: dict[str, Any]) -> dict[str, Any]:
    """Compare answers with the reference.

    Args:
        request: `folder` of the definition, `reference`, `baseline`, `times`, `device`, `questions` (plans) and
            `answers` (each the index of its `question` and the `files` of its outputs).

    Returns:
        `answers`, in the same order, each a list with the result of `compare_output` for each output, and `nulls`: for
        each trivial answer the share of questions for which it is right.
    """
    import torch

    folder, device = Path(request["folder"]), request.get("device", "cpu")
    reference, baseline = resolve(request["reference"], folder), resolve(request["baseline"], folder)
    wanted: dict[int, list[tuple[int, list[str]]]] = {}
    for position, found in enumerate(request["answers"]):
        wanted.setdefault(found["question"], []).append((position, found["files"]))
    compared: list[list[dict[str, Any]]] = [[] for _ in request["answers"]]
    nulls = dict.fromkeys(NULLS, 0)
    truths: list[torch.Tensor] = []
    usual: list[torch.Tensor] = []
    previous: list[torch.Tensor] = []
    for index, plan in enumerate(request["questions"]):
        torch.backends.cuda.matmul.allow_tf32 = plan["precision"] == "tf32"
        inputs = sample_inputs(plan, device)
        truths = _called(reference, [_double(tensor) for tensor in inputs], plan)
        usual = _called(baseline, inputs, plan)
        halves = any(tensor.dtype in (torch.float16, torch.bfloat16) for tensor in inputs)
        single = _called(reference, [_single(tensor) for tensor in inputs], plan) if halves else usual
        for position, files in wanted.get(index, []):
            observed = [_read(Path(file), tensor, device) for file, tensor in zip(files, plan["outputs"], strict=True)]
            compared[position] = _compare(observed, truths, usual, single, request["times"])
        for name in NULLS:
            before = previous if name == "previous" else inputs if name == "passthrough" else []
            trivial = [_null(name, truth, before, plan["outputs"][i]["dtype"]) for i, truth in enumerate(truths)]
            nulls[name] += all(
                verdict["right"] for verdict in _compare(trivial, truths, usual, single, request["times"])
            )
        previous = truths
    if device != "cpu":  # the device is shared with the kernel's process
        del truths, usual, previous
        torch.cuda.empty_cache()
    count = max(1, len(request["questions"]))
    return {"answers": compared, "nulls": {name: right / count for name, right in nulls.items()}}


def _called(function: Any, inputs: list[torch.Tensor], plan: dict[str, Any]) -> list[torch.Tensor]:
    outputs = outputs_of(function(*inputs, **plan["parameters"]))
    if len(outputs) != len(plan["outputs"]):
        msg = f"the reference returns {len(outputs)} outputs, the definition names {len(plan['outputs'])}"
        raise ValueError(msg)
    return list(outputs)


def _double(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.double() if tensor.dtype.is_floating_point else tensor


def _single(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.float() if tensor.dtype.is_floating_point else tensor


def _compare(
    observed: list[torch.Tensor],
    truths: list[torch.Tensor],
    usual: list[torch.Tensor],
    single: list[torch.Tensor],
    times: float,
) -> list[dict[str, Any]]:
    every = zip(observed, truths, usual, single, strict=True)
    return [compare_output(o, t, u, times=times, single=s) for o, t, u, s in every]


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
