"""The dock widget: layers and a few settings in, a painted layer out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import Container

from napari_style_transfer.errors import InputError
from napari_style_transfer.memory import GIB, square_plan
from napari_style_transfer.plugin.inputs.proxy import without_proxy
from napari_style_transfer.plugin.inputs.stack_job import StackJob, StackSelection
from napari_style_transfer.plugin.outputs.result import carries_recipe, recipe_of
from napari_style_transfer.plugin.outputs.unfinished import Left
from napari_style_transfer.plugin.runs.edits import EditSender
from napari_style_transfer.plugin.runs.lifetime import Lifetime
from napari_style_transfer.plugin.runs.reporter import Panels, Reporter
from napari_style_transfer.plugin.runs.stack_worker import paint_stack
from napari_style_transfer.plugin.runs.worker import Run, paint_picture
from napari_style_transfer.plugin.widgets.buttons import RUNNING, Buttons
from napari_style_transfer.plugin.widgets.choices import Choices
from napari_style_transfer.plugin.widgets.fields import commit
from napari_style_transfer.plugin.widgets.layout import lay_out
from napari_style_transfer.plugin.widgets.loss_plot import LossPlot
from napari_style_transfer.plugin.widgets.progress import ProgressPanel
from napari_style_transfer.plugin.widgets.sentence import Sentence
from napari_style_transfer.plugin.widgets.theme import ThemeColours
from napari_style_transfer.plugin.widgets.unfinished_panel import UnfinishedPanel
from napari_style_transfer.settings import Settings

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

_ONE_LAYER = "Open a painting as a second image layer to take the style from."
_SAME_LAYER = "Content and style are the same layer; choose a painting as the style."


class StyleTransferWidget(Container[Any]):
    """Paints one image layer in the manner of another, or of several.

    Every field is reachable by attribute, and so are the buttons: emitting ``changed`` on one does
    what a click does. While a run is on, ``run.enabled`` is False and ``stop.enabled`` is True; what
    can be changed then stays enabled, and the picture follows it.

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
    styles, regions, stack
        The sections of further styles, of where each style goes, and of the slices to paint.
    run, pause, stop, go_on, load_recipe, defaults
        The buttons.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        self._viewer = napari_viewer
        self._lifetime = Lifetime()
        self._choices = Choices(napari_viewer, self._lifetime)
        self._fields = self._choices.fields
        self.content, self.style = self._choices.content, self._choices.style
        self.styles, self.regions = self._choices.styles, self._choices.regions
        self.stack = self._choices.stack
        self._buttons = Buttons()
        self.run, self.pause, self.stop = self._buttons.run, self._buttons.pause, self._buttons.stop
        self.go_on, self.load_recipe = self._buttons.go_on, self._buttons.load_recipe
        self.defaults = self._buttons.defaults
        self._status, self._memory = Sentence(), Sentence()
        self._hint = ""
        self._progress, self._plot = ProgressPanel(), LossPlot()
        self._panels = Panels(self._status, self._progress, self._plot)
        self._reporter = Reporter(napari_viewer, self._panels, self._lifetime)
        self._unfinished = UnfinishedPanel(self._on_unfinished)
        form, advanced = self._choices.forms()
        super().__init__(widgets=[form, advanced], labels=False)
        sections = lay_out(
            self.native,
            form=form.native,
            buttons=self._buttons.rows(),
            panels=[self._unfinished, self._memory, self._progress, self._status],
            plot=self._plot,
            sections={
                "Style pictures": self._choices.gallery.native,
                "Stack": self.stack,
                "More styles": self.styles,
                "Regions": self.regions,
                "Advanced": advanced.native,
            },
        )
        sections["Style pictures"].expand(animate=False)
        self._stack_section = sections["Stack"]
        self._edits = EditSender(
            self.native, self._lifetime, self._choices.change, self._status.say
        )
        self._connect()
        self._colours = ThemeColours(napari_viewer, self._lifetime, self.run.native, self._plot)
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
        """Read the viewer's layers again."""
        if not self._lifetime.ended:
            self._choices.reset()
            self._refresh()

    def settings(self) -> Settings:
        """Return the settings as the fields show them.

        Raises
        ------
        InputError
            One sentence that names the field and what is wrong with it.
        """
        return self._choices.settings()

    # ---- what the user does ----------------------------------------------------------------------

    def _on_run(self) -> None:
        if self.run.enabled:
            self._start()

    def _on_go_on(self) -> None:
        if self.go_on.enabled:
            self._start(without_proxy(self._viewer.layers.selection.active, self._viewer))

    def _start(self, beginning: Image | None = None) -> None:
        if self._lifetime.running or self._lifetime.ended:
            return
        if not commit(self.native, self._fields.values()):
            return
        try:
            job = self._choices.job(beginning)
        except InputError as error:
            self._panels.complain(str(error))
            return
        refusal = self._status.passing
        self._reporter.begin(job)
        if refusal:  # of what was typed last, before the button was pressed
            self._status.say(refusal, passing=True)
        work = paint_stack if isinstance(job, StackJob) else paint_picture
        self._lifetime.run = Run(job, work, self._reporter.hear, self._on_end)
        self._refresh()
        self._lifetime.run.start()

    def _on_stop(self) -> None:
        if self._lifetime.run is not None:
            self._lifetime.run.stop()
            self._refresh()
            self._status.say("Stopping after this evaluation…")

    def _on_pause(self) -> None:
        if self._lifetime.run is None or self._lifetime.run.stopping:
            return
        if self._lifetime.run.steering.paused:
            self._lifetime.run.steering.resume()
            self._reporter.resume()
        else:
            self._lifetime.run.steering.pause()
            self._reporter.pause()
        self._refresh()

    def _on_load_recipe(self) -> None:
        if self._lifetime.running:
            return
        layer = self._viewer.layers.selection.active
        try:
            recipe = recipe_of(layer)
            self._choices.take(recipe, StackSelection.of(layer))
        except ValueError as error:
            self._status.say(str(error))
            return
        ends = recipe.settings.stop_after
        if self._choices.obstacle():
            self._refresh()
            return
        self._status.say(
            f"Loaded the recipe of '{layer.name}'"
            + (f", which stops after {ends} evaluations (Advanced)." if ends else ".")
        )

    def _on_unfinished(self, left: Left) -> bool:
        """Open what was being painted when napari ended, and set every field as it was then."""
        if self._lifetime.running:
            self._status.say(RUNNING)
            return False
        try:
            data, attributes = left.read()
        except InputError as error:
            self._panels.complain(str(error))
            return False
        self._viewer.layers.selection.active = self._viewer.add_image(data, **attributes)
        self._reporter.unfinished.adopt(left)
        self._on_load_recipe()
        return True

    def _on_defaults(self) -> None:
        if not self._lifetime.running:
            self._choices.set_defaults()

    def _on_removed(self) -> None:
        if self._reporter.deleted and not self._lifetime.ended:
            # Whoever deletes the picture in the making does not want it: leave off painting it.
            self._on_stop()

    def _on_end(self) -> None:
        self._lifetime.run = None
        self._edits.forget()
        self._reporter.end()
        if not self._lifetime.ended:
            self._refresh()

    # ---- what is shown ---------------------------------------------------------------------------

    def _refresh(self) -> None:
        """Enable what can be pressed and changed now, and say why Run cannot."""
        if self._lifetime.ended:
            return
        run, layers = self._lifetime.run, len(self.content.choices)
        hint = obstacle = self._choices.obstacle()
        has_result = carries_recipe(self._viewer.layers.selection.active)
        self._buttons.show(run, obstacle=obstacle, has_result=has_result)
        self._choices.lock(run is not None)
        self._show_memory()
        if not obstacle and layers == 1:
            hint = _ONE_LAYER
        elif not obstacle and self.content.value is self.style.value:
            hint = _SAME_LAYER
        if hint and run is None:
            self._hint = hint
            self._status.say(hint)
        elif self._hint and self._status.text() == self._hint:
            self._status.say("")

    def _on_change(self) -> None:
        """Take back what was said of the choices as they were, and look at them anew."""
        if not self._lifetime.ended:
            self._status.expire()
            self._refresh()

    def _on_refused(self, sentence: str) -> None:
        if sentence:
            self._status.say(sentence, passing=True)
        else:
            self._on_change()

    def _estimate(self) -> None:
        """Say how much memory the run may need, and whether the content has slices to choose."""
        if self._lifetime.ended:
            return
        self._stack_section.setVisible(self.stack.offered)
        try:
            plan = square_plan(self.settings())
            needed, free = plan.needed / GIB, plan.free / GIB
            text = f"Needs at most {needed:.1f} GB of memory; {free:.1f} GB are free."
            self._memory.say(f"{text} {self.stack.estimate()}".strip())
        except InputError:
            self._memory.say("")
        self._show_memory()

    def _show_memory(self) -> None:
        """Show the estimate until a run's progress takes its place."""
        self._memory.setVisible(bool(self._memory.text()) and not self._lifetime.running)

    def _connect(self) -> None:
        self.run.changed.connect(self._on_run)
        self.pause.changed.connect(self._on_pause)
        self.stop.changed.connect(self._on_stop)
        self.go_on.changed.connect(self._on_go_on)
        self.load_recipe.changed.connect(self._on_load_recipe)
        self.defaults.changed.connect(self._on_defaults)
        self._choices.edited.connect(self._edits.on_edit)
        for name in ("size", "style_scale", "precision", "tile_size"):
            self._fields[name].changed.connect(self._estimate)
        self.stack.changed.connect(self._estimate)
        self._choices.changed.connect(self._on_change)
        self._choices.refused.connect(self._on_refused)
        layers = self._viewer.layers
        for event in ("inserted", "removed", "reordered", "renamed"):
            layers.events[event].connect(self.reset_choices)
        layers.events.removed.connect(self._on_removed)
        layers.selection.events.active.connect(self._on_change)
        self._lifetime.watch(self.native)
