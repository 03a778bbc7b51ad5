"""A stack in the thread: the slices' steps go in, messages about one slice after another come out."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Generator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from napari_style_transfer import methods
from napari_style_transfer.engine.libraries import load_libraries, no_collections
from napari_style_transfer.geometry import result_shape
from napari_style_transfer.plugin.inputs.stack_job import StackJob
from napari_style_transfer.plugin.outputs.stack_array import CHANNELS
from napari_style_transfer.plugin.runs.messages import Outcome, Place, Preview, StackEnded
from napari_style_transfer.plugin.runs.worker import Throttle, resized
from napari_style_transfer.progress import Picture, Status
from napari_style_transfer.recipe import Recipe
from napari_style_transfer.stack.loop import stylize_stack
from napari_style_transfer.steering import Steering

#: Seconds after which a thread that waits for the main thread looks whether it is to stop.
_PATIENCE = 0.1


def paint_stack(
    job: StackJob, should_stop: Callable[[], bool], shown: threading.Event, steering: Steering
) -> Generator[Preview, None, Outcome]:
    """Paint a stack; arguments are those of :func:`~napari_style_transfer.plugin.runs.worker.paint`."""
    load_libraries()
    with no_collections():
        method = methods.create()

    *leading, height, width, _ = job.slices.shape
    shape = result_shape((height, width), job.settings.size)
    job.canvas.open((*leading, *shape, CHANNELS))
    before = job.canvas.done
    engine = stylize_stack(
        job.slices,
        [style.style() for style in job.styles],
        out=_SliceOutput(job),
        indices=job.indices,
        done=before,
        settings=job.settings,
        regions=None if job.regions is None else job.regions.regions(),
        method=method,
        steering=steering,
        stop=should_stop,
    )
    throttle = Throttle(shown)
    painted = 0
    with contextlib.closing(engine):  # type: ignore[type-var]
        for message in engine:
            throttle.add(replace(message.step, pixels_left=message.pixels_left))
            place = Place(message.index, message.position, message.total)
            if message.finished:
                recipe = Recipe.from_step(message.step, job.settings, **job.notes())
                job.canvas.note(message.index, recipe)
                painted += 1
                while not shown.wait(_PATIENCE) and not should_stop():
                    pass  # finished slices are not to queue up either
                throttle.picture()  # is not one of the next slice
                yield Preview(throttle.steps(), place=replace(place, recipe=recipe))
            elif message.step.status is Status.RUNNING and throttle.due and not should_stop():
                picture = throttle.picture()
                due = None if picture is None else _rgba(resized(picture, shape), job.slices.alpha)
                yield Preview(throttle.steps(), due, place)
    done = painted + len(before.intersection(job.indices))
    return StackEnded(painted, done, len(job.indices))


class _SliceOutput:
    """Where :func:`stylize_stack` puts slices: the canvas, each with its content's transparency."""

    def __init__(self, job: StackJob) -> None:
        self._job = job

    def __getitem__(self, index: tuple[int, ...]) -> Picture:
        return self._job.canvas[index]

    def __setitem__(self, index: tuple[int, ...], picture: Picture) -> None:
        self._job.canvas[index] = _rgba(picture, self._job.slices.alpha)


def _rgba(picture: Picture, alpha: npt.NDArray[np.uint8] | None) -> Picture:
    """Give a (h, w, 3) picture a transparency of any size, or none."""
    from napari_style_transfer.engine.tensors import with_alpha

    if alpha is not None:
        return with_alpha(picture, alpha)
    opaque: Picture = np.full((*picture.shape[:2], CHANNELS), 255, np.uint8)
    opaque[..., :3] = picture
    return opaque
