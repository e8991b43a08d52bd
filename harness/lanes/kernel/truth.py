"""Truth: the reference in double precision and torch's own error. A trusted script; no kernel's code is ever here.

`python truth.py FOLDER` reads FOLDER/question.json and prints one JSON list of errors. It runs after the kernel's
process is dead, so there never was a right answer for it to find.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import torch


def main(folder: Path) -> None:
    """Print, for each output, how far it and the baseline are from the truth."""
    question = json.loads((folder / "question.json").read_text())
    reference: Any = torch
    for part in question["reference"].split(".")[1:]:
        reference = getattr(reference, part)
    judged = []
    for call in question["calls"]:
        inputs = [_read(folder, tensor) for tensor in call["inputs"]]
        truth = reference(*(tensor.double() for tensor in inputs))
        observed = _read(folder, call["output"])
        judged.append(
            {
                "error": _error(observed, truth),
                "baseline": _error(reference(*inputs), truth),
                "finite": bool(torch.isfinite(observed).all()),
                "least": float(torch.finfo(observed.dtype).eps) / 2,
            }
        )
    print(json.dumps(judged))


def _read(folder: Path, tensor: dict[str, Any]) -> torch.Tensor:
    raw = bytearray((folder / tensor["file"]).read_bytes())
    return torch.frombuffer(raw, dtype=getattr(torch, tensor["dtype"])).reshape(tensor["sizes"])


def _error(observed: torch.Tensor, truth: torch.Tensor) -> float | None:
    """Relative Frobenius error; None when it is no number, which nothing may pass for."""
    scale = float(torch.linalg.vector_norm(truth))
    distance = float(torch.linalg.vector_norm(observed.double() - truth))
    value = distance / scale if scale else distance
    return value if math.isfinite(value) else None


if __name__ == "__main__":
    main(Path(sys.argv[1]))
