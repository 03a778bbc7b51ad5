"""A stack in the thread: the slices' steps go in, messages about one slice after another come out."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Generator
from dataclasses import replace

from napari_style_transfer import methods
from napari_style_transfer.engine.libraries import load_libraries, no_collections
from napari_style_transfer.geometry import result_shape
from napari_style_transfer.plugin.inputs.stack_job import StackJob
from napari_style_transfer.plugin.outputs.stack_array import CHANNELS
from napari_style_transfer.plugin.runs.messages import Outcome, Place, Preview, StackEnded
from napari_style_transfer.plugin.runs.worker import Throttle, resized
from napari_style_transfer.progress import Status
from napari_style_transfer.recipe import Recipe
from napari_style_transfer.stack.base import rgba
from napari_style_transfer.stack.loop import SliceError, stylize_stack
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
    left_out: list[SliceError] = []
    engine = stylize_stack(
        job.slices,
        [style.style() for style in job.styles],
        out=job.canvas,
        indices=job.indices,
        settings=job.settings,
        regions=None if job.regions is None else job.regions.regions(),
        method=method,
        steering=steering,
        stop=should_stop,
        on_error=left_out.append,
    )
    throttle = Throttle(shown)
    painted = 0
    with contextlib.closing(engine):  # type: ignore[type-var]
        for message in engine:
            throttle.add(replace(message.step, pixels_left=message.pixels_left))
            place = Place(message.index, message.position, message.total)
            if message.finished:
                recipe = Recipe.from_step(message.step, job.settings, **job.notes())
                job.canvas.finish(message.index, recipe)
                painted += 1
                while not shown.wait(_PATIENCE) and not should_stop():
                    pass  # finished slices are not to queue up either
                throttle.picture()  # is not one of the next slice
                yield Preview(throttle.steps(), place=replace(place, recipe=recipe))
            elif message.step.status is Status.RUNNING and throttle.due and not should_stop():
                picture = throttle.picture()
                due = None if picture is None else rgba(resized(picture, shape), message.alpha)
                yield Preview(throttle.steps(), due, place)
    done = painted + len(before.intersection(job.indices))
    return StackEnded(painted, done, len(job.indices), tuple(map(str, left_out)))
