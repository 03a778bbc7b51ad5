"""The dock widget of augmentation: a training set in, and out again as another microscope's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import Container, PushButton
from qtpy.QtWidgets import QPushButton

from napari_style_transfer.errors import InputError
from napari_style_transfer.plugin.inputs.match_job import is_matched
from napari_style_transfer.plugin.outputs.result import carries_recipe
from napari_style_transfer.plugin.outputs.sheet_layer import is_sheet, show_sheet
from napari_style_transfer.plugin.runs.augmenting import augment_set
from napari_style_transfer.plugin.runs.lifetime import Lifetime
from napari_style_transfer.plugin.runs.messages import AugmentEnded, AugmentProgress, Failed
from napari_style_transfer.plugin.runs.reporter import Panels
from napari_style_transfer.plugin.runs.worker import Run
from napari_style_transfer.plugin.widgets.augment_choices import AugmentChoices
from napari_style_transfer.plugin.widgets.calm import lock
from napari_style_transfer.plugin.widgets.layout import lay_out
from napari_style_transfer.plugin.widgets.match_section import MatchSection
from napari_style_transfer.plugin.widgets.progress import ProgressPanel
from napari_style_transfer.plugin.widgets.sentence import Sentence
from napari_style_transfer.plugin.widgets.theme import ThemeColours

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

_RUNNING = "Pictures are being made; stop first, or wait until it is done."
_IDLE = "No pictures are being made."
_STOPPING = "It stops after this step."
#: Pictures that are named when they were left out, at most.
_MOST_TOLD = 3


class AugmentWidget(Container[Any]):
    """Makes new training images in the style of another microscope, with the labels of the old ones.

    Every field is reachable by attribute, and so are the buttons: emitting ``changed`` on one does
    what a click does.

    Parameters
    ----------
    napari_viewer
        The viewer whose layers are offered and that gets the contact sheet.

    Attributes
    ----------
    choices
        The folders, the table of the layers, and a field for every parameter.
    live
        The section *Colour and stain, live*.
    run, stop
        The buttons.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        self._viewer = napari_viewer
        self._lifetime = Lifetime()
        self.live = MatchSection(napari_viewer, self._lifetime)
        self.choices = AugmentChoices(napari_viewer, self._is_offered)
        self.run = PushButton(
            name="run",
            text="Run",
            tooltip="Make the new pictures. What is there already stays, and the rest is made.",
        )
        self.stop = PushButton(
            name="stop", text="Stop", tooltip="Stop, and keep the pictures that are made."
        )
        self._status, self._progress = Sentence(), ProgressPanel()
        self._panels = Panels(self._status, self._progress)
        self._hint = ""
        super().__init__(widgets=[], labels=False)
        lay_out(
            self.native,
            form=self.choices.native,
            buttons=self._rows(),
            panels=[self._progress, self._status],
            sections={
                "Colour and stain, live": self.live,
                "Advanced": self.choices.advanced,
            },
        )
        self._connect()
        self._colours = ThemeColours(napari_viewer, self._lifetime, self.run.native)
        self.reset_choices()

    def reset_choices(self, *_: Any) -> None:
        """Read the viewer's layers again."""
        if not self._lifetime.ended:
            self.choices.reset()
            self.live.reset_choices()
            self._refresh()

    # ---- what the user does ----------------------------------------------------------------------

    def _on_run(self) -> None:
        if not self.run.enabled or self._lifetime.running or not self.choices.commit():
            return
        try:
            job = self.choices.job()
        except InputError as error:
            self._panels.complain(str(error))
            return
        self.choices.layers.keep_ticks()
        self._status.say("")
        self._progress.prepare("Looking at the pictures…")
        # Qt would cut a method of this widget off when it deletes it, and the end would not be heard.
        self._lifetime.run = Run(
            job, augment_set, lambda message: self._hear(message), lambda: self._on_end()
        )
        self._refresh()
        self._lifetime.run.start()

    def _on_stop(self) -> None:
        if self._lifetime.run is not None:
            self._lifetime.run.stop()
            self._refresh()
            self._status.say("Stopping after this step…")

    def _on_removed(self, *_: Any) -> None:
        if not self._lifetime.ended:
            self.live.on_removed()
            self.reset_choices()

    # ---- what the thread says --------------------------------------------------------------------

    def _hear(self, message: AugmentProgress | AugmentEnded | Failed) -> None:
        if self._lifetime.ended:
            return
        if isinstance(message, Failed):
            self._panels.complain(message.sentence("augmentation"))
        elif isinstance(message, AugmentEnded):
            self._conclude(message)
        else:
            step = message.step
            self._progress.count(step.done, step.total, step.doing, message.seconds_left)
            if step.note:
                self._status.say(step.note)

    def _conclude(self, message: AugmentEnded) -> None:
        """Say how it ended, and show the contact sheet."""
        where = f"in {message.folder}"
        if not message.finished and not message.done:
            told = "Stopped before the first picture was made; Run begins again."
        elif not message.finished:
            told = f"Stopped with {message.done} of {message.total} pictures done, {where}; Run goes on."
        elif not message.made and not message.left_out:
            told = f"All {message.done} pictures are there already, {where}."
        else:
            told = (
                f"Made {message.made} new pictures with labels, {where}; look at the contact sheet "
                "before you train."
            )
        left_out = [f"Left out: {each}" for each in message.left_out[:_MOST_TOLD]]
        if len(message.left_out) > _MOST_TOLD:
            left_out.append(f"And {len(message.left_out) - _MOST_TOLD} more were left out.")
        parts = told, message.warning, *message.notes, *left_out
        self._status.say(" ".join(part for part in parts if part))
        if message.sheet is not None:
            show_sheet(self._viewer, message.sheet, message.out)

    def _on_end(self) -> None:
        self._lifetime.run = None
        if not self._lifetime.ended:
            self._progress.hide()
            self._refresh()

    # ---- what is shown ---------------------------------------------------------------------------

    def _refresh(self, *_: Any) -> None:
        """Enable what can be pressed and changed now, and say why Run cannot."""
        if self._lifetime.ended:
            return
        run, obstacle = self._lifetime.run, self.choices.obstacle()
        lock(self.run.native, _RUNNING if run is not None else obstacle)
        lock(self.stop.native, _IDLE if run is None else _STOPPING if run.stopping else "")
        self.run.text = "Run" if run is None else "Making…"
        self.choices.lock(run is not None)
        if run is None and (not self._status.text() or self._status.text() == self._hint):
            self._status.say(obstacle)
            self._hint = obstacle

    def _on_change(self) -> None:
        self._status.expire()
        self._refresh()

    def _on_refused(self, sentence: str) -> None:
        self._status.say(sentence, passing=True)
        self._refresh()

    def _is_offered(self, layer: Layer) -> bool:
        """Return whether a layer may be a picture of a microscope."""
        return not (carries_recipe(layer) or is_sheet(layer) or is_matched(layer))

    def _rows(self) -> list[list[QPushButton]]:
        return [[self.run.native, self.stop.native]]

    def _connect(self) -> None:
        self.run.changed.connect(self._on_run)
        self.stop.changed.connect(self._on_stop)
        self.choices.changed.connect(self._on_change)
        self.choices.refused.connect(self._on_refused)
        layers = self._viewer.layers
        for event in ("inserted", "reordered", "renamed"):
            layers.events[event].connect(self.reset_choices)
        layers.events.removed.connect(self._on_removed)
        self._lifetime.watch(self.native)
