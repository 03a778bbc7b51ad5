"""Values of pictures, brought to [0, 1] to be painted and back; and the crops of styles."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.micrographs import Micrograph

#: (C, H, W) float32, about 0 to 1.
Planes = npt.NDArray[np.float32]

#: Percentiles of a channel that become 0 and 1. A few hot pixels do not count.
_PERCENTILES = 0.1, 99.9
#: What red, green and blue add to luminance (ITU-R BT.601).
_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
#: Crops that are looked at, and how much less than the whole picture one may spread: empty ones would
#: teach that there are no objects.
_TRIES, _LEAST_SPREAD = 8, 0.5


@dataclass(frozen=True, eq=False)
class ValueRange:
    """What becomes 0 and 1, for each channel.

    Attributes
    ----------
    low, high
        (C, 1, 1) float64.
    """

    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]

    @classmethod
    def of(cls, picture: Micrograph) -> ValueRange:
        """Return the range of a picture's values.

        Colours in 8 bits keep their scale of 0 to 255. Of others, what lies between two percentiles is
        taken: of all channels together for colours, of each for itself else.
        """
        planes = picture.planes
        count = len(planes)
        if picture.colour and planes.dtype == np.uint8:
            low, high = np.zeros(count), np.full(count, 255.0)
        else:
            axes = None if picture.colour else (1, 2)
            found = np.percentile(planes.astype(np.float64), _PERCENTILES, axis=axes)
            low, high = (np.broadcast_to(each, count) for each in found)
        high = np.where(high > low, high, low + 1)
        return cls(low[:, None, None], high[:, None, None])

    def to_unit(self, planes: npt.NDArray[Any]) -> Planes:
        """Return values of which the range is 0 to 1; what lies beyond stays beyond."""
        return ((planes - self.low) / (self.high - self.low)).astype(np.float32)

    def from_unit(self, planes: Planes, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        """Return values in [0, 1] as those of the range, in a type, within its limits."""
        values = planes * (self.high - self.low) + self.low
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            values = np.clip(np.rint(values), limits.min, limits.max)
        return values.astype(dtype)


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
