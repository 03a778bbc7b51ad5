"""The share of the device's matrix rate that the convolutions reach.

Run as a script with a job, it measures; `measure_rates` starts it in a process of its own.
"""

from __future__ import annotations

import napari_style_transfer  # noqa: F401 - as for users, before torch is loaded

# isort: split
import math
import time
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile, record_function

from benchmarks.environment import CACHE
from benchmarks.images import Pair
from benchmarks.launch import launch
from benchmarks.recorder import Job, Recorder, synchronise
from napari_style_transfer.engine.cache import Cache
from napari_style_transfer.engine.cpu.allocator import MapAllocator
from napari_style_transfer.engine.cpu.vgg import CpuVGG19
from napari_style_transfer.engine.device import choose_precision
from napari_style_transfer.engine.networks.vgg import map_shape, trunk
from napari_style_transfer.engine.networks.weights import NetworkWeights, load_weights
from napari_style_transfer.engine.targets import StyleTarget, build_objective, gram_matrices
from napari_style_transfer.engine.tensors import to_tensor
from napari_style_transfer.geometry import Shape
from napari_style_transfer.memory import map_bytes
from napari_style_transfer.settings import Settings

#: What the profiler calls them: the CPU's kernels, as they are named here; and torch's own.
_CONVOLUTIONS = ("convolution", "aten::convolution", "aten::convolution_backward")
_REPETITIONS = 5


def measure_rates(pair: Pair, device: str, precision: str) -> dict[str, Any]:
    """Return the rates of convolutions in `precision`, in TFLOP/s.

    Returns
    -------
    dict
        ``precision``; ``matrix_rate``, of a large product of matrices of the maps' type, ``matrix_type``;
        ``convolution_rate``, the operations of plain convolutions by the time spent in them;
        ``evaluation_rate``, the same operations by the time of a whole evaluation.
    """
    settings = {"precision": precision}
    job = Job(str(pair.content), str(pair.style), str(CACHE / "rates"), device, 1, (), settings)
    return launch("rates", job).facts


def main() -> None:
    job = Job.from_command_line()
    device, settings = torch.device(job.device), Settings(**job.settings)
    precision = choose_precision(settings.precision, device)
    dtype = precision.dtype
    layers = {**settings.content_layers, **settings.style_layers}
    network = Cache().network(settings.weights, layers, settings.pooling, precision, device)
    content, style = (to_tensor(path, "a").to(device) for path in (job.content, job.style))
    target = StyleTarget(gram_matrices(network, style, settings.style_layers))
    shape = content.shape[2], content.shape[3]
    maps = MapAllocator(map_bytes(shape, dtype.itemsize, 0))
    objective = build_objective(network, settings, content, [target], 0, maps)

    if isinstance(network, CpuVGG19):
        for convolution in network.stages.values():
            for name in ("rectified", "backward"):
                kernel = getattr(convolution, name)
                setattr(convolution, name, record_function(_CONVOLUTIONS[0])(kernel))

    def evaluate() -> None:
        objective.evaluate(content)

    # The gradient costs as much.
    operations = 2 * forward_operations(layers, load_weights(settings.weights), shape)
    recorder = Recorder(job)
    recorder.start()
    recorder.lap(job.evaluations)
    recorder.finish(
        precision=precision.value,
        matrix_type=str(dtype).removeprefix("torch."),
        matrix_rate=matrix_rate(device, dtype) / 1e12,
        convolution_rate=operations / _seconds_in_convolutions(evaluate, device) / 1e12,
        evaluation_rate=operations / seconds_of(evaluate, device) / 1e12,
    )


def forward_operations(layers: Iterable[str], weights: NetworkWeights, shape: Shape) -> int:
    """Return the multiplications and additions of all convolutions of a forward pass to `layers`."""
    return sum(
        2 * math.prod(map_shape(shape, name)) * weight.numel()
        for name, (weight, _) in zip(trunk(layers), weights.convolutions(), strict=False)
    )


def matrix_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Return the flops a second of a product of two large matrices."""
    n = 8192 if device.type == "cuda" else 2048
    a, b = (torch.randn(n, n, device=device).to(dtype) for _ in range(2))
    return 2.0 * n * n * n / seconds_of(lambda: a @ b, device)


def seconds_of(work: Callable[[], object], device: torch.device) -> float:
    """Return the least time of some repetitions of `work`, after one that does not count."""
    times = []
    for _ in range(_REPETITIONS + 1):
        synchronise(device)
        began = time.perf_counter()
        work()
        synchronise(device)
        times.append(time.perf_counter() - began)
    return min(times[1:])


def _seconds_in_convolutions(evaluate: Callable[[], object], device: torch.device) -> float:
    """Return the least time that one evaluation spends in convolutions, by torch's profiler."""
    on_cuda = device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_cuda else [])]
    seconds: list[float] = []
    for _ in range(_REPETITIONS):
        with profile(activities=activities) as profiler:
            evaluate()
            synchronise(device)
        events = [event for event in profiler.key_averages() if event.key in _CONVOLUTIONS]
        if any(event.key == _CONVOLUTIONS[0] for event in events):  # torch's own are within them
            events = [event for event in events if event.key == _CONVOLUTIONS[0]]
        total = sum(e.device_time_total if on_cuda else e.cpu_time_total for e in events)
        seconds.append(total / 1e6)
    return min(seconds)


if __name__ == "__main__":
    main()
