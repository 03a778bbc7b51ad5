"""A translator, and the layer that it translates: the slice on screen live, and all slices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from magicgui.widgets import Container, PushButton
from psygnal import Signal
from qtpy.QtWidgets import QWidget

from napari_style_transfer.errors import InputError
from napari_style_transfer.plugin.inputs import translators
from napari_style_transfer.plugin.inputs.content_watch import UNCOLOURED
from napari_style_transfer.plugin.inputs.proxy import without_proxy
from napari_style_transfer.plugin.inputs.translation_job import TranslationJob, translation_job
from napari_style_transfer.plugin.inputs.translators import TranslatorEntry
from napari_style_transfer.plugin.outputs.translated import (
    TranslatedLayer,
    look_of,
    show_translated,
)
from napari_style_transfer.plugin.runs.live import LivePicture
from napari_style_transfer.plugin.runs.loaded import Loaded
from napari_style_transfer.plugin.runs.messages import Applied, Failed
from napari_style_transfer.plugin.runs.translating import (
    apply_translator,
    load_translator,
    translate_slice,
)
from napari_style_transfer.plugin.runs.worker import Run
from napari_style_transfer.plugin.widgets.calm import lock, make_calm
from napari_style_transfer.plugin.widgets.combo import ComboField, told_apart
from napari_style_transfer.plugin.widgets.layer_choice import LayerChoice
from napari_style_transfer.plugin.widgets.layout import fill
from napari_style_transfer.plugin.widgets.live_link import LiveLink
from napari_style_transfer.plugin.widgets.session import session_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer

    from napari_style_transfer.plugin.runs.lifetime import Lifetime
    from napari_style_transfer.translation import TranslationInfo
    from napari_style_transfer.translator import Translator

NO_TRANSLATOR = "Learn a translation first, or load one under My translators."
_NO_LAYER = "Open a picture as an image layer first."
_APPLYING = "The first slice is being translated."
#: What the choice of a translator shows while there is none.
_NONE = "none yet"
#: Seconds that napari may stand still for a slice before the user is told how to avoid it.
_SLOW = 0.5
_ASYNCHRONOUS = (
    "Meanwhile napari waits, unless 'Render Layers Asynchronously' is on, under File ▸ Preferences ▸ "
    "Experimental."
)


class ApplySection(QWidget):
    """Translates a layer by the translator that is chosen.

    Signals
    -------
    changed
        Another translator is chosen, or something has begun or ended.
    said
        A sentence for the user; the second argument says whether it is of something that went wrong.

    Parameters
    ----------
    viewer
        The viewer whose layers are offered and that gets the results.
    lifetime
        Of the widget.
    source
        Returns the layer that is translated where no other is chosen.
    device
        Returns where to compute.

    Attributes
    ----------
    translator, content
        The choices of the translator and of the layer.
    preview, apply
        The buttons.
    picture
        What is shown live.
    """

    changed = Signal()
    said = Signal(str, bool)

    def __init__(
        self,
        viewer: ViewerModel,
        lifetime: Lifetime,
        source: Callable[[], Image | None],
        device: Callable[[], str],
    ) -> None:
        super().__init__()
        self._viewer, self._lifetime = viewer, lifetime
        self._source, self._device = source, device
        self._session = session_of(viewer, "Translate with")
        self._entries: dict[str, TranslatorEntry] = {}
        self._learned: TranslatorEntry | None = None
        self._loaded: Loaded[Translator] = Loaded(load_translator)
        self._run: Run | None = None
        self._live_said, self._warned = "", ""
        self.translator = ComboField(
            choices=[(_NONE, "")],
            name="translator",
            label="Translator",
            tooltip="What was learned. With Continue it is learned longer.",
        )
        make_calm(self.translator.native)
        self.content = LayerChoice(
            viewer,
            none="the source",
            accept=self._is_offered,
            name="content",
            label="Apply to",
            tooltip="The layer to translate, of the same kind as the source.",
        )
        self.preview = PushButton(
            name="preview",
            text="Preview",
            tooltip="Translate the slice on screen, and follow it; while learning, with what "
            "is learned so far. Press again to leave the picture as it is.",
        )
        self.apply = PushButton(
            name="apply",
            text="Apply",
            tooltip="Add a layer of all slices, each of which is translated when it is shown first.",
        )
        self.form = Container[Any]()
        self.form.extend([self.translator, self.content])
        fill(self, self.form.native, [self.preview.native, self.apply.native])
        self.picture = LivePicture(
            self, viewer, lifetime, self._job, self._say_live, translate_slice, self._layer
        )
        self._link = LiveLink(viewer, lifetime, self.picture, "Translate", UNCOLOURED)
        lifetime.closing.append(self._stop)
        self.read_library()
        if self._session.get("key") in self._entries:
            self.translator.value = self._session["key"]
        self.preview.changed.connect(self._on_preview)
        self.apply.changed.connect(self._on_apply)
        self.translator.changed.connect(self._on_change)
        self.content.changed.connect(self._on_change)

    # ---- translators -----------------------------------------------------------------------------

    @property
    def entry(self) -> TranslatorEntry | None:
        """The translator that is chosen."""
        return self._entries.get(self.translator.value or "")

    def read_library(self) -> list[str]:
        """Show the translators that there are now; return a sentence for each damaged file."""
        found, wrong = translators.entries()
        own = [] if self._learned is None else [self._learned]
        self._entries = {entry.key: entry for entry in [*own, *found]}
        names = told_apart([entry.name for entry in self._entries.values()])
        before = self.translator.value
        with self.translator.changed.blocked():
            choices = list(zip(names, self._entries, strict=True))
            self.translator.choices = choices or [(_NONE, "")]
            if before in self._entries:
                self.translator.value = before
        return wrong

    def choose(self, key: str) -> None:
        """Choose a translator by its key, if it is there."""
        if key in self._entries:
            self.translator.value = key
        self._on_change()

    def offer(self, learned: Translator) -> None:
        """Offer what is learned so far, and choose it unless the user has chosen another since."""
        choose = self._learned is None or self.entry is self._learned
        self._learned = TranslatorEntry(learned, learned.info)
        self.read_library()
        if choose:
            self.choose(self._learned.key)

    def saved(self, path: str) -> None:
        """Offer what was learned as a file from now on."""
        was_chosen = self._learned is None or self.entry is self._learned
        self._learned = None
        self.read_library()
        self.choose(path if was_chosen else self.translator.value)

    # ---- the slice on screen ---------------------------------------------------------------------

    def begin(self) -> None:
        """Translate the slice on screen, and follow it."""
        content = self._content()
        if content is not None and self.entry is not None:
            self._warn()
            self._link.begin(content)

    def follow_choice(self, *_: Any) -> None:
        """Translate what is chosen now, if something is translated."""
        if self.picture.on and self.entry is None:
            self.leave()
        elif self.picture.on and self._content() is not self._link.content:
            self.begin()
        elif self.picture.on:
            if self._warned != self._warnings():
                self._warn()
            self.picture.change()

    def leave(self) -> None:
        """Follow nothing any longer."""
        self._link.end()
        self.changed.emit()

    def on_removed(self) -> None:
        """End the live link cleanly when its content or its layer is deleted."""
        if why := self._link.why_over():
            self.leave()
            self.said.emit(why, False)
        self.picture.forget()

    def owns(self, layer: Layer) -> bool:
        """Return whether a layer is the live one."""
        picture = self.__dict__.get("picture")
        return picture is not None and picture.owns(layer)

    def show_state(self) -> None:
        """Enable what can be pressed; the tooltip of what cannot says why."""
        obstacle = NO_TRANSLATOR if self.entry is None else ""
        if self._content() is None:
            obstacle = _NO_LAYER
        self.preview.text = "Pause" if self.picture.on else "Preview"
        lock(self.preview.native, "" if self.picture.on else obstacle)
        lock(self.apply.native, obstacle or ("" if self._run is None else _APPLYING))
        self.apply.text = "Apply" if self._run is None else "Applying…"

    def _warnings(self) -> str:
        """Return what is wrong with the chosen translator."""
        return "" if self.entry is None else " ".join(self.entry.info.warnings)

    def _warn(self) -> None:
        """Say what is wrong with the chosen translator."""
        self._warned = self._warnings()
        self.said.emit(self._warned, False)

    def _on_preview(self) -> None:
        if self.picture.on:
            self.leave()
        elif self.preview.enabled:
            self.begin()
        self.changed.emit()

    def _on_change(self) -> None:
        self._session["key"] = self.translator.value
        self.follow_choice()
        self.changed.emit()

    def _say_live(self, sentence: str) -> None:
        """Say what is wrong with the live picture, until it is right again."""
        if self._lifetime.ended:
            return
        if sentence or self._live_said:
            self.said.emit(sentence, False)
        self._live_said = sentence
        if not sentence:
            self._link.note()
        self.changed.emit()

    # ---- all slices ------------------------------------------------------------------------------

    def _on_apply(self) -> None:
        if not self.apply.enabled or self._run is not None:
            return
        try:
            job = self._job()
        except InputError as error:
            self.said.emit(str(error), True)
            return
        # Qt would cut a method of this widget off when it deletes it, and the end would not be heard.
        self._run = Run(
            job, apply_translator, lambda message: self._hear(message), lambda: self._on_end()
        )
        self.said.emit("", False)
        self.changed.emit()
        self._run.start()

    def _hear(self, message: Applied | Failed | None) -> None:
        if self._lifetime.ended or message is None:
            return
        if isinstance(message, Failed):
            self.said.emit(message.sentence("translation"), True)
            return
        self.leave()
        live = self.picture.layer
        if live is not None and live.layer is not None:
            live.layer.visible = False
        look = self._look_of(message.job.info)
        layer = show_translated(self._viewer, message.slices, message.job, look)
        told = f"Added '{layer.name}'."
        if len(message.job.slices) > 1:
            told += f" Each slice is translated when it is shown first, in {message.seconds:.1f} s."
        if len(message.job.slices) > 1 and message.seconds > _SLOW:
            told += f" {_ASYNCHRONOUS}"
        self.said.emit(" ".join([told, *message.job.info.warnings]), False)

    def _on_end(self) -> None:
        self._run = None
        if not self._lifetime.ended:
            self.changed.emit()

    def _stop(self) -> None:
        if self._run is not None:
            self._run.stop()

    # ---- parts -----------------------------------------------------------------------------------

    def _job(self) -> TranslationJob:
        entry = self.entry
        if entry is None:
            raise InputError(NO_TRANSLATOR)
        load, source = self._loaded.get, entry.source
        return translation_job(self._content(), lambda: load(source), entry.info, self._device())

    def _content(self) -> Image | None:
        chosen: Image | None = self.content.layer
        return self._source() if chosen is None else chosen

    def _layer(self, _: Image, layer: Image | None) -> TranslatedLayer:
        return TranslatedLayer(self._viewer, "", layer, self._look)

    def _look(self) -> Mapping[str, Any]:
        return {} if self.entry is None else self._look_of(self.entry.info)

    def _look_of(self, info: TranslationInfo) -> Mapping[str, Any]:
        named = (each for each in self._viewer.layers if each.name == info.target)
        target = next((each for each in named if each._type_string == "image"), None)
        return look_of(info, without_proxy(target, self._viewer))

    def _is_offered(self, layer: Layer) -> bool:
        return not self.owns(layer)
