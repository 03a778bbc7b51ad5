"""Steering over many runs: what was changed in the run of one slice holds for the next ones."""

from __future__ import annotations

from dataclasses import replace

from napari_style_transfer.errors import InputError
from napari_style_transfer.spec import Regions, SliceRegions
from napari_style_transfer.stack.base import SliceError
from napari_style_transfer.stack.plan import Index
from napari_style_transfer.steering import KEEP, Keep, Steering, Update


class Relay(Steering):
    """Hands a user's updates to the run of each slice, and those of earlier slices first.

    Regions that move are handed on as those of the slice.

    Parameters
    ----------
    source
        What the user steers with.
    regions
        Where each style goes at first.

    Attributes
    ----------
    updates
        How many there were so far.
    """

    updates: int = 0

    def __init__(self, source: Steering, regions: Regions | SliceRegions | None = None) -> None:
        super().__init__()
        self._source = source
        self._regions = regions
        self._heard: Update | None = None
        self._repeated = True
        self._index: Index = ()
        self._found: tuple[SliceRegions, Index, Regions | None] | None = None

    def begin(self, index: Index) -> None:
        """Begin a slice, whose run is to have all that was wished so far."""
        self._index, self._repeated = index, False

    def regions(self) -> Regions | None:
        """Return where each style goes in the slice, as was wished last.

        Raises
        ------
        SliceError
            If the slice has no regions that can be used.
        """
        return self._of_slice(self._regions)

    @property
    def paused(self) -> bool:
        """Whether the run is to wait."""
        return self._source.paused

    def wait(self, seconds: float) -> None:
        """Wait until the run may go on, but not longer than `seconds`."""
        self._source.wait(seconds)

    def take(self) -> Update | None:
        """Return what is new to the run, if anything.

        Raises
        ------
        SliceError
            If the slice has no regions that can be used.
        """
        new = self._source.take()
        if new is not None:
            self.updates += 1
            self._heard = (self._heard or Update()).then(new)
            if not isinstance(new.regions, Keep):
                self._regions = new.regions
        repeated, self._repeated = self._repeated, True
        update = new if repeated else self._heard
        if update is None or update.regions is KEEP:
            return update
        return replace(update, regions=self.regions())

    def _of_slice(self, regions: Regions | SliceRegions | None) -> Regions | None:
        """Return the regions of the slice; of those that move the very same each time."""
        if regions is None or not callable(regions):
            return regions
        if self._found is None or self._found[:2] != (regions, self._index):
            try:
                self._found = regions, self._index, regions(self._index)
            except InputError as error:
                raise SliceError(self._index, str(error)) from None
        return self._found[2]
