"""The values that new pictures get, and the crops of styles."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.micrographs import Micrograph
from napari_style_transfer.value_range import Planes, ValueRange

#: What red, green and blue add to luminance (ITU-R BT.601).
_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
#: Crops that are looked at, and how much less than the whole picture one may spread: empty ones would
#: teach that there are no objects.
_TRIES, _LEAST_SPREAD = 8, 0.5


def output_range(
    image: Micrograph, style: Micrograph, values: Literal["input", "style"]
) -> ValueRange:
    """Return the range of a new picture's values: the image's, or the style's in the image's type.

    Integers of two sizes are compared by their full scales, others as they are.
    """
    if values == "input":
        return ValueRange.of(image)
    found = ValueRange.of(style)
    factor, count = _full(image.planes.dtype) / _full(style.planes.dtype), len(image.planes)
    low, high = (
        np.broadcast_to(each if len(each) == count else each.mean(0, keepdims=True), (count, 1, 1))
        for each in (found.low * factor, found.high * factor)
    )
    return ValueRange(low, high)


def _full(dtype: np.dtype[Any]) -> float:
    return float(np.iinfo(dtype).max) if dtype.kind == "u" and dtype.itemsize <= 2 else 1.0


@dataclass(frozen=True)
class Crop:
    """A part of a style's picture, in pixels."""

    top: int
    left: int
    height: int
    width: int

    def of(self, planes: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the part of (C, H, W) planes."""
        rows = slice(self.top, self.top + self.height)
        return planes[:, rows, self.left : self.left + self.width]


def draw_crop(planes: Planes, shape: tuple[int, int], random: Random) -> Crop:
    """Draw a crop with something in it, of a shape or as much of it as the picture has.

    Of a few that are drawn it is the first that spreads half as much as the whole picture, or else the
    one that spreads most.
    """
    height, width = (
        min(side, wanted) for side, wanted in zip(planes.shape[1:], shape, strict=True)
    )
    least = _LEAST_SPREAD * _spread(planes)
    best, most = None, -1.0
    for _ in range(_TRIES):
        top = random.randint(0, planes.shape[1] - height)
        left = random.randint(0, planes.shape[2] - width)
        crop = Crop(top, left, height, width)
        spread = _spread(crop.of(planes))
        if spread > most:
            best, most = crop, spread
        if spread >= least:
            break
    assert best is not None
    return best


def _spread(planes: npt.NDArray[Any]) -> float:
    return float(planes.std(axis=(1, 2)).mean())


def grey(planes: Planes) -> Planes:
    """Return the luminance of red, green and blue planes, (1, H, W)."""
    return np.tensordot(_LUMINANCE, planes, 1)[None]


def style_planes(style: Micrograph, image: Micrograph) -> Planes:
    """Return a style's planes, about 0 to 1, as an image has its own: as many, in colour or not.

    Raises
    ------
    InputError
        If it has another number of channels, and they are no colours.
    """
    planes = ValueRange.of(style).to_unit(style.planes)
    count = len(image.planes)
    if style.colour and not image.colour:
        planes = grey(planes)
    if len(planes) == 1 and count > 1:
        planes = np.repeat(planes, count, axis=0)
    if len(planes) != count or (image.colour and len(style.planes) == 3 and not style.colour):
        raise InputError(
            f"The images have {_channels(image)}, but a style has {_channels(style)}; give pictures with "
            "the same channels."
        )
    return planes


def _channels(picture: Micrograph) -> str:
    count = len(picture.planes)
    return "colours" if picture.colour else f"{count} channel{'s' * (count > 1)}"
