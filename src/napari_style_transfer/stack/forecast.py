"""How much work is still to come in a stack, of which later slices are not known yet."""

from __future__ import annotations

import math

from napari_style_transfer.progress import Status, Step


class Forecast:
    """Foretells the work left, in pixels times evaluations; what it says never grows.

    How many evaluations a slice takes after its neighbour depends on how much has moved between them.
    So later slices are taken to need as many as those did on average that are painted already.

    Parameters
    ----------
    evaluations
        About how many a slice takes after its neighbour; until one is painted.
    """

    def __init__(self, evaluations: int) -> None:
        self._expected = float(evaluations)
        self._known: list[float] = []
        self._to_come, self._follows = 0, False
        self._work = 0.0
        self._last = math.inf

    def begin(self, to_come: int, *, follows: bool) -> None:
        """Begin a slice, after which `to_come` are left; `follows` if it has a neighbour."""
        self._to_come, self._follows, self._work = to_come, follows, 0.0

    def left(self, step: Step, pixels: int) -> int:
        """Return the work left after a step of a slice, whose result has so many pixels."""
        self._work += math.prod(step.shape) / pixels
        if self._follows and step.status is not Status.RUNNING:
            self._known.append(self._work)
        each = sum(self._known) / len(self._known) if self._known else self._expected
        left = step.pixels_left + self._to_come * each * pixels
        self._last = min(self._last, left)
        return round(self._last)
