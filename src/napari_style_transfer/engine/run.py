"""One run: the scales painted one after another, each from what the one before left."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from napari_style_transfer.engine.device import choose_device, describe
from napari_style_transfer.engine.images import resize, to_array
from napari_style_transfer.engine.scale import ScalePainter
from napari_style_transfer.engine.schedule import plan_scales
from napari_style_transfer.engine.step import Status, Step
from napari_style_transfer.engine.studio import Studio, is_out_of_memory, too_little_memory
from napari_style_transfer.errors import OutOfMemoryError, StyleTransferError
from napari_style_transfer.settings import Settings


def run(
    settings: Settings,
    pictures: dict[str, Tensor],
    stop: Callable[[], bool],
    preview_interval: float,
) -> Iterator[Step]:
    """Paint; see :func:`~napari_style_transfer.iter_stylize`.

    Parameters
    ----------
    settings
        The parameters.
    pictures
        ``"content"``, ``"style"`` and perhaps ``"init"``, each (1, 3, H, W) in [0, 1] on the CPU.
    stop
        Asked after each evaluation.
    preview_interval
        Seconds between previews; infinite for none.
    """
    device, note = choose_device(settings.device)
    try:
        yield from _paint(Studio(settings, pictures, device), note, stop, _Pacer(preview_interval))
    except StyleTransferError:
        raise
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemoryError(too_little_memory(device, settings)) from error
    finally:
        if device.type == "cuda":
            torch.cuda.empty_cache()


class _Pacer:
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


def _paint(studio: Studio, note: str, stop: Callable[[], bool], pacer: _Pacer) -> Iterator[Step]:
    """Yield the steps of all scales; `note` goes with the first."""
    settings, content = studio.settings, studio.content_shape
    scales = plan_scales(content, settings)
    picture = studio.start(scales[0].shape)
    evaluation = 0
    for index, scale in enumerate(scales):
        painter = ScalePainter(studio, scale.shape, picture)
        later = sum(each.evaluations for each in scales[index + 1 :])
        later_pixels = sum(each.evaluations * math.prod(each.shape) for each in scales[index + 1 :])
        for remaining in reversed(range(scale.evaluations)):
            outcome, trouble = painter.advance()
            evaluation += 1
            if outcome.stationary:
                remaining = 0
            if not later and not remaining:
                status = Status.FINISHED
            elif stop() or evaluation == settings.stop_after:
                status = Status.STOPPED
            else:
                status = Status.RUNNING
            array = None
            if status is not Status.RUNNING:
                array = to_array(resize(painter.picture, studio.result))
            elif pacer.due():
                array = to_array(painter.picture)
            yield Step(
                evaluation=evaluation,
                evaluations=evaluation + remaining + later,
                scale=index + 1,
                scales=len(scales),
                shape=scale.shape,
                losses=painter.losses,
                device=describe(studio.device),
                precision=str(painter.dtype).removeprefix("torch."),
                tile_size=studio.tile_size,
                pixels_left=remaining * math.prod(scale.shape) + later_pixels,
                picture=array,
                status=status,
                note=" ".join(filter(None, (note, trouble))),
            )
            note = ""
            if status is not Status.RUNNING:
                return
            if not remaining:
                break
        picture = painter.picture
