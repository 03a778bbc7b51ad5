"""The thread of a run: turns the engine's steps into messages, and every exception into one.

napari's workers swallow a RuntimeError, as most of torch's errors are, and stumble over others. So
whatever goes wrong in the thread comes back as a :class:`Failed`.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import threading
import time
import traceback
from collections.abc import Callable, Generator
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

import numpy as np
from PIL import Image as Pillow

from napari_style_transfer.engine.libraries import load_libraries, no_collections
from napari_style_transfer.errors import StyleTransferError
from napari_style_transfer.geometry import result_shape
from napari_style_transfer.methods.base import Controls, Request
from napari_style_transfer.plugin.inputs.job import Job
from napari_style_transfer.plugin.runs.messages import (
    Failed,
    Finished,
    Outcome,
    Place,
    Preview,
    Stopped,
)
from napari_style_transfer.progress import Picture, Status, Step
from napari_style_transfer.recipe import Recipe
from napari_style_transfer.steering import Steering

_log = logging.getLogger(__name__)

#: Least time in seconds between two messages, so that a fast device does not flood the main thread.
_INTERVAL = 0.15

#: How long in milliseconds Python waits for the thread when it exits.
_PATIENCE = 5000

#: Long side in pixels up to which a preview has the result's size. A larger one would keep the main
#: thread busy with uploads, for detail that no screen shows.
_PREVIEW_SIDE = 2048


#: Does a job in the thread. Takes the job, whether to stop, the event that a preview is drawn, and the
#: steering; yields messages and returns the outcome.
Work = Callable[[Any, Callable[[], bool], threading.Event, Steering], Generator[Any, None, Any]]


class Named(Protocol):
    """What a run needs to know of a job."""

    @property
    def name(self) -> str:
        """What it makes."""
        ...


class Run:
    """One run of a job in its own thread.

    Parameters
    ----------
    job
        What to do.
    work
        Does it, such as :func:`paint_picture`.
    on_message
        Called on the main thread with each message and at last with the outcome.
    on_end
        Called on the main thread when the thread has ended, however it ended. If napari aborted it,
        because the viewer closes, no outcome comes before.

    Attributes
    ----------
    job
        What is done.
    steering
        Changes the run while it is on.
    """

    def __init__(
        self,
        job: Named,
        work: Work,
        on_message: Callable[[Any], None],
        on_end: Callable[[], None],
    ) -> None:
        from napari.qt.threading import create_worker

        self.job: Any = job
        self.steering = Steering()
        self._stop = threading.Event()
        self._shown = threading.Event()
        self._shown.set()
        self._worker: Any = create_worker(
            paint, job, self._should_stop, self._shown, self.steering, work, _start_thread=False
        )
        self._worker.yielded.connect(on_message)
        self._worker.returned.connect(on_message)
        self._worker.finished.connect(on_end)
        self._worker.finished.connect(partial(atexit.unregister, self._wind_up))

    def start(self) -> None:
        """Start the thread, beside those that Qt's pool has for short work: with one core, a single one."""
        from qtpy.QtCore import QThreadPool

        atexit.register(self._wind_up)
        pool = QThreadPool.globalInstance()
        if pool is not None:
            pool.releaseThread()
            self._worker.finished.connect(pool.reserveThread)
        self._worker.start()

    def stop(self) -> None:
        """Ask the thread to end within one evaluation; the outcome is :class:`Stopped`."""
        self._stop.set()
        self.steering.resume()

    def shown(self) -> None:
        """Say that the last preview has been drawn, so that the next may come."""
        self._shown.set()

    @property
    def stopping(self) -> bool:
        """Whether the thread has been asked to end."""
        return self._stop.is_set()

    def _wind_up(self) -> None:
        """Let the thread end before Python takes away what its messages go through."""
        from qtpy.QtCore import QThreadPool

        self.stop()
        pool = QThreadPool.globalInstance()
        if pool is not None:
            pool.waitForDone(_PATIENCE)

    def _should_stop(self) -> bool:
        # napari asks its workers to quit when the window closes, but only between their yields.
        return self._stop.is_set() or self._worker.abort_requested


class Throttle:
    """Collects steps until the next message is due; used in the thread.

    Parameters
    ----------
    shown
        Set when the main thread has drawn the last preview. No other preview is sent before, because
        messages would queue up without bound.
    """

    def __init__(self, shown: threading.Event) -> None:
        self._shown = shown
        self._steps: list[Step] = []
        self._last: Step | None = None
        self._sent = -_INTERVAL

    def add(self, step: Step) -> None:
        """Collect a step."""
        self._steps.append(step)
        if step.picture is not None:
            self._last = step

    @property
    def due(self) -> bool:
        """Whether it is time for a message."""
        return time.monotonic() - self._sent >= _INTERVAL

    def picture(self) -> Step | None:
        """Return the last step with a picture, if there is one to send; it counts as sent."""
        if self._last is None or not self._shown.is_set():
            return None
        self._shown.clear()
        step, self._last = self._last, None
        return step

    def discard(self) -> None:
        """Count whatever picture there is as sent, because another one follows."""
        self._shown.clear()
        self._last = None

    def steps(self) -> tuple[Step, ...]:
        """Return the evaluations since the last message; they count as sent."""
        steps, self._steps = tuple(self._steps), []
        self._sent = time.monotonic()
        return steps


def paint_picture(
    job: Job, should_stop: Callable[[], bool], shown: threading.Event, steering: Steering
) -> Generator[Preview, None, Outcome]:
    """Paint a single picture; arguments are those of :func:`paint`."""
    load_libraries()
    with no_collections():
        from napari_style_transfer.engine.tensors import with_alpha

        method = job.method()

    content = job.content.pixels()
    preview_shape = shape_of_previews(result_shape(content.shape[:2], job.settings.size))

    def finished(picture: Picture) -> Picture:
        """Give the picture the content's transparency."""
        return with_alpha(picture, content[..., 3]) if content.shape[-1] == 4 else picture

    request = Request(
        content,
        tuple(style.style() for style in job.styles),
        job.settings,
        init=None if job.beginning is None else job.beginning.picture.pixels()[..., :3],
        regions=None if job.regions is None else job.regions.regions(),
    )
    engine = method.run(request, Controls(steering, should_stop))
    throttle = Throttle(shown)
    with contextlib.closing(engine):  # type: ignore[type-var]
        for step in engine:
            throttle.add(step)
            if step.status is not Status.RUNNING:
                break
            if throttle.due and not should_stop():
                yield preview(throttle, job, lambda it: finished(resized(it, preview_shape)))
    assert step.picture is not None  # the engine's promise for the last step of every run
    outcome = Finished if step.status is Status.FINISHED else Stopped
    return outcome(
        throttle.steps(),
        finished(step.picture),
        Recipe.from_step(step, job.settings, **job.notes()),
    )


def paint(
    job: Named,
    should_stop: Callable[[], bool],
    shown: threading.Event,
    steering: Steering,
    work: Work = paint_picture,
) -> Generator[Any, None, Any]:
    """Do `job` and say how it goes; runs in the thread.

    Parameters
    ----------
    job
        What to do.
    should_stop
        Asked once per evaluation.
    shown
        As for :class:`Throttle`.
    steering
        Changes the run while it is on.
    work
        Does it.
    """
    try:
        return (yield from work(job, should_stop, shown, steering))
    except Exception as error:
        if not isinstance(error, StyleTransferError):
            _log.exception("%s failed", job.name)
        return Failed(_released(error))


def preview(
    throttle: Throttle,
    job: Job,
    finished: Callable[[Picture], Picture],
    place: Place | None = None,
) -> Preview:
    """Return what is to be said now; the picture so far, where one is due, goes with its recipe.

    Parameters
    ----------
    throttle
        Has the steps.
    job
        What is painted.
    finished
        Takes a picture at any scale to one at the size and with the channels of the result.
    place
        Which slice of a stack it is.
    """
    shown = throttle.picture()
    if shown is None or shown.picture is None:
        return Preview(throttle.steps(), place=place)
    stopped = replace(shown, status=Status.STOPPED)
    recipe = Recipe.from_step(stopped, job.settings, **job.notes())
    return Preview(throttle.steps(), finished(shown.picture), recipe, place)


def shape_of_previews(result: tuple[int, int]) -> tuple[int, int]:
    """Return the (H, W) in which a result of this size is shown while it is painted."""
    height, width = result
    shrink = min(1, _PREVIEW_SIDE / max(height, width))
    return max(1, round(height * shrink)), max(1, round(width * shrink))


def _released(error: Exception) -> Exception:
    """Cut `error` off from the frames it passed, which hold the run's tensors."""
    link: BaseException | None = error
    while link is not None:
        traceback.clear_frames(link.__traceback__)
        following = link.__cause__ or link.__context__
        link.__traceback__ = link.__cause__ = link.__context__ = None
        link = following
    return error


def resized(picture: Picture, shape: tuple[int, int]) -> Picture:
    """Return a picture in (H, W) pixels."""
    if picture.shape[:2] == shape:
        return picture
    resized = Pillow.fromarray(picture).resize(shape[::-1], Pillow.Resampling.BICUBIC)
    return np.asarray(resized)
