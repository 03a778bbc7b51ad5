"""When each picture of a movie that is written appears and goes. Loads no torch."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.clip import check_rate
from napari_style_transfer.progress import Picture

#: When a picture appears and when it goes, in seconds.
Span = tuple[float, float]
#: Seconds that a picture of a GIF is shown at least.
_GIF_LEAST = 0.02


class Stopped(Exception):
    """The writing of a movie was stopped."""


def even(path: Path, rate: float) -> Iterator[Span]:
    """Return when each picture appears and goes at a rate, without end; `path` is for the format."""
    check_rate(rate)
    _check_speed(path, 1 / rate)
    return ((number / rate, (number + 1) / rate) for number in itertools.count())


def spans(path: Path, times: Iterable[float], end: float | None) -> Iterator[Span]:
    """Return when each picture appears and goes; `path` is for the format."""
    starts = np.asarray(list(times), float)
    if end is None:
        last = starts[-1] - starts[-2] if len(starts) > 1 else 1 / 25
        end = float(starts[-1] + last) if len(starts) else 0.0
    stops = np.append(starts[1:], end)
    if not np.isfinite(stops).all() or (stops <= starts).any() or (starts[:1] < 0).any():
        raise InputError("The times of a movie's pictures must ascend, from 0 on.")
    _check_speed(path, float(min(stops - starts, default=1)))
    return zip(starts.tolist(), stops.tolist(), strict=True)


def _check_speed(path: Path, shortest: float) -> None:
    """Refuse pictures that a GIF would show for longer than asked for, as all browsers do."""
    if path.suffix.lower() == ".gif" and shortest < _GIF_LEAST - 1e-3:
        raise InputError(
            f"A GIF shows at most {round(1 / _GIF_LEAST)} frames a second; take fewer, such as every "
            "second one, or write a .webp."
        )


def timed(
    pictures: Iterable[Picture],
    spans: Iterator[Span],
    path: Path,
    stop: Callable[[], bool],
    *,
    sized: bool,
) -> Iterator[tuple[Picture, Span]]:
    """Check the pictures, and give each as uint8 with the time at which it appears and goes."""
    shape: tuple[int, ...] | None = None
    for number, picture in enumerate(pictures):
        if stop():
            raise Stopped
        picture = np.asarray(picture)
        kind = picture.dtype
        if kind not in (np.uint8, np.uint16) or picture.ndim != 3 or picture.shape[2] not in (3, 4):
            raise InputError(
                f"Cannot write {path}: a movie's picture is (height, width, 3 or 4) of uint8 or uint16, "
                f"not {picture.shape} of {kind}."
            )
        shape = shape or picture.shape[:2]
        if picture.shape[:2] != shape:
            raise InputError(
                f"Cannot write {path}: picture {number + 1} is {picture.shape[1]} x {picture.shape[0]} "
                f"pixels and the first {shape[1]} x {shape[0]}; in a movie all have one size."
            )
        span = next(spans, None)
        if span is None:
            raise InputError(f"Cannot write {path}: there are more pictures than times.")
        yield (picture if kind == np.uint8 else np.rint(picture / 257).astype(np.uint8)), span
    if shape is None:
        raise InputError(f"Cannot write {path}: there are no pictures.")
    if sized and next(spans, None) is not None:
        raise InputError(f"Cannot write {path}: there are fewer pictures than times.")
