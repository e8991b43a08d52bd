"""Truth: the reference in double precision and PyTorch's own error. A trusted process; no kernel's code is ever here.

It answers one JSON line with another. Inputs are drawn anew from the question's seed, so nothing a kernel did to its
own copies matters, and there never was a right answer in the kernel's process to be found.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.lanes.kernel.inputs import draw
from harness.lanes.kernel.numerical_error import judge_output
from harness.lanes.kernel.trusted_function import outputs_of, resolve

if TYPE_CHECKING:
    import torch

NULLS = ("zeros", "ones", "mean", "passthrough", "previous")
"""Answers that take no work; a definition for which one of them is right judges nothing."""


def main() -> None:
    """Answer until the questions end."""
    import torch

    torch.set_num_threads(1)
    channel = sys.stdout
    sys.stdout = sys.stderr  # a reference that prints must not speak for us
    for line in sys.stdin:
        reply: dict[str, Any]
        try:
            reply = {"judged": answer(json.loads(line))}
        except Exception as error:
            reply = {"fault": f"{type(error).__name__}: {error}"}
        channel.write(json.dumps(reply) + "\n")
        channel.flush()


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Judge answers.

    Args:
        request: `folder` of the definition, `reference`, `baseline`, `times`, `device`, `questions` (plans) and
            `answers` (each the index of its `question` and the `files` of its outputs).

    Returns:
        `answers`, in the same order, each a list of verdicts on its outputs, and `nulls`: for each null kernel the
        share of questions that it answers rightly.
    """
    import torch

    folder, device = Path(request["folder"]), request.get("device", "cpu")
    reference, baseline = resolve(request["reference"], folder), resolve(request["baseline"], folder)
    wanted: dict[int, list[tuple[int, list[str]]]] = {}
    for position, found in enumerate(request["answers"]):
        wanted.setdefault(found["question"], []).append((position, found["files"]))
    judged: list[list[dict[str, Any]]] = [[] for _ in request["answers"]]
    nulls = dict.fromkeys(NULLS, 0)
    truths: list[torch.Tensor] = []
    usual: list[torch.Tensor] = []
    previous: list[torch.Tensor] = []
    for index, plan in enumerate(request["questions"]):
        torch.backends.cuda.matmul.allow_tf32 = plan["precision"] == "tf32"
        inputs = draw(plan, device)
        truths = _called(reference, [_double(tensor) for tensor in inputs], plan)
        usual = _called(baseline, inputs, plan)
        for position, files in wanted.get(index, []):
            observed = [_read(Path(file), tensor, device) for file, tensor in zip(files, plan["outputs"], strict=True)]
            judged[position] = _judge(observed, truths, usual, request["times"])
        for name in NULLS:
            before = previous if name == "previous" else inputs if name == "passthrough" else []
            trivial = [_null(name, truth, before, plan["outputs"][i]["dtype"]) for i, truth in enumerate(truths)]
            nulls[name] += all(verdict["right"] for verdict in _judge(trivial, truths, usual, request["times"]))
        previous = truths
    if device != "cpu":  # for whoever has the device next
        del truths, usual, previous
        torch.cuda.empty_cache()
    count = max(1, len(request["questions"]))
    return {"answers": judged, "nulls": {name: right / count for name, right in nulls.items()}}


def _called(function: Any, inputs: list[torch.Tensor], plan: dict[str, Any]) -> list[torch.Tensor]:
    outputs = outputs_of(function(*inputs, **plan["parameters"]))
    if len(outputs) != len(plan["outputs"]):
        msg = f"the reference returns {len(outputs)} outputs, the definition names {len(plan['outputs'])}"
        raise ValueError(msg)
    return list(outputs)


def _double(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.double() if tensor.dtype.is_floating_point else tensor


def _judge(
    observed: list[torch.Tensor], truths: list[torch.Tensor], usual: list[torch.Tensor], times: float
) -> list[dict[str, Any]]:
    return [judge_output(o, t, u, times=times) for o, t, u in zip(observed, truths, usual, strict=True)]


def _read(path: Path, tensor: dict[str, Any], device: str) -> torch.Tensor:
    import torch

    raw = bytearray(path.read_bytes())
    dtype = getattr(torch, tensor["dtype"])
    flat = torch.frombuffer(raw, dtype=dtype) if raw else torch.empty(0, dtype=dtype)
    return flat.reshape(tensor["sizes"]).to(device)


def _null(name: str, truth: torch.Tensor, sources: list[torch.Tensor], dtype_name: str) -> torch.Tensor:
    """A kernel that does no work, in the dtype that was asked for; zeros where nothing can be passed on."""
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


if __name__ == "__main__":
    main()
