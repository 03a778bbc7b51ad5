"""The section *Learn from a layer*: layers and minutes in, a fast style out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from magicgui.widgets import Container, PushButton
from psygnal import Signal
from qtpy.QtWidgets import QProgressBar, QWidget

from napari_style_transfer.errors import InputError
from napari_style_transfer.learning import LearningSettings, LearningStep
from napari_style_transfer.plugin.inputs import library
from napari_style_transfer.plugin.inputs.learning_job import (
    LearningJob,
    freeze_contents,
    freeze_styles_to_learn,
)
from napari_style_transfer.plugin.inputs.proxy import without_proxies
from napari_style_transfer.plugin.runs.eta import format_duration
from napari_style_transfer.plugin.runs.learning import learn
from napari_style_transfer.plugin.runs.messages import Failed, LearningEnded, LearningProgress
from napari_style_transfer.plugin.runs.worker import Run
from napari_style_transfer.plugin.widgets.calm import lock
from napari_style_transfer.plugin.widgets.combo import ComboField
from napari_style_transfer.plugin.widgets.fields import RATIOS, NumberField
from napari_style_transfer.plugin.widgets.layer_table import LayerTable
from napari_style_transfer.plugin.widgets.layout import fill, flush
from napari_style_transfer.plugin.widgets.loss_plot import LossPlot
from napari_style_transfer.plugin.widgets.number_box import NumberRange
from napari_style_transfer.plugin.widgets.sentence import Sentence

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_style_transfer.fast_style import FastStyle
    from napari_style_transfer.plugin.runs.lifetime import Lifetime

_Progress: TypeAlias = "LearningProgress[LearningStep, FastStyle]"
_Ended: TypeAlias = "LearningEnded[LearningStep, FastStyle]"

_MINUTES = LearningSettings.model_fields["minutes"]
_START = LearningSettings.model_fields["start"]
#: Least and greatest number of minutes that can be typed.
_SHORTEST, _LONGEST = 0.05, 10_000.0

_TABLE = (
    "Which layers are paintings to learn, and which are pictures to learn on: such as those that are to be "
    "painted later. Of a stack, all slices count."
)
_LEARNING = "A style is being learned; stop it first, or wait until it is done."
_IDLE = "No style is being learned."
_STOPPING = "It stops after this step."
_NOTHING_LEARNED = "Nothing was learned yet since this widget was opened."
_ELSEWHERE = "A style is being learned in another viewer; wait until that is done."


class LearnSection(QWidget):
    """The choice of layers, and the learning.

    Signals
    -------
    learned
        Something is learned so far, a :class:`FastStyle`; or finally, and then it is in the file.
    saved
        A file of the user's was written; the argument is its path.
    changed
        A learning has begun or ended.
    said
        A sentence for the user; the second argument says whether it is of something that went wrong.

    Parameters
    ----------
    viewer
        The viewer whose layers are offered.
    lifetime
        Of the widget.
    plot
        Shows the losses.

    Attributes
    ----------
    layers
        The table of the layers.
    minutes, start
        The fields.
    learn, stop, go_on
        The buttons.
    """

    learned = Signal(object)
    saved = Signal(str)
    changed = Signal()
    said = Signal(str, bool)
    refused = Signal(str)

    #: The learning that is on, in whatever viewer.
    _current: LearnSection | None = None

    def __init__(
        self, viewer: ViewerModel, lifetime: Lifetime, plot: LossPlot, device: Any
    ) -> None:
        super().__init__()
        self._viewer, self._lifetime, self._plot, self._device = viewer, lifetime, plot, device
        self._last: LearningJob | None = None
        self._best: FastStyle | None = None
        self._seconds = 0.0
        self._obstacle = ""
        self.layers = LayerTable("Learn on", _TABLE)
        self.minutes = NumberField(
            NumberRange(
                str(_MINUTES.title),
                _SHORTEST,
                _LONGEST,
                step=RATIOS[0],
                page=RATIOS[1],
                by_ratio=True,
                bounds=(0.5, 60.0),
            ),
            _MINUTES.default,
            slider=True,
            name="minutes",
            tooltip=_MINUTES.description,
        )
        self.start = ComboField(
            value=_START.default,
            choices=("base", "scratch"),
            name="start",
            label=str(_START.title),
            tooltip=_START.description,
        )
        self.learn = PushButton(name="learn", text="Learn", tooltip="Start learning.")
        self.stop = PushButton(
            name="stop", text="Stop", tooltip="Stop, and keep the best that was learned."
        )
        self.go_on = PushButton(
            name="go_on",
            text="Go on",
            tooltip="Learn on what was learned last, from the same layers as they were then, for so "
            "many minutes more.",
        )
        self._bar, self._text = QProgressBar(), Sentence()
        self._bar.setFormat("%p %")
        self._bar.hide()
        form = Container[Any]()
        form.extend([self.minutes, self.start])
        flush(form.native)
        self._form = form
        buttons = [each.native for each in (self.learn, self.stop, self.go_on)]
        fill(self, self.layers, form.native, buttons, self._bar, self._text, plot)
        self.learn.changed.connect(self._on_learn)
        self.stop.changed.connect(self._on_stop)
        self.go_on.changed.connect(self._on_go_on)
        self.layers.changed.connect(self.show_state)
        self.minutes.refused.connect(lambda sentence: self.refused.emit(sentence))

    @property
    def run(self) -> Run | None:
        """The learning that is on."""
        run = self._lifetime.run
        return run if run is not None and isinstance(run.job, LearningJob) else None

    def settings(self) -> LearningSettings:
        """Return the settings as the fields show them."""
        return LearningSettings(
            minutes=self.minutes.value, start=self.start.value, device=self._device.value
        )

    def show_state(self) -> None:
        """Enable what can be pressed; the tooltip of what cannot says why."""
        if self._lifetime.ended:
            return
        run = self.run
        busy = _LEARNING if run is not None else self._busy()
        missing = ""
        if not self.layers.styles():
            missing = "Tick a layer in the column Style first: a painting to learn."
        elif not self.layers.contents():
            missing = "Tick a layer in the column Learn on first."
        lock(self.learn.native, busy or missing)
        lock(self.go_on.native, busy or ("" if self._best is not None else _NOTHING_LEARNED))
        lock(self.stop.native, _IDLE if run is None else _STOPPING if run.stopping else "")
        for native in (self.layers, self.minutes.native, self.start.native):
            lock(native, _LEARNING if run is not None else "")
        self.learn.text = "Learn" if run is None else "Learning…"

    def _busy(self) -> str:
        """Say why no learning can begin now."""
        other = LearnSection._current
        if other is not None and other is not self and not other._lifetime.ended:
            return _ELSEWHERE if other.run is not None else ""
        return (
            ""
            if self._lifetime.run is None
            else "A stack is being painted; stop it first, or wait."
        )

    def _on_learn(self) -> None:
        if not self.learn.enabled or not self.minutes.native.box.commit():
            return
        try:
            settings = self.settings()
            styles = freeze_styles_to_learn(
                without_proxies(self.layers.styles(), self._viewer), settings.size
            )
            contents = freeze_contents(
                without_proxies(self.layers.contents(), self._viewer), settings.size
            )
            path = library.new_file(tuple(styles))
        except InputError as error:
            self.said.emit(str(error), True)
            return
        self._begin(LearningJob(styles, contents, settings, path))

    def _on_go_on(self) -> None:
        if not self.go_on.enabled or not self.minutes.native.box.commit():
            return
        assert self._last is not None
        last = self._last
        self._begin(LearningJob(last.styles, last.contents, self.settings(), last.path, self._best))

    def _begin(self, job: LearningJob) -> None:
        if busy := self._busy():
            self.said.emit(busy, True)
            return
        self._last, self._seconds = job, 0.0
        LearnSection._current = self
        self._plot.start(60 * job.settings.minutes)
        self._bar.setRange(0, 0)
        self._bar.show()
        self._text.say("Loading the network…")
        # Qt would cut a method of this widget off when it deletes it, and the end would not be heard.
        self._lifetime.run = Run(
            job, learn, lambda message: self._hear(message), lambda: self._on_end()
        )
        self.said.emit("", False)
        self.changed.emit()
        self._lifetime.run.start()

    def _on_stop(self) -> None:
        if (run := self.run) is not None:
            run.stop()
            self._text.say("Stopping after this step…")
            self.show_state()

    def _hear(self, message: _Progress | _Ended | Failed) -> None:
        if self._lifetime.ended:
            return
        if isinstance(message, Failed):
            self._plot.end()
            self.said.emit(message.sentence("learning"), True)
            return
        self._draw(message)
        if message.learned is not None:
            self._best = message.learned
            self.learned.emit(message.learned)
        if isinstance(message, LearningEnded):
            self._conclude(message)
        elif message.problem:
            self.said.emit(message.problem, False)

    def _draw(self, message: _Progress | _Ended) -> None:
        """Show how far it has come."""
        if not message.steps:
            return
        last = message.steps[-1]
        self._seconds = last.seconds
        self._plot.draw([(step.seconds, step.losses) for step in message.steps])
        whole = last.seconds + last.seconds_left
        self._bar.setRange(0, 1000)
        self._bar.setValue(round(1000 * last.seconds / whole) if whole else 1000)
        if self.run is None or not self.run.stopping:
            left = format_duration(last.seconds_left).capitalize()
            self._text.say(f"Step {last.steps} on {last.device} ({last.precision})\n{left} left")

    def _conclude(self, message: _Ended) -> None:
        assert self._last is not None
        names = " and ".join(f"'{name}'" for name in self._last.styles)
        told = f"Learned {names} in {format_duration(self._seconds)}."
        if message.problem:
            self.said.emit(f"{told} {message.problem} Save it under My styles.", True)
        else:
            self.said.emit(f"{told} It is among your styles.", False)
            self.saved.emit(str(self._last.path))

    def _on_end(self) -> None:
        self._lifetime.run = None
        LearnSection._current = None
        if not self._lifetime.ended:
            self._bar.hide()
            self._text.say("")
            self.show_state()
            self.changed.emit()
