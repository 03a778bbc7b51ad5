"""The dock widget of fast styles: a gallery in, a layer that is painted live out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import Container
from qtpy.QtWidgets import QFileDialog

from napari_style_transfer.errors import InputError
from napari_style_transfer.plugin.inputs import library
from napari_style_transfer.plugin.inputs.fast_job import FastChoice, FastNote, fast_job
from napari_style_transfer.plugin.inputs.job import Job
from napari_style_transfer.plugin.inputs.whole_stack import count_slices, whole_stack
from napari_style_transfer.plugin.outputs.result import carries_recipe
from napari_style_transfer.plugin.runs.fast_styles import FastStyles
from napari_style_transfer.plugin.runs.lifetime import Lifetime
from napari_style_transfer.plugin.runs.live import LivePicture
from napari_style_transfer.plugin.runs.reporter import Panels, Reporter
from napari_style_transfer.plugin.runs.stack_worker import paint_stack
from napari_style_transfer.plugin.runs.worker import Run
from napari_style_transfer.plugin.widgets.divider import DividerDrag
from napari_style_transfer.plugin.widgets.export_menu import ExportMenu
from napari_style_transfer.plugin.widgets.fast_buttons import FastButtons, State
from napari_style_transfer.plugin.widgets.fast_choices import FastChoices
from napari_style_transfer.plugin.widgets.layout import flush, lay_out
from napari_style_transfer.plugin.widgets.learn_section import LearnSection
from napari_style_transfer.plugin.widgets.library_section import LibrarySection
from napari_style_transfer.plugin.widgets.live_link import LiveLink
from napari_style_transfer.plugin.widgets.loss_plot import LossPlot
from napari_style_transfer.plugin.widgets.progress import ProgressPanel
from napari_style_transfer.plugin.widgets.sentence import Sentence
from napari_style_transfer.plugin.widgets.theme import ThemeColours

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer

    from napari_style_transfer.fast_style import FastStyle

_NO_LAYERS = (
    "Open a picture as an image layer, or take a sample from "
    "File ▸ Open Sample ▸ Neural Style Transfer."
)
_NO_STYLE = "Choose a style in the gallery first."
_LEARNING = "A style is being learned; stop it first, or wait until it is done."
_PAINTING = "A stack is being painted; stop it first, or wait until it is done."


class FastStyleWidget(Container[Any]):
    """Paints what is on screen by a style that was learned before, live, and learns such styles.

    Every field is reachable by attribute, and so are the buttons: emitting ``changed`` on one does
    what a click does.

    Parameters
    ----------
    napari_viewer
        The viewer whose layers are offered and that gets the result.

    Attributes
    ----------
    content, gallery, other
        The choices of the layer, of the style, and of the style that is mixed in.
    strength, stroke_size, share, size, divider, device
        The fields.
    live, keep, restore, stack, stop
        The buttons.
    learning, styles
        The sections *Learn from a layer* and *My styles*.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        self._viewer = napari_viewer
        self._lifetime = Lifetime()
        self._fast_styles = FastStyles()
        self.choices = FastChoices(napari_viewer, self._is_content)
        choices = self.choices
        self.content, self.gallery, self.other = choices.content, choices.gallery, choices.other
        self.strength, self.stroke_size = choices.strength, choices.stroke_size
        self.share, self.size = choices.share, choices.size
        self.divider, self.device = choices.divider, choices.device
        self._buttons = FastButtons()
        self.live, self.keep = self._buttons.live, self._buttons.keep
        self.restore, self.stack = self._buttons.restore, self._buttons.stack
        self.stop = self._buttons.stop
        self._status, self._progress = Sentence(), ProgressPanel()
        self._live_said = ""
        self._learned_key: str | None = None
        plot = LossPlot("second")
        panels = Panels(self._status, self._progress)
        self._panels = panels
        self._reporter = Reporter(napari_viewer, panels, self._lifetime)
        self.learning = LearnSection(napari_viewer, self._lifetime, plot, self.device)
        exports = ExportMenu(
            lambda: self.choices.entry, lambda: self.choices.size.value, self._lifetime
        )
        self.styles = LibrarySection(
            library,
            lambda: self.choices.entry,
            "style",
            _NO_STYLE,
            readable="*.safetensors *.onnx",
            exports=exports,
        )
        advanced = Container[Any]()
        advanced.extend([self.device])
        flush(advanced.native)
        super().__init__(widgets=[advanced], labels=False)
        lay_out(
            self.native,
            form=choices.native,
            buttons=self._buttons.rows(),
            panels=[self._progress, self._status],
            sections={
                "Learn from a layer": self.learning,
                "My styles": self.styles,
                "Advanced": advanced.native,
            },
        )
        self._picture = LivePicture(
            self.native, napari_viewer, self._lifetime, self._job, self._say_live
        )
        self._link = LiveLink(napari_viewer, self._lifetime, self._picture, "Fast Style")
        drag = DividerDrag(napari_viewer, lambda: self._picture.layer, self.divider)
        self._lifetime.closing.append(drag.end)
        self._connect()
        self._picture.divide(self.divider.value or None)
        self._colours = ThemeColours(napari_viewer, self._lifetime, self.live.native, plot)
        self.reset_choices()

    def reset_choices(self, *_: Any) -> None:
        """Read the viewer's layers again."""
        if self._lifetime.ended:
            return
        self.choices.content.reset_choices()
        self._propose()
        self._refresh()

    def _propose(self) -> None:
        """Offer the layers for learning."""
        images = self.choices.content.choices
        results = [layer for layer in images if carries_recipe(layer)]
        others = [layer for layer in images if layer != self.content.value and layer not in results]
        self.learning.layers.show_layers(images, others[-1] if others else None, results)

    def choice(self) -> FastChoice:
        """Return what is chosen.

        Raises
        ------
        InputError
            If no style is.
        """
        return self.choices.choice()

    # ---- what the user does ----------------------------------------------------------------------

    def _on_chosen(self) -> None:
        """Paint in the style that was chosen."""
        if self._picture.on:
            self._picture.change()
        else:
            self._begin()
        self._refresh()

    def _on_live(self) -> None:
        if self._picture.on:
            self._leave()
        else:
            self._begin()
        self._refresh()

    def _on_change(self) -> None:
        content = self._content()
        if self._picture.on and content is not None and content is not self._link.content:
            self._begin()
        elif self._picture.on:
            self._picture.change()
        self._refresh()

    def _on_keep(self) -> None:
        if told := self._link.keep():
            self._status.say(told)

    def _on_restore(self) -> None:
        layer = self._viewer.layers.selection.active
        note = FastNote.of(layer)
        if layer is None or note is None:
            return
        missing = self.choices.recall(note)
        if missing:
            names = " and ".join(f"'{name}'" for name in missing)
            self._status.say(f"There is no style {names} any more; load it under My styles.")
            return
        self._status.say(f"Restored the settings of '{layer.name}'.")
        self._on_chosen()

    def _on_stack(self) -> None:
        content = self._content()
        if self._lifetime.run is not None or content is None:
            return
        try:
            stack_job = whole_stack(self._job(), content, self._ask_folder)
        except InputError as error:
            self._panels.complain(str(error))
            return
        if stack_job is None:
            return
        self._leave()
        self._reporter.begin(stack_job)
        self._lifetime.run = Run(stack_job, paint_stack, self._reporter.hear, self._on_end)
        self._refresh()
        self._lifetime.run.start()

    def _on_stop(self) -> None:
        if self._lifetime.run is not None and self.learning.run is None:
            self._lifetime.run.stop()
            self._refresh()

    def _on_end(self) -> None:
        self._lifetime.run = None
        self._reporter.end()
        self._refresh()

    def _on_removed(self, *_: Any) -> None:
        """End the live link cleanly when its content or its layer is deleted."""
        if self._lifetime.ended:
            return
        if why := self._link.why_over():
            self._leave()
            self._status.say(why)
        self._picture.forget()
        self.reset_choices()

    def _on_learned(self, fast: FastStyle) -> None:
        """Paint by what is learned so far."""
        before = self._learned_key
        self._learned_key = self.choices.offer_learned(fast)
        if before is None or self.gallery.key() == self._learned_key:
            self.choices.choose(self._learned_key)

    def _on_saved(self, path: str) -> None:
        """Offer what was learned as a file from now on."""
        was_chosen = self.gallery.key() == self._learned_key
        index = (self._learned_key or "#0").rpartition("#")[2]
        self.choices.offer_learned(None)
        self._learned_key = None
        if was_chosen:
            self.choices.choose(f"{path}#{index}")

    def _on_library(self, key: str) -> None:
        self._warn(self.choices.read_library())
        if key:
            self.choices.choose(key)
        self._refresh()

    # ---- the live picture ------------------------------------------------------------------------

    def _begin(self) -> None:
        """Follow the content from now on."""
        content = self._content()
        if content is None or self.choices.entry is None:
            return
        self._status.say("")
        self._link.begin(content)

    def _leave(self) -> None:
        """Follow nothing any longer."""
        self._link.end()
        self._refresh()

    def _job(self) -> Job:
        """Freeze what is to be painted now.

        Raises
        ------
        InputError
            If that cannot be; the message says why.
        """
        return fast_job(
            self._content(), self.choices.choice(), self._viewer, self._fast_styles.method
        )

    def _content(self) -> Image | None:
        layer: Image | None = self.content.layer
        return layer

    def _is_content(self, layer: Layer) -> bool:
        """Return whether a layer may be a content: what is painted live is not painted again."""
        picture = self.__dict__.get("_picture")
        return picture is None or not picture.owns(layer)

    # ---- what is shown ---------------------------------------------------------------------------

    def _refresh(self, *_: Any) -> None:
        """Enable what can be pressed, and say why nothing can be painted."""
        if self._lifetime.ended:
            return
        learning, run = self.learning.run, self._lifetime.run
        painting = run is not None and learning is None
        self._buttons.show(
            State(
                live=self._picture.on,
                obstacle=self._obstacle(),
                painted=self._picture.layer is not None,
                noted=FastNote.of(self._viewer.layers.selection.active) is not None,
                slices=count_slices(self._content()),
                busy=_LEARNING if learning is not None else _PAINTING if painting else "",
                painting=painting,
                stopping=run is not None and run.stopping,
            )
        )
        self.learning.show_state()
        self.styles.show_state()
        if not self.content.choices and not self._status.text():
            self._status.say(_NO_LAYERS)
        elif self.content.choices and self._status.text() == _NO_LAYERS:
            self._status.say("")

    def _obstacle(self) -> str:
        if not self.content.choices:
            return _NO_LAYERS
        return "" if self.choices.entry is not None else _NO_STYLE

    def _say_live(self, sentence: str) -> None:
        """Say what is wrong with the live picture, until it is right again."""
        if self._lifetime.ended:
            return
        if sentence or self._status.text() == self._live_said:
            self._status.say(sentence)
        self._live_said = sentence
        if not sentence:
            self._note_layer()

    def _note_layer(self) -> None:
        """Keep in mind which layer is painted live, for a widget that is opened later."""
        self._link.note()
        live = self._picture.layer
        if live is not None and live.layer in self.content.choices:
            self.reset_choices()
        else:
            self._refresh()

    def _say(self, sentence: str, is_wrong: bool) -> None:
        if is_wrong:
            self._panels.complain(sentence)
        else:
            self._status.say(sentence)

    def _warn(self, wrong: list[str]) -> None:
        if wrong:
            self._status.say(" ".join(wrong))

    def _on_refused(self, sentence: str) -> None:
        self._status.say(sentence, passing=True)

    def _ask_folder(self) -> str | None:
        """Ask for a folder for a result that does not fit into memory."""
        title = "The result does not fit into memory; choose an empty folder for it"
        return QFileDialog.getExistingDirectory(self.native, title) or None

    def _connect(self) -> None:
        self.live.changed.connect(self._on_live)
        self.keep.changed.connect(self._on_keep)
        self.restore.changed.connect(self._on_restore)
        self.stack.changed.connect(self._on_stack)
        self.stop.changed.connect(self._on_stop)
        self.choices.changed.connect(self._on_change)
        self.content.changed.connect(self._propose)
        self.choices.chosen.connect(self._on_chosen)
        self.choices.refused.connect(self._on_refused)
        self.divider.changed.connect(self._on_divider)
        self.learning.learned.connect(self._on_learned)
        self.learning.saved.connect(self._on_saved)
        self.learning.changed.connect(self._refresh)
        self.learning.said.connect(self._say)
        self.learning.refused.connect(self._on_refused)
        self.styles.changed.connect(self._on_library)
        self.styles.said.connect(self._say)
        layers = self._viewer.layers
        for event in ("inserted", "reordered", "renamed"):
            layers.events[event].connect(self.reset_choices)
        layers.events.removed.connect(self._on_removed)
        layers.selection.events.active.connect(self._refresh)
        for event in ("order", "ndisplay", "range"):
            self._viewer.dims.events[event].connect(self._refresh)
        self._lifetime.watch(self.native)

    def _on_divider(self, value: float) -> None:
        self._picture.divide(value or None)
