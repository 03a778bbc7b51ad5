"""The thread of an augmentation: saves layers as files, has new pictures made, and says how it goes."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING

from napari_style_transfer.augment.record import SHEET_NAME, TABLE_NAME, make_folder
from napari_style_transfer.engine.libraries import load_libraries, load_triton, no_collections
from napari_style_transfer.io.micrographs import read_micrograph
from napari_style_transfer.plugin.inputs.augment_job import AugmentJob
from napari_style_transfer.plugin.outputs.training_files import save_styles, save_training
from napari_style_transfer.plugin.runs.messages import AugmentEnded, AugmentProgress
from napari_style_transfer.steering import Steering

if TYPE_CHECKING:
    from napari_style_transfer.augment.settings import AugmentStep, Made
    from napari_style_transfer.progress import Picture

#: Seconds, at least, between two messages.
_INTERVAL = 0.15
#: Folders in that of the output, where layers are saved; else the new pictures are in it themselves.
_TRAINING, _STYLES, _NEW = "training", "styles", "augmented"


def augment_set(
    job: AugmentJob, should_stop: Callable[[], bool], _: threading.Event, __: Steering
) -> Generator[AugmentProgress, None, AugmentEnded]:
    """Augment a training set; see :func:`~napari_style_transfer.plugin.runs.worker.paint`."""
    load_libraries()
    load_triton()  # torch's optimisers import it, and a process with a window open may crash
    with no_collections():
        from napari_style_transfer.augment.loop import augment
        from napari_style_transfer.augment.structure import warning

    images, styles, folder = _saved(job, should_stop)
    if should_stop():
        return AugmentEnded(job.out, folder)
    engine = augment(
        images, styles, folder, labels=job.labels, settings=job.settings, stop=should_stop
    )
    made: list[Made] = []
    left_out: list[str] = []
    notes: dict[str, None] = {}
    last: AugmentStep | None = None
    pace, sent = _Pace(), -_INTERVAL
    with contextlib.closing(engine):  # type: ignore[type-var]
        for last in engine:
            if last.made is not None:
                made.append(last.made)
            if last.left_out:
                left_out.append(last.left_out)
            if last.note:
                notes[last.note] = None
            seconds_left = pace.left(last)
            if (last.note or time.monotonic() - sent >= _INTERVAL) and not should_stop():
                sent = time.monotonic()
                yield AugmentProgress(last, seconds_left)
    painting = last is not None and last.phase == "paint"
    return AugmentEnded(
        job.out,
        folder,
        made=len(made),
        done=round(last.done) if last is not None and painting else 0,
        total=round(last.total) if last is not None and painting else 0,
        finished=last is not None and last.finished,
        left_out=tuple(left_out),
        warning=warning(made, folder / TABLE_NAME),
        notes=tuple(notes),
        sheet=_sheet(folder),
    )


def _saved(job: AugmentJob, should_stop: Callable[[], bool]) -> tuple[Path, str | Path, Path]:
    """Save what is given as layers; return where images and styles are, and where new ones go."""
    images, styles, folder = job.images, job.styles, job.out
    if isinstance(images, Path) and isinstance(styles, str):
        return images, styles, folder
    make_folder(folder)
    if not isinstance(images, Path):
        save_training(folder / _TRAINING, images, should_stop)
        images = folder / _TRAINING
    where: str | Path = folder / _STYLES
    if isinstance(styles, str):
        where = styles
    else:
        save_styles(folder / _STYLES, styles, should_stop)
    return images, where, folder / _NEW


def _sheet(folder: Path) -> Picture | None:
    path = folder / SHEET_NAME
    if not path.exists():
        return None
    sheet = read_micrograph(path)
    return sheet.array(sheet.planes)


class _Pace:
    """Judges how long a phase will still take by how fast it has been."""

    def __init__(self) -> None:
        self._began: tuple[float, AugmentStep] | None = None

    def left(self, step: AugmentStep) -> float | None:
        """Return the seconds left, or None while that is unknown."""
        if step.phase == "learn":
            return step.total - step.done
        if self._began is None:
            self._began = time.monotonic(), step
        at, first = self._began
        done = step.done - first.done
        return (time.monotonic() - at) / done * (step.total - step.done) if done else None
