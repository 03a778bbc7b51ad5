"""The process of every contestant of the movies' benchmark: paint a clip against the clock."""

from __future__ import annotations

import napari_style_transfer  # noqa: F401 - as for users, before torch is loaded

# isort: split
import os
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.environment import resident_bytes
from benchmarks.movie_jobs import (
    CONTESTANTS,
    Frames,
    Lap,
    MovieJob,
    laps,
    note,
    painted,
    picture_path,
)
from napari_style_transfer import Cache, Settings, samples, stylize_stack
from napari_style_transfer.fast_style import FastStyle
from napari_style_transfer.methods.base import Method
from napari_style_transfer.methods.fast import Fast
from napari_style_transfer.methods.optimize import Optimize
from napari_style_transfer.recipe import Recipe


class Folder:
    """The painted frames, as a stack's output; what the disk takes is not on the clock."""

    dtype, recipe = np.dtype(np.uint8), None

    def __init__(self, job: MovieJob) -> None:
        self._folder = job.folder
        self.done: Collection[tuple[int, ...]] = frozenset((frame,) for frame in laps(job.folder))
        self.seconds = self.processor = 0.0
        picture_path(self._folder, 0).parent.mkdir(parents=True, exist_ok=True)

    def __getitem__(self, index: tuple[int, ...]) -> npt.NDArray[np.uint8]:
        with self._off_the_clock():
            return painted(self._folder, index[0])

    def write(self, index: tuple[int, ...], picture: npt.NDArray[Any], _alpha: Any, /) -> None:
        with self._off_the_clock():
            path = picture_path(self._folder, index[0])
            partial = path.with_suffix(".partial")
            Image.fromarray(picture).save(partial, format="png", compress_level=1)
            os.replace(partial, path)

    def finish(self, _index: tuple[int, ...], _recipe: Recipe, /) -> None:
        """Take no notice: the laps tell what is done."""

    @contextmanager
    def _off_the_clock(self) -> Iterator[None]:
        started, worked = time.perf_counter(), time.process_time()
        yield
        self.seconds += time.perf_counter() - started
        self.processor += time.process_time() - worked


def paint(job: MovieJob) -> None:
    """Paint the frames that are missing, and note what each took."""
    way, coherence = CONTESTANTS[job.contestant]
    method: Method = Fast(FastStyle.load(job.network)) if way == "fast" else Optimize(Cache())
    settings = Settings(size=job.size, steps=job.steps, device=job.device, coherence=coherence)
    _wake(method, job, settings)

    frames, out = Frames(Path(job.frames)), Folder(job)
    started, worked, evaluations = time.perf_counter(), time.process_time(), 0
    for message in stylize_stack(
        frames,
        job.style,
        out=out,
        indices=job.indices,
        settings=settings,
        method=method,
        preview_interval=float("inf"),
    ):
        evaluations += 1
        if message.finished:
            seconds = time.perf_counter() - started - out.seconds
            processor = time.process_time() - worked - out.processor
            memory = resident_bytes()
            note(
                job.folder,
                message.index[0],
                Lap(seconds, processor, evaluations, memory["now"], memory["peak"]),
            )
            out.seconds = out.processor = 0.0
            started, worked, evaluations = time.perf_counter(), time.process_time(), 0


def _wake(method: Method, job: MovieJob, settings: Settings) -> None:
    """Let the network be loaded and the style be measured before the clock starts, for all contestants."""
    small = samples.load("coffee")[:96, :96]
    for _ in stylize_stack(
        [small], job.style, out={}, settings=settings, size=96, steps=1, method=method
    ):
        pass


if __name__ == "__main__":
    paint(MovieJob.from_command_line())
