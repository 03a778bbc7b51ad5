"""What a run's thread says, shown: in the result layer, the progress, the plot and a sentence."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer

from napari_style_transfer.plugin.loss_plot import LossPlot
from napari_style_transfer.plugin.progress import ProgressPanel
from napari_style_transfer.plugin.result import ResultLayer
from napari_style_transfer.plugin.sentence import Sentence
from napari_style_transfer.plugin.worker import Failed, Finished, Outcome, Preview, Stopped

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_style_transfer.plugin.job import Job
    from napari_style_transfer.plugin.life import Life

_DOWNLOAD = (
    "Loading torchvision's weights; the first time, 548 MB are downloaded, "
    "with progress in the terminal."
)


@dataclass(frozen=True)
class Panels:
    """The parts of the widget that speak."""

    status: Sentence
    progress: ProgressPanel
    plot: LossPlot

    def complain(self, sentence: str) -> None:
        """Say what is wrong, here and as napari's notification."""
        from napari.utils.notifications import show_error

        self.status.say(sentence)
        show_error(sentence)


class Reporter:
    """Takes the messages of one run after another; main thread only.

    Parameters
    ----------
    viewer
        Gets the result.
    panels
        Where to say how it goes.
    life
        Of the widget.
    """

    def __init__(self, viewer: ViewerModel, panels: Panels, life: Life) -> None:
        self._viewer = viewer
        self._panels = panels
        self._life = life
        self._result: ResultLayer | None = None
        self._notes: list[str] = []

    @property
    def deleted(self) -> bool:
        """Whether the user has deleted the picture in the making."""
        return self._result is not None and self._result.deleted

    def begin(self, job: Job) -> None:
        """Show that a run is being prepared."""
        self._result = ResultLayer(self._viewer, job)
        self._notes.clear()
        self._started, self._paused_at = time.monotonic(), 0.0
        self._panels.plot.start(job.settings.steps)
        self._panels.progress.start()
        self._panels.status.say(_DOWNLOAD if job.settings.weights == "torchvision" else "")

    def hear(self, message: Preview | Outcome) -> None:
        """Show what the thread says."""
        if self._life.over or self._life.run is None or self._result is None:
            return
        if isinstance(message, Failed):
            self._panels.complain(message.sentence)
            return
        if message.steps:
            self._panels.progress.advance(message.steps)
            if self._life.run.steering.paused:
                self._panels.progress.pause()
            self._panels.plot.add(message.steps)
            self._take_notes(message)
        if isinstance(message, Preview):
            if message.picture is not None:
                self._result.show(message.picture)
                QTimer.singleShot(0, self._life.run.shown)
        else:
            self._conclude(self._result, message)

    def pause(self) -> None:
        """Show that the run waits."""
        self._paused_at = time.monotonic()
        self._panels.progress.pause()

    def resume(self) -> None:
        """Take note that the run goes on."""
        self._started += time.monotonic() - self._paused_at

    def end(self) -> None:
        """Forget the run."""
        self._result = None
        if not self._life.over:
            self._panels.progress.hide()

    def _conclude(self, result: ResultLayer, message: Finished | Stopped) -> None:
        result.finish(message.picture, message.recipe)
        recipe = message.recipe
        seconds = time.monotonic() - self._started
        if result.deleted:
            told = "Stopped, because the picture was deleted."
        elif isinstance(message, Stopped):
            told = f"Stopped at evaluation {recipe.evaluations}; the picture so far is kept."
        else:
            told = f"Painted in {seconds:.0f} s on {recipe.device} ({recipe.precision})."
        self._panels.status.say(" ".join([told, *self._notes]))

    def _take_notes(self, message: Preview | Finished | Stopped) -> None:
        for step in message.steps:
            if step.note and step.note not in self._notes:
                self._notes.append(step.note)
                self._panels.status.say(" ".join(self._notes))
