"""How long a run will still take, from how fast it has been."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from napari_style_transfer.progress import Step


class ETA:
    """Estimates the time left.

    An evaluation costs about as much as its scale has pixels, so that speed is measured in pixels
    per second, over the last messages.

    Parameters
    ----------
    now
        Returns the time in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._work = 0.0
        self._seen: deque[tuple[float, float]] = deque(maxlen=30)

    def tick(self, steps: tuple[Step, ...]) -> None:
        """Take note that these evaluations are done by now."""
        self._work += sum(step.shape[0] * step.shape[1] for step in steps)
        self._seen.append((self._now(), self._work))

    def restart(self) -> None:
        """Forget how fast it was, so that a pause does not count."""
        self._seen.clear()

    def left(self, step: Step) -> float | None:
        """Return the seconds left after `step`, or None while the speed is unknown."""
        (start, before), (end, after) = self._seen[0], self._seen[-1]
        if end <= start:
            return None
        return step.pixels_left * (end - start) / (after - before)


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
