"""Asking: the part of a kernel's process that loads it, calls it and leaves bytes. Nothing it leaves is believed.

Right answers are nowhere in this process, so a kernel that patches, walks frames or ends the process early gains
nothing but missing answers. What is noted beside the bytes (operators, launches, changed inputs) explains verdicts to
people and catches kernels that do not hide.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness.lanes.kernel.inputs import draw, poison, strides_of
from harness.lanes.kernel.trusted_function import outputs_of

MODULE = "kernel"
_GUARDED: dict[int, tuple[int, int]] = {}
_MESSAGE = 1000
_CAUSES = 20


class RefusedError(Exception):
    """What a kernel returned is not what the definition says."""


def prepare() -> None:
    """Load and change everything that is the same for all kernels; called once, before any fork."""
    import torch
    import torch.utils._python_dispatch

    from harness.lanes.kernel.interpreter import patch

    torch.set_num_threads(1)
    torch.utils.deterministic.fill_uninitialized_memory = True
    torch.use_deterministic_algorithms(True, warn_only=True)  # memory that is asked for holds NaN
    patch(_GUARDED)


def work(folder: str) -> None:
    """Ask all questions of `request.json`, as often and in the order it says."""
    place = Path(folder)
    request = json.loads((place / "request.json").read_bytes())
    (place / "request.json").unlink()  # it names the seeds of all that will be asked
    try:
        _work(place, request)
    except BaseException as error:  # also pytest.skip, sys.exit and whatever else is raised to get away
        note_fault(place, error)


def note_fault(place: Path, error: BaseException) -> None:
    """Say what ended the work."""
    kind = "raised"
    chain: BaseException | None = error
    for _ in range(_CAUSES):  # an error can be its own cause
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
    said = f"{type(error).__name__}: {text}" if kind in ("raised", "memory") else text
    (place / "out" / "error.json").write_text(json.dumps({"kind": kind, "error": said[:_MESSAGE]}))


def load_kernel(place: Path, entry: str) -> Any:
    """The function that is judged."""
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


def _work(place: Path, request: dict[str, Any]) -> None:
    from harness.lanes.kernel.interpreter import Launches

    write = place.joinpath("out").joinpath
    function = load_kernel(place, request["entry"])
    notes: dict[str, Any] = {"operators": [], "launches": 0, "changed": [], "late": []}
    # Written only after the last call, and inputs are spoiled after each: an answer that lives in an input or in one
    # of a few buffers that are used in turn is no longer right by then.
    held = [
        _ask(function, request, index, f"{attempt}-{index}", notes, logged=attempt == 0)
        for attempt, order in enumerate(request["orders"])
        for index in order
    ]
    for answer in held:
        answer.leave(place, notes)
    notes["launches"] = Launches.count
    if request.get("ghost"):
        Launches.silenced = True
        try:
            _ask(function, request, request["orders"][0][0], "ghost", notes, logged=False).leave(place, notes)
        except BaseException as error:
            notes["ghost"] = f"{type(error).__name__}"
    write("notes.json").write_text(json.dumps(notes))


def _ask(
    function: Any, request: dict[str, Any], index: int, name: str, notes: dict[str, Any], *, logged: bool
) -> _Answer:
    plan = request["questions"][index]
    inputs = draw(plan, "cpu")
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
        if not same(tensor, copy) and label not in notes["changed"]:
            notes["changed"].append(label)
    answer = _Answer(name, checked(result, plan, "cpu"))
    for tensor in inputs:
        tensor.fill_(poison(tensor.dtype))
    return answer


def same(one: Any, other: Any) -> bool:
    """Whether two tensors hold the same bits."""
    import torch

    return bool(torch.equal(one.contiguous().view(torch.uint8), other.contiguous().view(torch.uint8)))


def checked(result: Any, plan: dict[str, Any], device: str) -> list[Any]:
    """The outputs, if they are exactly what the definition says: plain tensors of the right kind in the right place."""
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
    """Outputs that are held while other calls run."""

    def __init__(self, name: str, outputs: list[Any]) -> None:
        self.name, self.outputs = name, outputs
        self.first = [bytes_of(tensor) for tensor in outputs]

    def leave(self, place: Path, notes: dict[str, Any]) -> None:
        """Write the bytes that are there by now."""
        for number, (tensor, first) in enumerate(zip(self.outputs, self.first, strict=True)):
            data = bytes_of(tensor)
            if data != first and self.name not in notes["late"]:
                notes["late"].append(self.name)
            (place / "out" / f"{self.name}-{number}.bin").write_bytes(data)


def bytes_of(tensor: Any) -> bytes:
    """A tensor's elements, row by row."""
    import torch

    flat = tensor.detach().contiguous().reshape(-1)
    return bytes(flat.view(torch.uint8).numpy().tobytes()) if flat.numel() else b""


class OperatorLog:
    """The library operators that are called, by their `aten` names, and readings of numbers that no kernel needs.

    A kernel may look at the sizes and offsets it is given, so whole numbers may be read: as often as there are any
    among the inputs, and once more, for a check before. More would be the bits of other numbers.

    Args:
        inputs: Of the call.
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

        texts = torch._tensor_str
        self._usual = texts._str

        def told(*args: Any, **kwargs: Any) -> Any:  # it switches such logs off
            self.names.add("text of numbers")
            return self._usual(*args, **kwargs)

        texts._str = told
        self._mode.__enter__()
        return self

    def __exit__(self, *problem: Any) -> None:
        import torch

        self._mode.__exit__(*problem)
        torch._tensor_str._str = self._usual
