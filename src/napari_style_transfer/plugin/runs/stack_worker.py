"""The thread of a run over a stack: turns the steps of one slice after another into messages."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable, Generator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy.typing as npt

from napari_style_transfer.engine.libraries import load_libraries, no_collections
from napari_style_transfer.geometry import result_shape
from napari_style_transfer.plugin.inputs.stack_job import StackJob
from napari_style_transfer.plugin.outputs.stack_array import CHANNELS
from napari_style_transfer.plugin.runs.messages import Outcome, Place, Preview, StackEnded
from napari_style_transfer.plugin.runs.worker import Throttle, preview, resized
from napari_style_transfer.progress import Picture, Status
from napari_style_transfer.recipe import Recipe
from napari_style_transfer.stack.base import SliceError, rgba
from napari_style_transfer.stack.loop import stylize_stack
from napari_style_transfer.steering import Steering

#: Seconds after which a thread that waits for the main thread looks whether it is to stop.
_PATIENCE = 0.1


def paint_stack(
    job: StackJob, should_stop: Callable[[], bool], shown: threading.Event, steering: Steering
) -> Generator[Preview, None, Outcome]:
    """Paint a stack; see :func:`~napari_style_transfer.plugin.runs.worker.paint` for the arguments."""
    load_libraries()
    with no_collections():
        method = job.method()

    *leading, height, width, _ = job.slices.shape
    shape = result_shape((height, width), job.settings.size)
    job.result.open((*leading, *shape, CHANNELS))
    before = job.result.done
    left_out: list[SliceError] = []
    engine = stylize_stack(
        job.slices,
        [style.style() for style in job.styles],
        out=job.result,
        indices=job.indices,
        settings=job.settings,
        regions=None if job.regions is None else job.regions.source(),
        method=method,
        steering=steering,
        stop=should_stop,
        on_error=left_out.append,
    )
    throttle = Throttle(shown)
    painted, done_before = 0, len(before.intersection(job.indices))
    with contextlib.closing(engine):  # type: ignore[type-var]
        for message in engine:
            throttle.add(message.step)
            pixels_left = message.pixels_left - message.step.pixels_left
            place = Place(
                message.index,
                message.position,
                message.total,
                done=done_before + painted,
                evaluations_left=round(pixels_left / math.prod(shape)),
                pixels_left=pixels_left,
            )
            if message.finished:
                recipe = Recipe.from_step(message.step, job.settings, **job.notes())
                job.result.finish(message.index, recipe)
                painted += 1
                while not shown.wait(_PATIENCE) and not should_stop():
                    pass  # finished slices are not to queue up either
                throttle.discard()  # what is sent is the finished slice itself
                place = replace(place, done=place.done + 1, recipe=recipe)
                yield Preview(throttle.steps(), place=place)
            elif message.step.status is Status.RUNNING and throttle.due and not should_stop():
                finished = partial(_finished, shape=shape, alpha=message.alpha)
                yield preview(throttle, job, finished, place)
    return StackEnded(painted, done_before + painted, len(job.indices), tuple(map(str, left_out)))


def _finished(
    picture: Picture, *, shape: tuple[int, int], alpha: npt.NDArray[Any] | None
) -> Picture:
    """Return a (h, w, 3) picture at the (H, W) of the result, with a transparency of any size."""
    return rgba(resized(picture, shape), alpha)
