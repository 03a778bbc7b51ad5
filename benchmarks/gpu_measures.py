"""What a device takes: seconds, memory, the gaps between its kernels, and the way to a loss."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from benchmarks.environment import resident_bytes
from benchmarks.images import Pair
from benchmarks.judge import Judge
from benchmarks.rates import forward_operations
from benchmarks.recorder import synchronise
from napari_style_transfer import Settings, Step, iter_stylize, samples
from napari_style_transfer.engine.cache import Cache
from napari_style_transfer.engine.device import choose_precision
from napari_style_transfer.engine.networks.weights import load_weights
from napari_style_transfer.geometry import result_shape
from napari_style_transfer.memory import needed_bytes

#: Evaluations of a scale that are left out, because kernels are chosen in them, and those profiled.
_WARM_UP, _PROFILED = 2, 8
_CONTENT, _STYLE = "astronaut", "night"


@dataclass(frozen=True)
class Cost:
    """What a run at its defaults takes at one size.

    Attributes
    ----------
    seconds_per_evaluation
        At the full size.
    matrix_share
        Operations of the convolutions a second, relative to the rate of a large matrix product.
    seconds
        Of the whole run, targets and all.
    finished
        Whether that was measured; else it is reckoned from the evaluations that there was time for.
    peak_bytes, needed_bytes
        Measured on the device (of the process on a CPU), and estimated before.
    """

    size: int
    precision: str
    tile_size: int
    seconds_per_evaluation: float
    matrix_share: float
    seconds: float
    finished: bool
    peak_bytes: int
    needed_bytes: int

    def __str__(self) -> str:
        return (
            f"| {self.size} | {self.seconds_per_evaluation:.3g} | {self.matrix_share:.0%} | "
            f"{'' if self.finished else 'about '}{self.seconds:.3g} | {self.peak_bytes / 1e9:.2f} "
            f"({self.needed_bytes / 1e9:.2f}) | {self.tile_size or 'whole'} |"
        )


def cost(
    device: torch.device, size: int, matrix_rate: float, until: float, steps: int | None = None
) -> Cost:
    """Run the defaults at one size until it is done, or the clock says `until`."""
    settings = Settings(size=size, device=str(device))
    settings = settings.replace(steps=steps or settings.steps)
    content = samples.load(_CONTENT)
    shape = result_shape(content.shape[:2], size)
    cache = _warm_cache(device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    began = time.perf_counter()
    laps: list[tuple[Step, float]] = []

    def stop() -> bool:  # each scale is begun, so that there is something to reckon with
        full = [seconds for step, seconds in laps if step.scale == step.scales]
        return time.monotonic() > until and len(full) > _WARM_UP

    for step in iter_stylize(
        content, samples.load(_STYLE), settings=settings, cache=cache, stop=stop,
        preview_interval=math.inf,
    ):  # fmt: skip
        synchronise(device)
        laps.append((step, time.perf_counter() - began))
    full = [seconds for each, seconds in laps if each.scale == each.scales]
    each = statistics.median(
        later - earlier for earlier, later in pairwise(full[min(_WARM_UP, len(full) - 2) :])
    )
    last, seconds = laps[-1]
    left = settings.steps - last.evaluation if last.status.value == "stopped" else 0
    precision = choose_precision(settings.precision, device)
    on_cuda = device.type == "cuda"
    return Cost(
        size=size,
        precision=last.precision,
        tile_size=last.tile_size,
        seconds_per_evaluation=each,
        matrix_share=_operations(settings, shape) / each / 1e12 / matrix_rate,
        seconds=seconds + left * each,
        finished=not left,
        peak_bytes=torch.cuda.max_memory_allocated(device) if on_cuda else resident_bytes()["peak"],
        needed_bytes=needed_bytes(
            shape,
            settings,
            value_bytes=precision.dtype.itemsize,
            tile_size=last.tile_size,
            cpu=device.type == "cpu",
        ),
    )


def _warm_cache(device: torch.device) -> Cache:
    """Return a cache whose network is on the device, which is awake."""
    cache = Cache()
    settings = Settings(size=32, steps=1, device=str(device))
    for _ in iter_stylize(
        samples.load(_CONTENT), samples.load(_STYLE), settings=settings, cache=cache
    ):
        synchronise(device)
    return cache


def _operations(settings: Settings, shape: tuple[int, int]) -> int:
    """Return the operations of all convolutions of an evaluation: the gradient costs as much."""
    layers = {**settings.style_layers, **settings.content_layers}
    return 2 * forward_operations(layers, load_weights(), shape)


@dataclass(frozen=True)
class Gaps:
    """When the device had nothing to do, over some evaluations.

    Attributes
    ----------
    kernels
        Started an evaluation.
    busy, longest_gap
        Share of the time, and microseconds.
    """

    size: int
    seconds_per_evaluation: float
    kernels: float
    busy: float
    longest_gap: float

    def __str__(self) -> str:
        return (
            f"{self.size} px, profiled: {self.seconds_per_evaluation:.3g} s/evaluation, "
            f"{self.kernels:.0f} kernels each; the device is busy {self.busy:.0%} of the time, its "
            f"longest wait {self.longest_gap / 1000:.2f} ms."
        )


def gaps(device: torch.device, size: int) -> Gaps:
    """Profile evaluations at one size; on a CPU its operators count as kernels."""
    settings = Settings(
        size=size, coarsest_size=size, steps=_WARM_UP + _PROFILED + 1, device=str(device)
    )
    steps = iter_stylize(
        samples.load(_CONTENT), samples.load(_STYLE), settings=settings, preview_interval=math.inf
    )
    for _ in range(_WARM_UP):
        next(steps)
    on_cuda = device.type == "cuda"
    synchronise(device)
    with profile(
        activities=[ProfilerActivity.CUDA if on_cuda else ProfilerActivity.CPU]
    ) as profiler:
        began = time.perf_counter()
        for _ in range(_PROFILED):
            next(steps)
        synchronise(device)
        seconds = time.perf_counter() - began
    list(steps)
    spans = sorted(
        (event.time_range.start, event.time_range.end)
        for event in profiler.events()
        if (event.device_type == DeviceType.CUDA if on_cuda else event.cpu_parent is None)
    )
    busy, longest, end = 0.0, 0.0, spans[0][0]
    for start, stop in spans:
        longest = max(longest, start - end)
        busy += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return Gaps(size, seconds / _PROFILED, len(spans) / _PROFILED, busy / 1e6 / seconds, longest)


@dataclass(frozen=True)
class Time:
    """How long a loss of docs/benchmark.md takes: there, by another and by ours, and here."""

    ours: str
    other: str
    yardstick: str
    loss: float
    seconds_other: float
    seconds_ours: float | None
    seconds_here: float | None
    evaluations_here: int | None

    def __str__(self) -> str:
        there, here = (
            "not reached" if seconds is None else f"{seconds:.3g} s"
            for seconds in (self.seconds_ours, self.seconds_here)
        )
        return (
            f"the best of {self.other} ({self.yardstick} {self.loss:,.4g}): {self.seconds_other:.3g} s; "
            f"{self.ours}: {there}; here: {here}"
        )


def time_to_losses(
    device: torch.device,
    pair: Pair,
    published: dict[str, Any],
    deadline: float,
    most: int | None = None,
) -> Iterator[Time]:
    """Yield the time to each published loss; `most` evaluations, where that is given.

    As in the race, the clock's run makes no pictures, and another one of the same seed those that are
    judged.
    """
    cache, judge = _warm_cache(device), Judge(pair.content, pair.style, str(device))
    for result in published["results"]:
        party = result["party"]
        aims = [each for each in published["comparisons"] if each["ours"] == party["label"]]
        if not aims:
            continue
        settings = Settings(
            **party["settings"] | {"size": max(pair.shape)},
            steps=most or party["evaluations"],
            device=str(device),
        )
        laps = dict(_laps(device, pair, settings, cache, deadline))
        reached: dict[str, int] = {}
        for evaluation, picture in _pictures(pair, settings, cache, deadline):
            verdict = judge(picture)
            for aim in aims:
                loss = verdict.total if aim["yardstick"] == "total" else verdict.balanced
                if loss <= aim["loss"]:
                    reached.setdefault(aim["other"], evaluation)
            if len(reached) == len(aims):
                break
        for aim in aims:
            evaluation = reached.get(aim["other"])
            yield Time(
                **{name: aim[name] for name in Time.__annotations__ if name in aim},
                seconds_here=None if evaluation is None else laps.get(evaluation),
                evaluations_here=evaluation,
            )


def _laps(
    device: torch.device, pair: Pair, settings: Settings, cache: Cache, deadline: float
) -> Iterator[tuple[int, float]]:
    """Yield each evaluation with the seconds to its end."""
    began = time.perf_counter()
    for step in _run(pair, settings, cache, deadline, math.inf):
        synchronise(device)
        yield step.evaluation, time.perf_counter() - began


def _pictures(
    pair: Pair, settings: Settings, cache: Cache, deadline: float
) -> Iterator[tuple[int, Any]]:
    for step in _run(pair, settings, cache, deadline, 0):
        yield step.evaluation, step.picture


def _run(
    pair: Pair, settings: Settings, cache: Cache, deadline: float, preview_interval: float
) -> Iterator[Step]:
    return iter_stylize(
        pair.content,
        pair.style,
        settings=settings,
        cache=cache,
        stop=lambda: time.monotonic() > deadline,
        preview_interval=preview_interval,
    )
