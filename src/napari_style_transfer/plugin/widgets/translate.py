"""The dock widget of translation: two layers in, a layer that looks like the other kind out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from magicgui.widgets import Container, PushButton

from napari_style_transfer.errors import InputError
from napari_style_transfer.plugin.inputs import translators
from napari_style_transfer.plugin.inputs.translation_job import (
    TranslationLearningJob,
    learning_job,
)
from napari_style_transfer.plugin.runs.eta import format_duration
from napari_style_transfer.plugin.runs.lifetime import Lifetime
from napari_style_transfer.plugin.runs.messages import Failed, LearningEnded, LearningProgress
from napari_style_transfer.plugin.runs.reporter import Panels
from napari_style_transfer.plugin.runs.translating import learn_translation
from napari_style_transfer.plugin.runs.worker import Run
from napari_style_transfer.plugin.widgets.apply_section import NO_TRANSLATOR, ApplySection
from napari_style_transfer.plugin.widgets.calm import lock
from napari_style_transfer.plugin.widgets.layout import flush, lay_out
from napari_style_transfer.plugin.widgets.library_section import LibrarySection
from napari_style_transfer.plugin.widgets.loss_plot import LossPlot
from napari_style_transfer.plugin.widgets.progress import ProgressPanel
from napari_style_transfer.plugin.widgets.sentence import Sentence
from napari_style_transfer.plugin.widgets.theme import ThemeColours
from napari_style_transfer.plugin.widgets.translate_choices import TranslateChoices
from napari_style_transfer.progress import Losses

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_style_transfer.translation import TranslationStep
    from napari_style_transfer.translator import Translator

_Progress: TypeAlias = "LearningProgress[TranslationStep, Translator]"
_Ended: TypeAlias = "LearningEnded[TranslationStep, Translator]"

_LEARNING = "A translation is being learned; stop it first, or wait until it is done."
_IDLE = "No translation is being learned."
_STOPPING = "It stops after this step."
_SCORES = (
    "Structure: how the edges of translated pictures agree with those of the originals. "
    "Likeness: how much nearer they have come to the target's pictures"
)


class TranslateWidget(Container[Any]):
    """Learns to make the pictures of one layer look like those of another, and translates layers.

    Every field is reachable by attribute, and so are the buttons: emitting ``changed`` on one does
    what a click does.

    Parameters
    ----------
    napari_viewer
        The viewer whose layers are offered and that gets the results.

    Attributes
    ----------
    choices
        Source and target, and a field for every parameter.
    source, target, minutes, kind
        Four of these.
    learn, stop, go_on
        The buttons.
    translation
        The translator, and the layer that it translates.
    library
        The section *My translators*.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        self._viewer = napari_viewer
        self._lifetime = Lifetime()
        self._job: TranslationLearningJob | None = None
        self._is_first, self._scores = False, (-1.0, -1.0)
        self._hint, self._warned = "", ""
        self.choices = TranslateChoices(napari_viewer, self._is_offered)
        self.source, self.target = self.choices.source, self.choices.target
        self.minutes, self.kind = self.choices.fields["minutes"], self.choices.fields["kind"]
        self.learn = PushButton(
            name="learn",
            text="Learn",
            tooltip="Learn to translate from the source to the target, anew.",
        )
        self.stop = PushButton(
            name="stop", text="Stop", tooltip="Stop, and keep the best that was learned."
        )
        self.go_on = PushButton(
            name="go_on",
            text="Continue",
            tooltip="Learn the chosen translator longer, for so many minutes more.",
        )
        self._status, self._progress = Sentence(), ProgressPanel()
        self._panels = Panels(self._status, self._progress)
        self._plot = LossPlot("second", _SCORES)
        self.translation = ApplySection(
            napari_viewer,
            self._lifetime,
            lambda: self.choices.layers()[0],
            lambda: self.choices.fields["device"].value,
        )
        self.library = LibrarySection(
            translators, lambda: self.translation.entry, "translator", NO_TRANSLATOR
        )
        super().__init__(widgets=[], labels=False)
        flush(self.choices.form.native, self.translation.form.native)
        flush(self.choices.advanced.native)
        lay_out(
            self.native,
            form=self.choices.form.native,
            buttons=[[each.native for each in (self.learn, self.stop, self.go_on)]],
            panels=[self._progress, self._status, self._plot, self.translation],
            sections={
                "My translators": self.library,
                "Advanced": self.choices.advanced.native,
            },
        )
        self._connect()
        self._colours = ThemeColours(napari_viewer, self._lifetime, self.learn.native, self._plot)
        self.reset_choices()
        if wrong := self.translation.read_library():
            self._status.say(" ".join(wrong))

    def reset_choices(self, *_: Any) -> None:
        """Read the viewer's layers again."""
        if not self._lifetime.ended:
            self.choices.reset()
            self.translation.content.reset_choices()
            self._refresh()

    # ---- learning --------------------------------------------------------------------------------

    def _on_learn(self) -> None:
        if self.learn.enabled:
            self._begin(None)

    def _on_go_on(self) -> None:
        if self.go_on.enabled:
            self._begin(self.translation.entry)

    def _begin(self, start: translators.TranslatorEntry | None) -> None:
        """Learn anew, or a translator longer."""
        if self._lifetime.running or not self.choices.commit():
            return
        try:
            job = learning_job(*self.choices.layers(), self.choices.settings(), start)
        except InputError as error:
            self._panels.complain(str(error))
            return
        self._job, self._is_first, self._scores = job, True, (-1.0, -1.0)
        self._status.say("")
        self._plot.start(60 * job.settings.minutes)
        self._progress.prepare("Loading the network…")
        # Qt would cut a method of this widget off when it deletes it, and the end would not be heard.
        self._lifetime.run = Run(
            job, learn_translation, lambda message: self._hear(message), lambda: self._on_end()
        )
        self._refresh()
        self._lifetime.run.start()

    def _on_stop(self) -> None:
        if self._lifetime.run is not None:
            self._lifetime.run.stop()
            self._progress.prepare("Stopping after this step…")
            self._refresh()

    def _hear(self, message: _Progress | _Ended | Failed) -> None:
        if self._lifetime.ended:
            return
        if isinstance(message, Failed):
            self._plot.end()
            self._panels.complain(message.sentence("learning"))
            return
        self._draw(message.steps)
        if message.learned is not None:
            self.translation.offer(message.learned)
            if self._is_first:
                self._is_first = False
                noted = self._status.text()
                self.translation.begin()
                if not self._status.text():
                    self._status.say(noted)
            self._warn(message.learned)
        if isinstance(message, LearningEnded):
            self._conclude(message)
        elif message.problem:
            self._status.say(message.problem)

    def _draw(self, steps: tuple[TranslationStep, ...]) -> None:
        """Show how far it has come."""
        points = []
        for step in steps:
            scores = step.structure, step.likeness
            if scores != self._scores or step is steps[-1]:
                self._scores = scores
                points.append((step.seconds, Losses(_named(step))))
            if step.note:
                self._status.say(step.note)
        if not steps:
            return
        self._plot.draw(points)
        last, run = steps[-1], self._lifetime.run
        if run is not None and not run.stopping:
            figures = f"Structure {last.structure:.2f}, likeness {last.likeness:.2f}, best {last.best:.2f}"
            text = f"{figures}\nStep {last.steps} on {last.device} ({last.precision})"
            whole = last.seconds + last.seconds_left
            self._progress.count(last.seconds, whole, text, last.seconds_left)

    def _warn(self, learned: Translator) -> None:
        """Say what is wrong with the best so far, until there is a better one."""
        warning = " ".join(learned.info.warnings)
        if warning or self._status.text() == self._warned:
            self._status.say(warning and f"So far: {warning}")
        self._warned = self._status.text()

    def _conclude(self, message: _Ended) -> None:
        info, last = message.learned.info, message.steps[-1]
        told = (
            f"Learned '{info.source}' as '{info.target}' in {format_duration(last.seconds)}: structure "
            f"{info.agreement.score:.2f}, likeness {info.likeness:.2f}."
        )
        parts = [told, *info.warnings, *([last.note] if last.note else [])]
        if message.problem:
            self._panels.complain(
                " ".join([*parts, message.problem, "Save it under My translators."])
            )
        else:
            self._status.say(" ".join(parts))

    def _on_end(self) -> None:
        self._lifetime.run = None
        if self._lifetime.ended:
            return
        assert self._job is not None
        if self._job.path.exists():
            self.translation.saved(str(self._job.path))
        self._progress.hide()
        self._refresh()

    # ---- what is shown ---------------------------------------------------------------------------

    def _refresh(self, *_: Any) -> None:
        """Enable what can be pressed, and say why nothing can be learned."""
        if self._lifetime.ended:
            return
        run, obstacle = self._lifetime.run, self.choices.obstacle()
        busy = "" if run is None else _LEARNING
        missing = "" if self.translation.entry is not None else NO_TRANSLATOR
        lock(self.learn.native, busy or obstacle)
        lock(self.go_on.native, busy or obstacle or missing)
        lock(self.stop.native, _IDLE if run is None else _STOPPING if run.stopping else "")
        self.learn.text = "Learn" if run is None else "Learning…"
        self.choices.lock(run is not None)
        self.translation.show_state()
        self.library.show_state()
        if self._status.text() in ("", self._hint):
            self._hint = "" if busy else obstacle
            self._status.say(self._hint)

    def _say(self, sentence: str, is_wrong: bool) -> None:
        if is_wrong:
            self._panels.complain(sentence)
        else:
            self._status.say(sentence)
        self._refresh()

    def _on_translation(self) -> None:
        """Take the live layer out of the choices as soon as it is there."""
        live = self.translation.picture.layer
        if live is not None and live.layer in self.source.choices:
            self.reset_choices()
        else:
            self._refresh()

    def _on_library(self, key: str) -> None:
        wrong = self.translation.read_library()
        self.translation.choose(key)
        if wrong:
            self._status.say(" ".join(wrong))

    def _on_refused(self, sentence: str) -> None:
        self._status.say(sentence, passing=True)

    def _on_removed(self, *_: Any) -> None:
        if not self._lifetime.ended:
            self.translation.on_removed()
            self.reset_choices()

    def _is_offered(self, layer: Layer) -> bool:
        translation = self.__dict__.get("translation")
        return translation is None or not translation.owns(layer)

    def _connect(self) -> None:
        self.learn.changed.connect(self._on_learn)
        self.stop.changed.connect(self._on_stop)
        self.go_on.changed.connect(self._on_go_on)
        self.choices.changed.connect(self._on_chosen)
        self.choices.refused.connect(self._on_refused)
        self.translation.changed.connect(self._on_translation)
        self.translation.said.connect(self._say)
        self.library.changed.connect(self._on_library)
        self.library.said.connect(self._say)
        layers = self._viewer.layers
        for event in ("inserted", "reordered", "renamed"):
            layers.events[event].connect(self.reset_choices)
        layers.events.removed.connect(self._on_removed)
        for event in ("order", "ndisplay"):
            self._viewer.dims.events[event].connect(self._refresh)
        self._lifetime.watch(self.native)

    def _on_chosen(self) -> None:
        self.translation.follow_choice()
        self._refresh()


def _named(step: TranslationStep) -> dict[str, float]:
    return {"structure": step.structure, "likeness": max(0.0, step.likeness)}
