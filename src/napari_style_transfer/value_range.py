"""Values of pictures in their own type: brought to [0, 1] and back, and looked at. Loads no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

#: (C, H, W) float32, about 0 to 1.
Planes = npt.NDArray[np.float32]

#: Percentiles of a channel that become 0 and 1. A few hot pixels do not count.
_PERCENTILES = 0.1, 99.9
#: Highest values of cameras of 8, 10, 12, 14 and 16 bits; the share of pixels at one of them, in a domain,
#: from which its pictures are overexposed.
_FULL, _OVEREXPOSED = (255, 1023, 4095, 16383, 65535), 0.25
#: How much coarser one of two domains is, to be warned of; the side in pixels of the parts that are looked
#: at for that, and how many pictures at most.
_COARSER, _PART, _LOOKED_AT = 5.0, 256, 8


class Channels(Protocol):
    """What has channels: a picture in its own type."""

    @property
    def planes(self) -> npt.NDArray[Any]:
        """(C, H, W), of any real type."""

    @property
    def colour(self) -> bool:
        """Whether they are red, green and blue."""


@dataclass(frozen=True, eq=False)
class ValueRange:
    """What becomes 0 and 1, for each channel.

    Attributes
    ----------
    low, high
        (C, 1, 1) float64. In a negative, `high` is below `low`.
    """

    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]

    @classmethod
    def of(cls, *pictures: Channels) -> ValueRange:
        """Return the range of the values of pictures of one kind, taken together.

        Colours in 8 bits keep their scale of 0 to 255. Of others, what lies between two percentiles is
        taken: of all channels together for colours, of each for itself else.
        """
        first = pictures[0]
        count = len(first.planes)
        if first.colour and first.planes.dtype == np.uint8:
            low, high = np.zeros(count), np.full(count, 255.0)
        else:
            values = np.concatenate([each.planes.reshape(count, -1) for each in pictures], axis=1)
            axes = None if first.colour else 1
            found = np.percentile(values.astype(np.float64), _PERCENTILES, axis=axes)
            low, high = (np.broadcast_to(each, count) for each in found)
        high = np.where(high > low, high, low + 1)
        return cls(low[:, None, None], high[:, None, None])

    def matched(self, planes: Planes, others: Planes, *, negative: bool = False) -> ValueRange:
        """Return a range by which each channel gets the mean and the deviation that another one has.

        Parameters
        ----------
        planes
            (C, N), values in this range, 0 to 1.
        others
            (C, M), those to match.
        negative
            Whether light and dark change places: what is high becomes low.
        """
        mean, deviation = planes.mean(1), np.maximum(planes.std(1), 1e-6)
        scale = np.maximum(others.std(1), 1e-6) / deviation
        width = (self.high - self.low)[:, 0, 0] / (-scale if negative else scale)
        low = self.low[:, 0, 0] + (self.high - self.low)[:, 0, 0] * mean - width * others.mean(1)
        return ValueRange(low[:, None, None], (low + width)[:, None, None])

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


def cautions(
    source: Sequence[Channels], target: Sequence[Channels], names: tuple[str, str]
) -> tuple[str, ...]:
    """Return what a user should know of two domains before anything is made of them, each a sentence.

    Parameters
    ----------
    source, target
        Pictures of two kinds, at least one of each.
    names
        What both are called.
    """
    both = zip((source, target), names, strict=True)
    found = (*(exposure_caution(*each) for each in both), size_caution(source, target, names))
    return tuple(filter(None, found))


def exposure_caution(pictures: Sequence[Channels], name: str) -> str:
    """Return a sentence if pictures of one kind are overexposed, else ""."""
    share = _overexposed(pictures)
    if share < _OVEREXPOSED:
        return ""
    return (
        f"{share:.0%} of the pixels of {name!r} have the highest value there is; where pictures are "
        "overexposed nothing is left to see, so take some with a shorter exposure."
    )


def size_caution(
    source: Sequence[Channels],
    target: Sequence[Channels],
    names: tuple[str, str],
    magnified: float = 1.0,
) -> str:
    """Return a sentence if one of two kinds shows things far larger in pixels, else "".

    Parameters
    ----------
    source, target, names
        As for :func:`cautions`.
    magnified
        By how much the target is magnified before it is used.
    """
    coarser = correlation_length(source) / (magnified * correlation_length(target))
    if not max(coarser, 1 / coarser) >= _COARSER:
        return ""
    large, small = names if coarser > 1 else names[::-1]
    return (
        f"What {large!r} shows seems about {max(coarser, 1 / coarser):.0f} times as large in pixels as in "
        f"{small!r}; bring both to one pixel size first."
    )


def _overexposed(pictures: Sequence[Channels]) -> float:
    """Return the share of pixels that have the highest value of a camera in all channels, in [0, 1]."""
    highest = max(each.planes.max() for each in pictures)
    if pictures[0].planes.dtype.kind not in "iu" or int(highest) not in _FULL:
        return 0.0
    full = [(each.planes == highest).all(axis=0) for each in pictures]
    return float(np.concatenate([each.ravel() for each in full]).mean())


def correlation_length(pictures: Sequence[Channels]) -> float:
    """Return at what distance in pixels values have half as much to do with one another.

    It is the middle of some pictures' (NaN where all have one value), and tells how large in pixels is
    what they show. Noise is another from pixel to pixel, so what counts is the autocorrelation beside that
    of neighbours.
    """
    step = -(-len(pictures) // _LOOKED_AT)
    found = [_correlation_length(each.planes) for each in pictures[::step]]
    return float(np.median([each for each in found if each] or [np.nan]))


def _correlation_length(planes: npt.NDArray[Any]) -> float:
    top, left = (max(0, (side - _PART) // 2) for side in planes.shape[1:])
    part = planes[:, top : top + _PART, left : left + _PART].mean(0, dtype=np.float64)
    part = part.clip(*np.percentile(part, _PERCENTILES))
    if np.ptp(part) == 0:
        return 0.0
    sides = [2 * side for side in part.shape]  # else opposite borders were neighbours
    waves = np.fft.rfft2(part - part.mean(), sides)
    pairs = np.fft.irfft2(np.abs(np.fft.rfft2(np.ones_like(part), sides)) ** 2, sides)
    found = np.fft.irfft2(np.abs(waves) ** 2, sides) / np.maximum(pairs, 1)
    longest = min(part.shape) // 2
    line = (found[1 : longest + 1, 0] + found[0, 1 : longest + 1]) / 2
    below = np.flatnonzero(line < line[0] / 2)
    return float(1 + (below[0] if len(below) else longest)) if line[0] > 0 else 1.0
