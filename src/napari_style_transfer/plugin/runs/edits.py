"""Steering: sends what the user edits during a run to the engine, many edits as one."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QWidget

from napari_style_transfer.errors import InputError, StyleTransferError
from napari_style_transfer.plugin.inputs.styles import FrozenInputs, FrozenRegions, FrozenStyle
from napari_style_transfer.settings import Settings
from napari_style_transfer.steering import KEEP, Keep, Steering

if TYPE_CHECKING:
    from napari_style_transfer.plugin.inputs.job import Job
    from napari_style_transfer.plugin.runs.lifetime import Lifetime

_log = logging.getLogger(__name__)

#: Edits are sent after so many milliseconds without another one, and after so many seconds in any case:
#: the picture follows while the user is still painting in a layer.
_QUIET, _LONGEST = 150, 0.6


class Topic(Enum):
    """What can be edited during a run."""

    SETTINGS = auto()
    STYLES = auto()
    REGIONS = auto()


@dataclass(frozen=True, eq=False)
class Change:
    """What changes, frozen; None or KEEP where nothing does."""

    settings: Settings | None = None
    styles: tuple[FrozenStyle, ...] | None = None
    regions: FrozenRegions | Keep | None = KEEP


class EditSender:
    """Collects edits and sends them to the engine off the main thread, one change at a time.

    Parameters
    ----------
    parent
        The widget.
    lifetime
        Of the widget.
    freeze
        Freezes the present state of some topics for a running job, on the main thread; raises
        InputError if it cannot be used.
    say
        Shows a sentence on what is wrong; an empty one once it is right again.
    """

    def __init__(
        self,
        parent: QWidget,
        lifetime: Lifetime,
        freeze: Callable[[Job, set[Topic]], Change],
        say: Callable[[str], None],
    ) -> None:
        self._lifetime = lifetime
        self._freeze = freeze
        self._say = say
        self._topics: set[Topic] = set()
        self._since = 0.0
        self._worker: Any = None
        self._said = ""
        self._timer = QTimer(parent)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_QUIET)
        self._timer.timeout.connect(self._send)

    def on_edit(self, topic: Topic) -> None:
        """Send this topic soon, if a run is on."""
        if self._lifetime.ended or not self._lifetime.running:
            return
        if not self._topics:
            self._since = time.monotonic()
        self._topics.add(topic)
        if not self._timer.isActive() or time.monotonic() - self._since < _LONGEST:
            self._timer.start()

    def forget(self) -> None:
        """Drop what has not been sent, because the run is over."""
        self._topics.clear()
        self._said = ""
        if not self._lifetime.ended:
            self._timer.stop()

    def _send(self) -> None:
        from napari.qt.threading import create_worker

        run = self._lifetime.run
        if self._lifetime.ended or run is None or not self._topics:
            return
        if self._worker is not None:  # the last change is still on its way
            self._timer.start()
            return
        try:
            change = self._freeze(run.job, self._topics)
        except InputError as error:
            self._tell(str(error))
            return
        self._topics.clear()
        self._worker = create_worker(
            deliver, run.steering, run.job.frozen_inputs, change, _start_thread=False
        )
        self._worker.returned.connect(self._tell)
        self._worker.finished.connect(self._arrived)
        self._worker.start()

    def _arrived(self) -> None:
        self._worker = None

    def _tell(self, sentence: str) -> None:
        if not self._lifetime.ended and self._lifetime.running and sentence != self._said:
            self._said = sentence
            self._say(sentence)


def deliver(steering: Steering, frozen_inputs: FrozenInputs, change: Change) -> str:
    """Give a change to the engine; return a sentence on what is wrong with it, or "". Runs in a thread."""
    try:
        styles = None
        if change.styles is not None:
            styles = [style.style() for style in change.styles]
        regions = change.regions
        steering.change(
            settings=change.settings,
            styles=styles,
            regions=regions.source() if isinstance(regions, FrozenRegions) else regions,
        )
        if change.styles is not None:
            frozen_inputs.styles_in_force = change.styles
        if regions is not KEEP:
            frozen_inputs.regions_in_force = regions
    except StyleTransferError as error:
        return str(error)
    except Exception as error:
        _log.exception("A change could not be sent")
        return f"The change could not be made ({type(error).__name__}: {error})."
    return ""
