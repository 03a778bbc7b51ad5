"""The thread: engine steps go in, typed outcomes come out, and no exception ever leaves it.

napari's workers lose a RuntimeError, which is what most of torch's errors are, and trip over the
others. So everything that can go wrong in the thread comes back as a :class:`Failed`.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import threading
import time
import traceback
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from PIL import Image as Pillow

from napari_style_transfer.engine.coexist import load_libraries, no_collections
from napari_style_transfer.engine.steering import Steering
from napari_style_transfer.engine.step import Picture, Status, Step
from napari_style_transfer.errors import StyleTransferError
from napari_style_transfer.plugin.job import Job
from napari_style_transfer.recipe import Recipe

_log = logging.getLogger(__name__)

#: Least time in seconds between two messages, so that a fast device does not flood the main thread.
_INTERVAL = 0.15

#: How long in milliseconds Python waits for the thread when it exits.
_PATIENCE = 5000

#: Long side in pixels up to which a preview has the result's size. A larger one would keep the main
#: thread busy with uploads, for detail that no screen shows.
_PREVIEW_SIDE = 2048


@dataclass(frozen=True)
class Preview:
    """The evaluations since the last message, and the picture so far when one is due.

    All pictures of a run have the same shape, so that the layer never changes its extent.
    """

    steps: tuple[Step, ...]
    picture: Picture | None = None


@dataclass(frozen=True)
class Finished:
    """The run came to its end: the (H, W, 3|4) uint8 picture and how it was made."""

    steps: tuple[Step, ...]
    picture: Picture
    recipe: Recipe


@dataclass(frozen=True)
class Stopped:
    """The run was stopped: the picture so far, at the result's size, and how it was made."""

    steps: tuple[Step, ...]
    picture: Picture
    recipe: Recipe


@dataclass(frozen=True)
class Failed:
    """The run broke off with an error, whose frames are let go so that no memory hangs on them."""

    error: Exception

    @property
    def sentence(self) -> str:
        """What to tell the user."""
        if isinstance(self.error, StyleTransferError):
            return str(self.error)
        what = str(self.error).strip().splitlines()
        reason = f"{type(self.error).__name__}: {what[0]}" if what else type(self.error).__name__
        return f"The style transfer broke off ({reason.rstrip('.')})."


Outcome = Finished | Stopped | Failed


class Run:
    """One run of a :class:`Job` in its own thread.

    Parameters
    ----------
    job
        What to paint.
    on_message
        Called on the main thread with each :class:`Preview` and at last with the outcome.
    on_end
        Called on the main thread when the thread has ended, however it ended; where napari aborted
        it (the viewer is closing) there is no outcome before.

    Attributes
    ----------
    job
        What is painted.
    steering
        Changes the run while it is on.
    """

    def __init__(
        self,
        job: Job,
        on_message: Callable[[Preview | Outcome], None],
        on_end: Callable[[], None],
    ) -> None:
        from napari.qt.threading import create_worker

        self.job = job
        self.steering = Steering()
        self._stop = threading.Event()
        self._shown = threading.Event()
        self._shown.set()
        self._worker: Any = create_worker(
            paint, job, self._should_stop, self._shown, self.steering, _start_thread=False
        )
        self._worker.yielded.connect(on_message)
        self._worker.returned.connect(on_message)
        self._worker.finished.connect(on_end)
        self._worker.finished.connect(partial(atexit.unregister, self._wind_up))

    def start(self) -> None:
        """Start the thread."""
        atexit.register(self._wind_up)
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
        """Let the thread end before Python does, and takes away the objects it speaks through."""
        from qtpy.QtCore import QThreadPool

        self.stop()
        pool = QThreadPool.globalInstance()
        if pool is not None:
            pool.waitForDone(_PATIENCE)

    def _should_stop(self) -> bool:
        # napari asks its workers to quit when the window closes, but only between their yields.
        return self._stop.is_set() or self._worker.abort_requested


def paint(
    job: Job, should_stop: Callable[[], bool], shown: threading.Event, steering: Steering
) -> Generator[Preview, None, Outcome]:
    """Paint `job` and say how it goes; runs in the thread.

    Parameters
    ----------
    job
        What to paint.
    should_stop
        Asked once per evaluation.
    shown
        Set when the main thread has drawn the last preview. Until then no other is sent: the
        thread's messages queue up without bound otherwise.
    """
    try:
        return (yield from _paint(job, should_stop, shown, steering))
    except Exception as error:
        if not isinstance(error, StyleTransferError):
            _log.exception("Painting %s failed", job.name)
        return Failed(_released(error))


def _paint(
    job: Job, should_stop: Callable[[], bool], shown: threading.Event, steering: Steering
) -> Generator[Preview, None, Outcome]:
    load_libraries()
    with no_collections():
        from napari_style_transfer.engine.images import result_shape, with_alpha
        from napari_style_transfer.engine.stylize import iter_stylize

    content = job.content.pixels()
    preview_shape = shape_of_previews(result_shape(content.shape[:2], job.settings.size))

    def finished(picture: Picture) -> Picture:
        """Give the picture the content's transparency."""
        return with_alpha(picture, content[..., 3]) if content.shape[-1] == 4 else picture

    engine = iter_stylize(
        content,
        [style.style() for style in job.styles],
        settings=job.settings,
        init=None if job.beginning is None else job.beginning.picture.pixels()[..., :3],
        regions=None if job.regions is None else job.regions.regions(),
        steering=steering,
        stop=should_stop,
    )
    steps: list[Step] = []
    picture: Picture | None = None
    sent = -_INTERVAL
    with contextlib.closing(engine):  # type: ignore[type-var]
        for step in engine:
            steps.append(step)
            picture = step.picture if step.picture is not None else picture
            if step.status is not Status.RUNNING:
                break
            if time.monotonic() - sent < _INTERVAL or should_stop():
                continue
            due = None
            if picture is not None and shown.is_set():
                shown.clear()
                due, picture = finished(_resized(picture, preview_shape)), None
            yield Preview(tuple(steps), due)
            steps.clear()
            sent = time.monotonic()
    last = steps[-1]
    assert last.picture is not None  # the engine's promise for the last step of every run
    outcome = Finished if last.status is Status.FINISHED else Stopped
    return outcome(
        tuple(steps),
        finished(last.picture),
        Recipe.from_step(last, job.settings, **job.notes()),
    )


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


def _resized(picture: Picture, shape: tuple[int, int]) -> Picture:
    if picture.shape[:2] == shape:
        return picture
    resized = Pillow.fromarray(picture).resize(shape[::-1], Pillow.Resampling.BICUBIC)
    return np.asarray(resized)
