"""The user's hand on a run: what is wanted now, from any thread, without ever waiting."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from napari_style_transfer.settings import Settings
from napari_style_transfer.spec import Regions, SliceRegions, Style, check_regions, styles_of


class Keep(Enum):
    """Says that something stays as it is, where None has a meaning of its own."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP


@dataclass(frozen=True)
class Update:
    """What has changed since the run asked last; None or ``KEEP`` where nothing has."""

    settings: Settings | None = None
    styles: tuple[Style, ...] | None = None
    regions: Regions | SliceRegions | Keep | None = KEEP

    def then(self, later: Update) -> Update:
        """Return both updates as one; where they differ, the later counts."""
        return Update(
            later.settings or self.settings,
            later.styles or self.styles,
            self.regions if later.regions is KEEP else later.regions,
        )


class Steering:
    """Changes a run, which takes them within one evaluation: the picture stays, the aim moves.

    Safe to use from any thread. Of several changes between two evaluations the last one counts.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._update: Update | None = None
        self._going = threading.Event()
        self._going.set()

    def change(
        self,
        *,
        settings: Settings | None = None,
        styles: Sequence[Style] | None = None,
        regions: Regions | SliceRegions | Keep | None = KEEP,
    ) -> None:
        """Say what is wanted from now on.

        Parameters
        ----------
        settings
            Of these the run takes the parameters that can be changed while it is on.
        styles
            The styles; targets of those that were there before are not computed again.
        regions
            Where each style goes; None for everywhere. For stacks also by slice, as
            :func:`~napari_style_transfer.stylize_stack` takes them.

        Raises
        ------
        InputError
            If no style has a share, or a region asks for one that is not among `styles`, given with it.
        """
        if styles is not None and isinstance(regions, Regions):
            check_regions(regions, len(styles))
        update = Update(settings, None if styles is None else styles_of(tuple(styles)), regions)
        with self._lock:
            self._update = (self._update or Update()).then(update)

    def pause(self) -> None:
        """Let the run wait before its next evaluation."""
        self._going.clear()

    def resume(self) -> None:
        """Let a paused run go on."""
        self._going.set()

    @property
    def paused(self) -> bool:
        """Whether the run is to wait."""
        return not self._going.is_set()

    def take(self) -> Update | None:
        """Return what has changed since the last time, if anything; for the run."""
        with self._lock:
            update, self._update = self._update, None
        return update

    def wait(self, seconds: float) -> None:
        """Wait until the run may go on, but not longer than `seconds`; for the run."""
        self._going.wait(seconds)
