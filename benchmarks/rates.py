"""The share of the device's matrix rate that the convolutions reach.

Run as a script with a job, it measures; `measure_rates` starts it in a process of its own.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile, record_function

from benchmarks.environment import CACHE
from benchmarks.images import Pair
from benchmarks.launch import launch
from benchmarks.recorder import Job, Recorder, synchronise
from napari_style_transfer.engine.cache import Cache
from napari_style_transfer.engine.cpu.allocator import MapAllocator
from napari_style_transfer.engine.device import choose_precision
from napari_style_transfer.engine.networks.vgg import VGG19, map_shape
from napari_style_transfer.engine.networks.weights import NetworkWeights, load_weights
from napari_style_transfer.engine.objective import StyleTarget, build_objective, gram_matrices
from napari_style_transfer.engine.tensors import to_tensor
from napari_style_transfer.memory import map_bytes
from napari_style_transfer.settings import Settings

_CONVOLUTION, _REPETITIONS = "convolution", 5


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

    for convolution in network.stages.values():
        for name in ("rectified", "back"):
            setattr(convolution, name, record_function(_CONVOLUTION)(getattr(convolution, name)))

    def evaluate() -> None:
        objective.evaluate(content)

    # The gradient costs as much.
    operations = 2 * _forward_operations(network, load_weights(settings.weights), content)
    recorder = Recorder(job)
    recorder.start()
    recorder.lap(job.evaluations)
    recorder.finish(
        precision=precision.value,
        matrix_type=str(dtype).removeprefix("torch."),
        matrix_rate=_matrix_rate(device, dtype) / 1e12,
        convolution_rate=operations / _seconds_in_convolutions(evaluate, device) / 1e12,
        evaluation_rate=operations / _seconds(evaluate, device) / 1e12,
    )


def _forward_operations(network: VGG19, weights: NetworkWeights, picture: Tensor) -> int:
    """Return the multiplications and additions of all convolutions of one forward pass."""
    shape = picture.shape[2], picture.shape[3]
    return sum(
        2 * math.prod(map_shape(shape, name)) * weight.numel()
        for name, (weight, _) in zip(network.stages, weights.convolutions(), strict=False)
    )


def _matrix_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Return the flops a second of a product of two large matrices."""
    n = 8192 if device.type == "cuda" else 2048
    a, b = (torch.randn(n, n, device=device).to(dtype) for _ in range(2))
    return 2.0 * n * n * n / _seconds(lambda: a @ b, device)


def _seconds(work: Callable[[], object], device: torch.device) -> float:
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
        events = [event for event in profiler.key_averages() if event.key == _CONVOLUTION]
        total = sum(e.device_time_total if on_cuda else e.cpu_time_total for e in events)
        seconds.append(total / 1e6)
    return min(seconds)


if __name__ == "__main__":
    main()
