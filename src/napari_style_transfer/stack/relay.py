"""Steering over many runs: what was changed in the run of one slice holds for the next ones."""

from __future__ import annotations

from napari_style_transfer.steering import Steering, Update


class Relay(Steering):
    """Hands a user's updates to the run of each slice, and those of earlier slices first.

    Parameters
    ----------
    source
        What the user steers with.

    Attributes
    ----------
    updates
        How many there were so far.
    """

    updates: int = 0

    def __init__(self, source: Steering) -> None:
        super().__init__()
        self._source = source
        self._heard: Update | None = None
        self._repeated = True

    def repeat(self) -> None:
        """Let the next run have all that was wished so far."""
        self._repeated = False

    @property
    def paused(self) -> bool:
        """Whether the run is to wait."""
        return self._source.paused

    def wait(self, seconds: float) -> None:
        """Wait until the run may go on, but not longer than `seconds`."""
        self._source.wait(seconds)

    def take(self) -> Update | None:
        """Return what is new to the run, if anything."""
        new = self._source.take()
        if new is not None:
            self.updates += 1
            self._heard = (self._heard or Update()).then(new)
        repeated, self._repeated = self._repeated, True
        return new if repeated else self._heard
