"""Values of pictures in their own type, brought to [0, 1] and back. Loads no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

#: (C, H, W) float32, about 0 to 1.
Planes = npt.NDArray[np.float32]

#: Percentiles of a channel that become 0 and 1. A few hot pixels do not count.
PERCENTILES = 0.1, 99.9


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
            found = np.percentile(values.astype(np.float64), PERCENTILES, axis=axes)
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
