"""Animated pictures (GIF, WebP, PNG), read and written by Pillow. Loads no torch."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from napari_style_transfer.errors import InputError
from napari_style_transfer.io import apng
from napari_style_transfer.io.movies import Movie
from napari_style_transfer.io.raster import Raster, of_pillow, reading
from napari_style_transfer.io.timing import Span
from napari_style_transfer.progress import Picture

#: Milliseconds: a picture that is shown at most as long is shown for longer, by all browsers.
_TOO_SHORT, _INSTEAD = 10, 100


class Animation(Movie):
    """An animated picture. See :func:`~napari_style_transfer.io.movies.open_movie`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.time_base = Fraction(1, 1000)
        with reading(path, "the movie"):
            self._image = Image.open(io.BytesIO(path.read_bytes()))
            starts, now = [], 0.0
            for number in range(getattr(self._image, "n_frames", 1)):
                try:
                    self._image.seek(number)
                    self._image.load()  # a WebP says only then for how long
                except (EOFError, OSError, SyntaxError, ValueError):
                    if not number:
                        raise
                    self.damage = (
                        f"The movie {path} is cut short: {number} of its "
                        f"{self._image.n_frames} frames are there."  # type: ignore[attr-defined]
                    )
                    break
                shown = float(self._image.info.get("duration", 0))
                starts.append(now / 1000)
                now += _INSTEAD if shown <= _TOO_SHORT else shown
        self.times, self.end = np.array(starts), now / 1000
        self.shape = (len(starts), self._image.height, self._image.width, 3)

    def close(self) -> None:
        """Give the file back; frames can be read no more."""
        with self._lock:
            self._image.close()

    def _raster(self, number: int) -> Raster:
        with reading(self.path, f"frame {number + 1} of"):
            self._image.seek(number)
            raster = of_pillow(self._image)
            # Pillow gives every frame of a GIF an opacity.
            opaque = raster.alpha is not None and raster.alpha.min() == 255
            return replace(raster, alpha=None) if opaque else raster


def is_animated(path: str | os.PathLike[str]) -> bool:
    """Return whether a GIF, WebP or PNG has several frames."""
    try:
        if Path(path).suffix.lower() == ".png" and not apng.is_animated(path):
            return False  # without a look at all of it
        with reading(path), Image.open(path) as image:
            return getattr(image, "n_frames", 1) > 1
    except (OSError, ValueError, InputError):
        return False


def write_animation(part: Path, suffix: str, pictures: Iterable[tuple[Picture, Span]]) -> None:
    """Write a GIF, WebP or animated PNG; see :func:`~napari_style_transfer.io.movies.save_movie`.

    Parameters
    ----------
    part
        The file to write.
    suffix
        ``.gif``, ``.webp`` or ``.apng``.
    pictures
        (H, W, 3 | 4) uint8 of one size, each with the seconds at which it appears and goes.
    """
    durations: list[int] = []
    images = _images(pictures, 10 if suffix == ".gif" else 1, durations)
    first = next(images)
    # Pillow goes through those of a GIF once, through others twice.
    rest: Any = images if suffix == ".gif" else list(images)
    options: dict[str, dict[str, Any]] = {
        ".gif": {"format": "GIF", "disposal": 2 if first.mode == "RGBA" else 0},
        ".webp": {"format": "WEBP", "quality": 95, "method": 4},
        ".apng": {"format": "PNG"},
    }
    with open(part, "wb") as file:
        first.save(
            file,
            save_all=True,
            append_images=rest,
            duration=durations,
            loop=0,
            **options[suffix],
        )


def _images(
    pictures: Iterable[tuple[Picture, Span]], unit: int, durations: list[int]
) -> Iterator[Image.Image]:
    """Give Pillow's images, and note before each for how many milliseconds it is shown.

    The times are rounded, not the durations, so that the whole lasts as long as it should.
    """
    for picture, span in pictures:
        start, stop = (round(second * 1000 / unit) * unit for second in span)
        durations.append(stop - start)
        yield Image.fromarray(np.ascontiguousarray(picture))
