"""What a device worker asks of a CUDA device, tried on a fake torch that records the order of work."""

from __future__ import annotations

import importlib
import importlib.util
import json
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if importlib.util.find_spec("torch") is None or importlib.util.find_spec("triton") is None:
    pytest.skip("pip install 'pytest-crucible[kernels]'", allow_module_level=True)

from harness.lanes.kernel.definition import read_definition
from harness.lanes.kernel.question import Question

if TYPE_CHECKING:
    import torch

    from harness.lanes.kernel import accelerator, device_worker


ROOT = Path(__file__).parents[3]
SWIGLU = read_definition(ROOT / "specs/kernels/swiglu.yaml")


@pytest.fixture(scope="module", autouse=True)
def _modules(with_torch: None, request: pytest.FixtureRequest) -> None:
    """The modules that import torch."""
    for name in ("accelerator", "device_worker"):
        setattr(request.module, name, importlib.import_module(f"harness.lanes.kernel.{name}"))


class Queue:
    """A device's order of work: each thing asked of it takes some time after the one before."""

    def __init__(self) -> None:
        self.now, self.log = 0.0, []

    def do(self, what: str, milliseconds: float) -> None:
        self.log.append(what)
        self.now += milliseconds


class FakeTorch:
    """PyTorch with a queue in place of a device, its tensors on the processor."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.uint8, self.float32 = torch.uint8, torch.float32
        self.version = types.SimpleNamespace(cuda="13.0")
        self.backends = types.SimpleNamespace(cudnn=types.SimpleNamespace(is_available=lambda: True, version=lambda: 9))
        found = types.SimpleNamespace(
            name="NVIDIA Stand-in", L2_cache_size=1 << 10, multi_processor_count=2, major=9, minor=0
        )
        self.cuda = types.SimpleNamespace(
            set_device=lambda _index: None,
            get_device_properties=lambda _index: found,
            synchronize=lambda: queue.do("wait", 0.0),
            Event=self.event,
            _sleep=lambda cycles: queue.do("pause", cycles / 2e6),
            reset_peak_memory_stats=lambda: queue.do("forget peak", 0.0),
            max_memory_allocated=lambda: 3 << 20,
            empty_cache=lambda: queue.do("release", 0.0),
        )

    def event(self, *, enable_timing: bool) -> Any:
        assert enable_timing
        event = types.SimpleNamespace()
        event.record = lambda: event.__setattr__("at", self.queue.now)
        event.elapsed_time = lambda other: other.at - event.at
        return event

    def empty(self, count: int, *, dtype: Any, device: str) -> Any:
        assert device == "cuda:0"
        return types.SimpleNamespace(numel=count, dtype=dtype, zero_=lambda: self.queue.do("flush", 1.0))


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
def held(tmp_path: Path, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> device_worker.DeviceWorker:
    """A stand on the stand-in."""
    made = accelerator.Cuda(FakeTorch(queue), 0)
    made.device, made._driver = "cpu", types.SimpleNamespace()
    made._driver.cuCtxResetPersistingL2Cache = lambda: queue.do("reset", 0.0)
    monkeypatch.setattr(device_worker, "open_accelerator", lambda _index: made)
    (tmp_path / "out").mkdir()
    return device_worker.DeviceWorker(tmp_path, 0)


def test_a_timed_call_is_queued_behind_a_flush(held: device_worker.DeviceWorker, queue: Queue, tmp_path: Path) -> None:
    point = SWIGLU.point({"R": 2, "H": 16, "dtype": "float16"})
    plans = [Question("target", point, "normal", seed).plan(SWIGLU) for seed in range(4)]
    assert held.answer({"do": "describe"})["name"] == "NVIDIA Stand-in"
    baseline = {"call": "swiglu.py:reference", "compile": False, "sdpa": ""}
    held.answer({"do": "load", "baseline": baseline, "place": str(ROOT / "specs/kernels")})
    usual = held.function
    held.function = lambda *inputs: (queue.do("call", 7.0), usual(*inputs))[1]
    warm = held.answer({"do": "prepare", "plans": plans, "lines": [""] * len(plans), "first": True})
    assert warm["warm_ms"] == 7.0
    queue.log.clear()
    cold = held.answer({"do": "cold", "calls": 2})
    assert (cold["event_ms"], cold["peak_mb"]) == ([7.0, 7.0], 3.0)
    assert queue.log == ["wait", "reset", "flush", "pause", "call", "wait"] * 2
    held.answer({"do": "show", "call": 1, "name": "timed"})
    assert (tmp_path / "out/timed-0.bin").stat().st_size == 2 * 16 * 2
    queue.log.clear()
    held.answer({"do": "release"})
    assert queue.log == ["release"]


def test_without_the_pause_the_cache_is_flushed_longer(queue: Queue) -> None:
    torch_like = FakeTorch(queue)
    del torch_like.cuda._sleep
    made = accelerator.Cuda(torch_like, 0)
    made.pause()
    assert queue.log == ["flush"] * accelerator._PAUSE_FLUSHES


def test_a_baseline_is_loaded_once_and_compiled_for_each_size(
    held: device_worker.DeviceWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[dict[str, Any]] = []
    monkeypatch.setattr(torch, "compile", lambda function, **named: (compiled.append(named), function)[1])
    wanted = {"call": "swiglu.py:reference", "compile": True, "sdpa": ""}
    for _ in range(2):
        held.answer({"do": "load", "baseline": wanted, "place": str(ROOT / "specs/kernels")})
    assert compiled == [{"dynamic": False}]
    wanted = {"call": "fmha.py:attention", "compile": False, "sdpa": "MATH"}
    held.answer({"do": "load", "baseline": wanted, "place": str(ROOT / "specs/kernels")})
    heads = torch.ones(1, 1, 4, 8)
    assert held.function(heads, heads, heads, causal=True).shape == heads.shape
    with pytest.raises(AttributeError):
        held.answer({"do": "load", "baseline": wanted | {"sdpa": "NONE_SUCH"}, "place": str(ROOT / "specs/kernels")})
    assert json.dumps(held.accelerator.properties)
