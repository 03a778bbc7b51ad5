"""The dock widget: two layers and a few settings in, a painted layer out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar

from magicgui.widgets import Container, PushButton
from qtpy.QtCore import QTimer

from napari_style_transfer.errors import InputError
from napari_style_transfer.memory import GIB, square_plan
from napari_style_transfer.plugin.fields import build_fields, is_advanced, set_field
from napari_style_transfer.plugin.job import collect
from napari_style_transfer.plugin.layer_choice import LayerChoice
from napari_style_transfer.plugin.layout import lay_out, paint_run_button
from napari_style_transfer.plugin.loss_plot import LossPlot
from napari_style_transfer.plugin.preferences import preferred
from napari_style_transfer.plugin.progress import ProgressPanel
from napari_style_transfer.plugin.result import ResultLayer, recipe_of
from napari_style_transfer.plugin.sentence import Sentence
from napari_style_transfer.plugin.worker import Failed, Finished, Outcome, Preview, Run, Stopped
from napari_style_transfer.settings import Settings

if TYPE_CHECKING:
    from napari.components import ViewerModel

_NO_LAYERS = (
    "Open a photograph and a painting as image layers, or take samples from "
    "File ▸ Open Sample ▸ Neural Style Transfer."
)
_ONE_LAYER = "Open a painting as a second image layer to take the style from."
_DOWNLOAD = (
    "Loading torchvision's weights; the first time, 548 MB are downloaded, "
    "with progress in the terminal."
)
_SAME_LAYER = "Content and style are the same layer; choose a painting as the style."


class _Life:
    """What outlives the widget: the run to stop when Qt deletes it.

    Kept alive here, because Qt may delete the widget while Python collects it as garbage, and what
    is called then must not be garbage itself.
    """

    _lives: ClassVar[set[_Life]] = set()

    def __init__(self) -> None:
        self.run: Run | None = None
        self.over = False
        self._lives.add(self)

    def end(self) -> None:
        self.over = True
        self._lives.discard(self)
        if self.run is not None:
            self.run.stop()


class StyleTransferWidget(Container[Any]):
    """Paints one image layer in the manner of another.

    Every field is reachable by attribute, and so are the buttons: emitting ``changed`` on one does
    what a click does. While a run is on, ``run.enabled`` is False and ``stop.enabled`` is True.

    Parameters
    ----------
    napari_viewer
        The viewer whose layers are offered and that gets the result.

    Attributes
    ----------
    content, style
        Choices of the layers.
    content_weight, style_weight, size, steps, device, ...
        One field for every parameter of :class:`Settings`, under its name.
    run, stop, load_recipe
        The buttons.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        self._viewer = napari_viewer
        self._life = _Life()
        self._result: ResultLayer | None = None
        self._started = 0.0
        self._notes: list[str] = []

        self.content = LayerChoice(
            napari_viewer, name="content", label="Content", tooltip="The layer to paint anew."
        )
        self.style = LayerChoice(
            napari_viewer, name="style", label="Style", tooltip="The layer whose manner is taken."
        )
        self._fields = build_fields()
        for name, value in preferred().items():
            set_field(self._fields[name], value)
        self.run = PushButton(name="run", text="Run", tooltip="Start painting.")
        self.stop = PushButton(
            name="stop", text="Stop", tooltip="Stop within one evaluation and keep the picture."
        )
        self.load_recipe = PushButton(
            name="load_recipe",
            text="Load recipe",
            tooltip="Set every field as it was when the selected result layer was painted.",
        )
        self._status = Sentence()
        self._memory = Sentence()
        self._progress = ProgressPanel()
        self._plot = LossPlot()
        shown = [field for name, field in self._fields.items() if not is_advanced(name)]
        hidden = [field for name, field in self._fields.items() if is_advanced(name)]
        form, advanced = Container[Any](), Container[Any]()
        # magicgui lines the labels up only for what is added after the container is made.
        form.extend([self.content, self.style, *shown])
        advanced.extend(hidden)
        super().__init__(widgets=[form, advanced], labels=False)
        lay_out(
            self.native,
            form=form.native,
            buttons=[self.run.native, self.stop.native],
            panels=[
                self._memory,
                self._progress,
                self._status,
                self._plot,
                self.load_recipe.native,
            ],
            advanced=advanced.native,
        )
        self._guess_style()
        self._connect()
        self._on_theme()
        self._refresh()
        self._estimate()

    def __getattr__(self, name: str) -> Any:
        """Return the field of a parameter."""
        fields = self.__dict__.get("_fields", {})
        return fields[name] if name in fields else super().__getattr__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        """Keep fields from being overwritten where their value is meant."""
        if name in self.__dict__.get("_fields", {}):
            raise AttributeError(f"To set this parameter, use: widget.{name}.value = {value!r}")
        super().__setattr__(name, value)

    def reset_choices(self, *_: Any) -> None:
        """Read the viewer's image layers again."""
        if self._life.over:
            return
        had = len(self.content.choices)
        self.content.reset_choices()
        self.style.reset_choices()
        if had == 1:
            self._guess_style()
        self._refresh()

    def _guess_style(self) -> None:
        """Take another layer than the content for the style, where there is one."""
        if len(self.style.choices) > 1 and self.style.value is self.content.value:
            self.style.value = self.style.choices[-1]

    def settings(self) -> Settings:
        """Return the settings as the fields show them.

        Raises
        ------
        InputError
            One sentence that names the field and what is wrong with it.
        """
        return Settings(**{name: field.value for name, field in self._fields.items()})

    # ---- what the user does ----------------------------------------------------------------------

    def _on_run(self) -> None:
        if self._life.run is not None or self._life.over:
            return
        try:
            job = collect(self.content.value, self.style.value, self.settings())
            if not self.run.enabled:
                return
        except InputError as error:
            self._complain(str(error))
            return
        self._result = ResultLayer(self._viewer, job)
        self._notes.clear()
        self._started = time.monotonic()
        self._plot.start(job.settings.steps)
        self._progress.start()
        self._status.say(_DOWNLOAD if job.settings.weights == "torchvision" else "")
        self._life.run = Run(job, self._on_message, self._on_end)
        self._refresh()
        self._life.run.start()

    def _on_stop(self) -> None:
        if self._life.run is not None:
            self._life.run.stop()
            self.stop.enabled = False
            self._status.say("Stopping after this evaluation…")

    def _on_load_recipe(self) -> None:
        layer = self._viewer.layers.selection.active
        try:
            recipe = recipe_of(layer)
            for name, value in recipe.settings.model_dump().items():
                set_field(self._fields[name], value)
        except ValueError as error:
            self._status.say(str(error))
            return
        for choice, name in ((self.content, recipe.content), (self.style, recipe.style)):
            if name in self._viewer.layers and self._viewer.layers[name] in choice.choices:
                choice.value = self._viewer.layers[name]
        ends = recipe.settings.stop_after
        self._status.say(
            f"Loaded the recipe of '{layer.name}'"
            + (f", which stops after {ends} evaluations (Advanced)." if ends else ".")
        )

    def _on_removed(self) -> None:
        if self._result is not None and self._result.deleted and not self._life.over:
            # Whoever deletes the picture in the making does not want it: leave off painting it.
            self._on_stop()

    # ---- what the thread says --------------------------------------------------------------------

    def _on_message(self, message: Preview | Outcome) -> None:
        if self._life.over or self._life.run is None or self._result is None:
            return
        if isinstance(message, Failed):
            self._complain(message.sentence)
            return
        if message.steps:
            self._progress.advance(message.steps)
            self._plot.add(message.steps)
            self._take_notes(message)
        if isinstance(message, Preview):
            if message.picture is not None:
                self._result.show(message.picture)
                QTimer.singleShot(0, self._life.run.shown)
        else:
            self._conclude(message)

    def _conclude(self, message: Finished | Stopped) -> None:
        assert self._result is not None
        self._result.finish(message.picture, message.recipe)
        recipe = message.recipe
        seconds = time.monotonic() - self._started
        if self._result.deleted:
            told = "Stopped, because the picture was deleted."
        elif isinstance(message, Stopped):
            told = f"Stopped at evaluation {recipe.evaluations}; the picture so far is kept."
        else:
            told = f"Painted in {seconds:.0f} s on {recipe.device} ({recipe.precision})."
        self._status.say(" ".join([told, *self._notes]))

    def _take_notes(self, message: Preview | Finished | Stopped) -> None:
        for step in message.steps:
            if step.note and step.note not in self._notes:
                self._notes.append(step.note)
                self._status.say(" ".join(self._notes))

    def _on_end(self) -> None:
        self._life.run = None
        self._result = None
        if not self._life.over:
            self._progress.hide()
            self._refresh()

    # ---- what is shown ---------------------------------------------------------------------------

    def _refresh(self) -> None:
        """Enable what can be pressed now, and say why Run cannot."""
        running = self._life.run is not None
        layers = len(self.content.choices)
        self.run.enabled = not running and layers > 0
        self.stop.enabled = running and not self._life.run.stopping  # type: ignore[union-attr]
        self.run.text = "Painting…" if running else "Run"
        hint = {0: _NO_LAYERS, 1: _ONE_LAYER}.get(layers, "")
        if layers > 1 and self.content.value is self.style.value:
            hint = _SAME_LAYER
        if hint and not running:
            self._status.say(hint)
        elif self._status.text() in (_NO_LAYERS, _ONE_LAYER, _SAME_LAYER):
            self._status.say("")

    def _estimate(self) -> None:
        """Say how much memory the run may need."""
        try:
            plan = square_plan(self.settings())
            self._memory.say(
                f"Needs at most {plan.needed / GIB:.1f} GB of memory; {plan.free / GIB:.1f} GB are free."
            )
        except InputError:
            self._memory.say("")

    def _complain(self, sentence: str) -> None:
        from napari.utils.notifications import show_error

        self._status.say(sentence)
        show_error(sentence)

    def _on_theme(self) -> None:
        from napari.utils.theme import get_theme

        if not self._life.over:
            theme = get_theme(self._viewer.theme)
            self._plot.set_colours(theme.text.as_hex(), theme.background.as_hex())
            paint_run_button(self.run.native, theme.current.as_hex())

    def _connect(self) -> None:
        self.run.changed.connect(self._on_run)
        self.stop.changed.connect(self._on_stop)
        self.load_recipe.changed.connect(self._on_load_recipe)
        for name in ("size", "style_scale", "precision", "tile_size"):
            self._fields[name].changed.connect(self._estimate)
        for choice in (self.content, self.style):
            choice.changed.connect(self._refresh)
        events = self._viewer.layers.events
        for event in (events.inserted, events.removed, events.reordered, events.renamed):
            event.connect(self.reset_choices)
        events.removed.connect(self._on_removed)
        self._viewer.events.theme.connect(self._on_theme)
        self.native.destroyed.connect(self._life.end)
