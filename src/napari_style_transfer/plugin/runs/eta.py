"""How long a run will still take, from how fast it has been."""

from __future__ import annotations

import math
import statistics
import time
from collections import deque
from collections.abc import Callable

from napari_style_transfer.progress import Step

#: What an evaluation costs besides its pixels, as so many pixels: at 64 x 96 it is most of the cost, at
#: 384 x 256 a tenth. Measured on a CPU of two cores.
_OVERHEAD = 12_000
#: Messages by which the speed is judged, and without which it is unknown.
_MOST, _LEAST = 15, 2


class ETA:
    """Estimates the time left (the estimated time of arrival).

    An evaluation costs about as much as its scale has pixels, and something besides. The speed is the
    median over the last messages, so that one slow evaluation, such as the first of a scale, counts for
    little. What comes before the first message, loading and compiling, does not count at all.

    Parameters
    ----------
    now
        Returns the time in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._last: float | None = None
        self._speeds: deque[float] = deque(maxlen=_MOST)

    def tick(self, steps: tuple[Step, ...]) -> None:
        """Take note that these evaluations are done by now."""
        now = self._now()
        if self._last is not None and now > self._last:
            work = sum(_OVERHEAD + math.prod(step.shape) for step in steps)
            self._speeds.append((now - self._last) / work)
        self._last = now

    def interrupt(self) -> None:
        """Leave the time until the next message out: the run has paused."""
        self._last = None

    def left(self, pixels: float, evaluations: float) -> float | None:
        """Return the seconds left, or None while the speed is unknown.

        Parameters
        ----------
        pixels
            Pixels still to be evaluated: the sum over all evaluations to come.
        evaluations
            How many evaluations are to come.
        """
        if len(self._speeds) < _LEAST:
            return None
        return (pixels + _OVERHEAD * evaluations) * statistics.median_low(self._speeds)


def format_duration(seconds: float) -> str:
    """Say a duration roughly: ``"about 40 s"``.

    >>> format_duration(3.2), format_duration(42), format_duration(200), format_duration(9000)
    ('a few seconds', 'about 40 s', 'about 3 min', 'about 2 h 30 min')
    """
    if seconds < 5:
        return "a few seconds"
    if seconds < 90:
        return f"about {round(seconds / 5) * 5} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"about {minutes} min"
    return f"about {minutes // 60} h {minutes % 60} min"
