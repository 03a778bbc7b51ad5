"""Shows the messages of a run: in the result layer, the progress, the plot and a sentence."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer

from napari_style_transfer.plugin.inputs.stack_job import StackJob, StackSelection
from napari_style_transfer.plugin.outputs.result import ResultLayer
from napari_style_transfer.plugin.outputs.stack_result import StackLayer
from napari_style_transfer.plugin.outputs.unfinished import Unfinished
from napari_style_transfer.plugin.outputs.view import SliceFollower
from napari_style_transfer.plugin.runs.messages import (
    Failed,
    Finished,
    Outcome,
    Place,
    Preview,
    StackEnded,
    Stopped,
)
from napari_style_transfer.plugin.widgets.loss_plot import LossPlot
from napari_style_transfer.plugin.widgets.progress import ProgressPanel
from napari_style_transfer.plugin.widgets.sentence import Sentence

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_style_transfer.plugin.inputs.job import Job
    from napari_style_transfer.plugin.inputs.styles import FrozenRegions
    from napari_style_transfer.plugin.runs.lifetime import Lifetime
    from napari_style_transfer.progress import Step

_DOWNLOAD = (
    "Loading torchvision's weights; the first time, 548 MB are downloaded, "
    "with progress in the terminal."
)
_DELETED = "Stopped, because the picture was deleted."


@dataclass(frozen=True)
class Panels:
    """The parts of the widget that show how a run goes."""

    status: Sentence
    progress: ProgressPanel
    plot: LossPlot | None = None

    def complain(self, sentence: str) -> None:
        """Say what is wrong, in the widget and as napari's notification."""
        from napari.utils.notifications import show_error

        self.status.say(sentence)
        show_error(sentence)


class Reporter:
    """Shows the messages of one run after another; main thread only.

    Parameters
    ----------
    viewer
        Gets the result layer.
    panels
        Show how the run goes.
    lifetime
        Of the widget.

    Attributes
    ----------
    unfinished
        Keeps the picture in the making, in case that napari ends.
    """

    def __init__(self, viewer: ViewerModel, panels: Panels, lifetime: Lifetime) -> None:
        self._viewer = viewer
        self._panels = panels
        self._lifetime = lifetime
        self._result: ResultLayer | StackLayer | None = None
        self._follower: SliceFollower | None = None
        self._regions: FrozenRegions | None = None
        self._notes: list[str] = []
        self.unfinished = Unfinished()

    @property
    def deleted(self) -> bool:
        """Whether the user has deleted the picture in the making."""
        return self._result is not None and self._result.deleted

    def begin(self, job: Job) -> None:
        """Show that a run is being prepared."""
        if isinstance(job, StackJob):
            self._result = StackLayer(self._viewer, job)
            # Lazy slices are not followed: napari would compute each of them on the main thread.
            follower = None if job.slices.lazy else SliceFollower(self._viewer, job.note.axes)
            self._follower = follower
        else:
            self._result, self._follower = ResultLayer(self._viewer, job), None
        self._regions = job.regions
        self._place: Place | None = None
        self._notes.clear()
        self._started, self._paused_at = time.monotonic(), 0.0
        self._start_plot(job.settings.steps)
        self.unfinished.begin()
        self._panels.progress.start()
        self._panels.status.say(_DOWNLOAD if job.settings.weights == "torchvision" else "")

    def hear(self, message: Preview | Outcome) -> None:
        """Show a message from the thread."""
        if self._lifetime.run is None or self._result is None:
            return
        if self._lifetime.ended:
            self._keep(message)
            return
        if isinstance(message, Failed):
            self._panels.complain(message.sentence())
            return
        if isinstance(message, StackEnded):
            self._conclude_stack(message)
            return
        if message.steps:
            self._follow(message)
        if isinstance(message, Preview):
            self._result.show(message)
            layer = self._result.layer
            if layer is not None:
                self._remember(layer)
            if self._follower is not None and message.place is not None and layer is not None:
                self._follower.follow(layer, message.place.index)
            if message.to_be_drawn:
                QTimer.singleShot(0, self._lifetime.run.shown)
        else:
            self._conclude(message)

    def pause(self) -> None:
        """Show that the run waits."""
        self._paused_at = time.monotonic()
        self._panels.progress.pause()

    def resume(self) -> None:
        """Leave the pause out of the time that the run took."""
        self._started += time.monotonic() - self._paused_at

    def end(self) -> None:
        """Forget the run."""
        if isinstance(self._result, StackLayer):
            self._result.leave()
        self._result = self._follower = None
        self.unfinished.drop()
        if not self._lifetime.ended:
            self._panels.progress.hide()
            if self._panels.plot is not None:
                self._panels.plot.end()

    def _keep(self, message: Preview | Outcome) -> None:
        """Keep what was painted when the widget is gone: what the layer shows, and how it was made."""
        assert self._result is not None
        if self._result.layer is None:  # deleted, or nothing was shown yet
            return
        if isinstance(message, Preview):
            self._result.show(message)
        elif isinstance(message, Finished | Stopped) and isinstance(self._result, ResultLayer):
            self._result.finish(message.picture, message.recipe)

    def _remember(self, layer: Image) -> None:
        """Keep in a file what there is, or where it is, in case that napari ends."""
        if isinstance(self._result, ResultLayer):
            self.unfinished.keep(layer)
        elif (selection := StackSelection.of(layer)) is not None and selection.folder is not None:
            self.unfinished.note(layer.name, selection.folder)

    def _follow(self, message: Preview | Finished | Stopped) -> None:
        """Show how far the run has come."""
        place = message.place if isinstance(message, Preview) else None
        self._panels.progress.advance(message.steps, place)
        if self._lifetime.run is not None and self._lifetime.run.steering.paused:
            self._panels.progress.pause()
        if place is not None and (self._place is None or place.index != self._place.index):
            self._start_plot(message.steps[-1].evaluations)
        self._place = place
        if self._panels.plot is not None:
            self._panels.plot.add(message.steps)
        self._gather_notes(message.steps)

    def _start_plot(self, evaluations: int) -> None:
        if self._panels.plot is not None:
            self._panels.plot.start(evaluations)

    def _gather_notes(self, steps: tuple[Step, ...]) -> None:
        """Show the engine's notes, without those on regions that have been replaced since."""
        assert self._lifetime.run is not None
        before, regions = list(self._notes), self._lifetime.run.job.frozen_inputs.regions_in_force
        if regions is not self._regions:
            self._regions = regions
            self._notes = [note for note in self._notes if not note.startswith("Label")]
        for step in steps:
            if step.note and step.note not in self._notes:
                self._notes.append(step.note)
        if self._notes != before:
            self._panels.status.say(" ".join(self._notes))

    def _conclude(self, message: Finished | Stopped) -> None:
        assert isinstance(self._result, ResultLayer)
        self._result.finish(message.picture, message.recipe)
        recipe = message.recipe
        if self._result.deleted:
            told = _DELETED
        elif isinstance(message, Stopped):
            told = f"Stopped at evaluation {recipe.evaluations}; the picture so far is kept."
        else:
            told = f"Painted in {self._seconds:.0f} s on {recipe.device} ({recipe.precision})."
        self._tell(told)

    def _conclude_stack(self, message: StackEnded) -> None:
        assert isinstance(self._result, StackLayer)
        self._result.finish()
        recipe = self._result.recipe
        stopped = message.done + len(message.left_out) < message.total
        nothing_to_do = not stopped and not message.painted
        if self._result.deleted:
            told = _DELETED
        elif stopped:
            told = f"Stopped with {message.done} of {message.total} slices done."
            told += " Continue paints the rest." if message.done else ""
        elif recipe is None or nothing_to_do:
            told = f"All {message.done} slices are painted already."
            if message.left_out:
                told = f"All other {message.done} slices are painted already."
        else:
            how_many = f"{message.painted} slices"
            if message.painted < message.total:
                other = "" if message.left_out else "the other "
                how_many = f"{other}{message.painted} of {message.total} slices"
            where = f"{recipe.device} ({recipe.precision})"
            told = f"Painted {how_many} in {self._seconds:.0f} s on {where}."
        left_out = (f"Left out: {each}" for each in message.left_out)
        self._tell(" ".join([told, *left_out]), passing=nothing_to_do)

    def _tell(self, how_it_ended: str, *, passing: bool = False) -> None:
        self._panels.status.say(" ".join([how_it_ended, *self._notes]), passing=passing)

    @property
    def _seconds(self) -> float:
        """How long the run has taken."""
        return time.monotonic() - self._started
