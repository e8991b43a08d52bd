"""Kernel worker: loads a kernel, calls it and writes its outputs. All of its output is untrusted.

This process holds no right answers, so a kernel that patches modules, walks frames or ends the process early only
loses answers. The notes (operators, launches, changed inputs) explain verdicts and catch kernels that do not hide.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness.lanes.kernel.inputs import poison, sample_inputs, strides_of
from harness.lanes.kernel.trusted_function import outputs_of

MODULE = "kernel"
_GUARDED: dict[int, tuple[int, int]] = {}
_MAX_MESSAGE = 1000
_MAX_CAUSES = 20


class RefusedError(Exception):
    """A kernel returned something other than the outputs of the definition."""


def prepare() -> None:
    """Load and patch what all kernels need; called once, before any fork."""
    import torch
    import torch.utils._python_dispatch

    from harness.lanes.kernel.interpreter import patch

    torch.set_num_threads(1)
    torch.utils.deterministic.fill_uninitialized_memory = True
    torch.use_deterministic_algorithms(True, warn_only=True)  # new memory holds NaN
    patch(_GUARDED)


def run_job(folder: str) -> None:
    """Answer all questions of `request.json` in a folder, in its orders."""
    place = Path(folder)
    request = json.loads((place / "request.json").read_bytes())
    (place / "request.json").unlink()  # it holds the seeds of all questions
    try:
        _answer_all(place, request)
    except BaseException as error:  # also SystemExit and other ways to leave
        note_fault(place, error)


def note_fault(place: Path, error: BaseException) -> None:
    """Write the error that ended the work to `out/error.json`."""
    kind = "raised"
    chain: BaseException | None = error
    for _ in range(_MAX_CAUSES):  # an error can be its own cause
        if chain is None:
            break
        name = type(chain).__name__
        if name in ("BoundsError", "UnsupportedError", "RefusedError"):
            kind, error = name.removesuffix("Error").lower(), chain
            break
        if isinstance(chain, MemoryError) or "can't allocate memory" in str(chain):
            kind = "memory"
        chain = chain.__cause__
    text = " ".join(str(error).split())
    message = f"{type(error).__name__}: {text}" if kind in ("raised", "memory") else text
    (place / "out" / "error.json").write_text(json.dumps({"kind": kind, "error": message[:_MAX_MESSAGE]}))


def load_kernel(place: Path, entry: str) -> Any:
    """Load `kernel.py` of a folder and return its function `entry`.

    Raises:
        RefusedError: if the file defines no such function.
    """
    spec = importlib.util.spec_from_file_location(MODULE, place / "kernel.py")
    if spec is None or spec.loader is None:
        raise ImportError("kernel.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module
    spec.loader.exec_module(module)
    function = getattr(module, entry, None)
    if not callable(function):
        raise RefusedError(f"the file defines no function {entry!r}")
    return function


def _answer_all(place: Path, request: dict[str, Any]) -> None:
    from harness.lanes.kernel.interpreter import Launches

    write = place.joinpath("out").joinpath
    function = load_kernel(place, request["entry"])
    notes: dict[str, Any] = {"operators": [], "launches": 0, "changed": [], "late": []}
    # Outputs are written after the last call, and inputs are overwritten after each call: an answer that is stored in
    # an input, or in a buffer that is used again, is wrong by then.
    held = [
        _call(function, request, index, f"{attempt}-{index}", notes, logged=attempt == 0)
        for attempt, order in enumerate(request["orders"])
        for index in order
    ]
    for answer in held:
        answer.write(place, notes)
    notes["launches"] = Launches.count
    if request.get("ghost"):
        Launches.silenced = True
        try:
            _call(function, request, request["orders"][0][0], "ghost", notes, logged=False).write(place, notes)
        except BaseException as error:
            notes["ghost"] = f"{type(error).__name__}"
    write("notes.json").write_text(json.dumps(notes))


def _call(
    function: Any, request: dict[str, Any], index: int, name: str, notes: dict[str, Any], *, logged: bool
) -> _Answer:
    plan = request["questions"][index]
    inputs = sample_inputs(plan, "cpu")
    _GUARDED.clear()
    for tensor in inputs:
        start = tensor.data_ptr()
        _GUARDED[tensor.untyped_storage().data_ptr()] = start, start + tensor.numel() * tensor.element_size()
    kept = [tensor.clone() for tensor in inputs]
    named = {**plan["parameters"], **request.get("configuration", {})}
    if logged:
        with OperatorLog(inputs) as log:
            result = function(*inputs, **named)
        notes["operators"] = sorted({*notes["operators"], *log.names})
    else:
        result = function(*inputs, **named)
    for label, tensor, copy in zip(plan["names"], inputs, kept, strict=True):
        if not have_equal_bits(tensor, copy) and label not in notes["changed"]:
            notes["changed"].append(label)
    answer = _Answer(name, check_outputs(result, plan, "cpu"))
    for tensor in inputs:
        tensor.fill_(poison(tensor.dtype))
    return answer


def have_equal_bits(one: Any, other: Any) -> bool:
    """Whether two tensors of one shape and dtype hold the same bits."""
    import torch

    return bool(torch.equal(one.contiguous().view(torch.uint8), other.contiguous().view(torch.uint8)))


def check_outputs(result: Any, plan: dict[str, Any], device: str) -> list[Any]:
    """The outputs, as a list, after checking that they are what the definition says.

    Each must be a plain dense tensor on `device`, with the dtype, sizes and strides of the plan.

    Raises:
        RefusedError: if one is not.
    """
    import torch

    outputs = outputs_of(result)
    if len(outputs) != len(plan["outputs"]):
        raise RefusedError(f"{len(outputs)} outputs, not {len(plan['outputs'])}")
    for tensor, wanted in zip(outputs, plan["outputs"], strict=True):
        if type(tensor) is not torch.Tensor or tensor.__dict__:
            raise RefusedError(f"a {type(tensor).__name__}, not a plain tensor")
        if tensor.layout is not torch.strided or tensor.device.type != device:
            raise RefusedError(f"a tensor on {tensor.device} ({tensor.layout}), not a dense one on {device}")
        dtype, sizes = str(tensor.dtype).removeprefix("torch."), list(tensor.shape)
        if dtype != wanted["dtype"] or sizes != list(wanted["sizes"]):
            raise RefusedError(f"a tensor of {dtype} {sizes}, not {wanted['dtype']} {list(wanted['sizes'])}")
        strides = strides_of(wanted["sizes"], wanted["layout"])
        given = [stride for stride, size in zip(tensor.stride(), sizes, strict=True) if size > 1]
        if given != [stride for stride, size in zip(strides, sizes, strict=True) if size > 1]:
            raise RefusedError(f"strides {list(tensor.stride())}, not {strides}")
    return list(outputs)


class _Answer:
    """Outputs of one call, kept while other calls run."""

    def __init__(self, name: str, outputs: list[Any]) -> None:
        self.name, self.outputs = name, outputs
        self.first = [bytes_of(tensor) for tensor in outputs]

    def write(self, place: Path, notes: dict[str, Any]) -> None:
        """Write the bytes that the outputs hold now; an answer that changed since its call is noted as late."""
        for number, (tensor, first) in enumerate(zip(self.outputs, self.first, strict=True)):
            data = bytes_of(tensor)
            if data != first and self.name not in notes["late"]:
                notes["late"].append(self.name)
            (place / "out" / f"{self.name}-{number}.bin").write_bytes(data)


def bytes_of(tensor: Any) -> bytes:
    """The elements of a CPU tensor in row-major order."""
    import torch

    flat = tensor.detach().contiguous().reshape(-1)
    return bytes(flat.view(torch.uint8).numpy().tobytes()) if flat.numel() else b""


class OperatorLog:
    """Logs the `aten` names of the library operators that are called, and reads of elements that no kernel needs.

    A kernel may read the sizes and offsets among its inputs, so reads of integers are allowed: twice as many as the
    inputs have. More would allow it to read other numbers as bits.

    Args:
        inputs: Those of the call.
    """

    def __init__(self, inputs: Iterable[Any]) -> None:
        from torch.utils._python_dispatch import TorchDispatchMode

        names = self.names = set[str]()
        left = [2 * sum(one.numel() for one in inputs if not one.is_floating_point())]

        class Mode(TorchDispatchMode):  # type: ignore[misc]
            def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                del types
                name = func.overloadpacket.__name__
                if name == "_local_scalar_dense":
                    left[0] -= 1
                    if args[0].is_floating_point() or left[0] < 0:
                        name = "item of numbers"
                names.add(name)
                return func(*args, **(kwargs or {}))

        self._mode = Mode()

    def __enter__(self) -> OperatorLog:
        import torch

        formatter = torch._tensor_str
        self._usual = formatter._str

        def logged(*args: Any, **kwargs: Any) -> Any:  # formatting switches dispatch modes off
            self.names.add("text of numbers")
            return self._usual(*args, **kwargs)

        formatter._str = logged
        self._mode.__enter__()
        return self

    def __exit__(self, *problem: Any) -> None:
        import torch

        self._mode.__exit__(*problem)
        torch._tensor_str._str = self._usual
