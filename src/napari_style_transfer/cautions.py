"""What may spoil what is made of pictures: overexposure, and things of other sizes. Loads no torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_style_transfer.value_range import PERCENTILES, Channels

#: Highest values of cameras of 8, 10, 12, 14 and 16 bits; the share of pixels at one of them, in a domain,
#: from which its pictures are overexposed.
_FULL, _OVEREXPOSED = (255, 1023, 4095, 16383, 65535), 0.25
#: How much coarser one of two domains is, to be warned of; the side in pixels of the parts that are looked
#: at for that, and how many pictures at most.
_COARSER, _PART, _LOOKED_AT = 5.0, 256, 8


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
    """Return the share of pixels that have the highest value of a camera in all channels, in [0, 1].

    In colours these may be white, as the background of a slide is.
    """
    highest = max(each.planes.max() for each in pictures)
    if pictures[0].colour or pictures[0].planes.dtype.kind not in "iu" or int(highest) not in _FULL:
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
    part = part.clip(*np.percentile(part, PERCENTILES))
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
