"""One run: the scales painted one after another, each from what the one before left."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Literal

from napari_style_transfer.engine.device import (
    describe,
    is_out_of_memory,
    release_memory,
    too_little_memory,
)
from napari_style_transfer.engine.initial import InitialPicture
from napari_style_transfer.engine.optimize.scale import ScaleOptimizer
from napari_style_transfer.engine.optimize.schedule import plan_scales
from napari_style_transfer.engine.state import RunState
from napari_style_transfer.engine.tensors import resize, to_array
from napari_style_transfer.errors import OutOfMemoryError, StyleTransferError
from napari_style_transfer.methods.base import Controls
from napari_style_transfer.progress import Status, Step

#: How long in seconds a paused run waits before it asks again whether to stop.
_PAUSE = 0.05


def run(
    state: RunState,
    initial: InitialPicture,
    controls: Controls,
    bits: Literal[8, 16] = 8,
    note: str = "",
) -> Iterator[Step]:
    """Optimise a picture from the coarsest scale to the finest, and yield a step an evaluation.

    Parameters
    ----------
    state
        What is asked for.
    initial
        What each scale starts from.
    controls
        What acts on the run.
    bits
        Of each value of the last step's picture.
    note
        A sentence that goes with the first step.
    """
    try:
        yield from _steps(state, initial, controls, bits, note)
    except StyleTransferError:
        raise
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemoryError(too_little_memory(state.device, state.settings.size)) from error
    finally:
        release_memory(state.device)


class _PreviewTimer:
    """Says when the next preview is due."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._next = float("inf") if interval == float("inf") else 0.0

    def due(self) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._interval
        return True


def _steps(
    state: RunState,
    initial: InitialPicture,
    controls: Controls,
    bits: Literal[8, 16],
    note: str,
) -> Iterator[Step]:
    """Yield the steps of all scales; arguments are those of :func:`run`."""
    steering, stop = controls.steering, controls.stop
    previews = _PreviewTimer(controls.preview_interval)
    scales = plan_scales(state.content_shape, state.settings)
    picture = initial.at(scales[0].shape)
    evaluation, device = 0, describe(state.device)
    for index, scale in enumerate(scales):
        if index:
            picture = initial.refined(picture, scale.shape)
        optimizer = ScaleOptimizer(state, scale.shape, picture)
        later = sum(each.evaluations for each in scales[index + 1 :])
        later_pixels = sum(each.evaluations * math.prod(each.shape) for each in scales[index + 1 :])
        for remaining in reversed(range(scale.evaluations)):
            while steering.paused and not stop():
                steering.wait(_PAUSE)
            update = steering.take()
            refused = ""
            if update is not None:
                refused = state.change(update)
                if not refused:
                    if evaluation:  # what comes before the first was so in the slice before, too
                        state.release()
                    optimizer.change()
            outcome, trouble = optimizer.advance()
            evaluation += 1
            if outcome.stationary:
                remaining = 0
            if not later and not remaining:
                status = Status.FINISHED
            elif stop() or evaluation == state.settings.stop_after:
                status = Status.STOPPED
            else:
                status = Status.RUNNING
            array = None
            if status is not Status.RUNNING:
                array = to_array(state.shown(resize(optimizer.picture.cpu(), state.shape)), bits)
            elif previews.due():
                array = to_array(state.shown(optimizer.picture))
            yield Step(
                evaluation=evaluation,
                evaluations=evaluation + remaining + later,
                scale=index + 1,
                scales=len(scales),
                shape=scale.shape,
                losses=optimizer.losses,
                device=device,
                precision=optimizer.precision.value,
                tile_size=state.tile_size,
                pixels_left=remaining * math.prod(scale.shape) + later_pixels,
                picture=array,
                status=status,
                settings=state.settings,
                steered=state.steered,
                note=" ".join(filter(None, (note, refused, trouble))),
            )
            note = ""
            if status is not Status.RUNNING:
                return
            if not remaining:
                break
        picture = optimizer.picture.cpu()
        del optimizer  # its history, before the next scale takes memory for its own
        release_memory(state.device)
