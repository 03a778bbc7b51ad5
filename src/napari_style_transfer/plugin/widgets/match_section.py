"""The section *Colour and stain, live*: one layer shown in the colours or the stains of another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from magicgui.widgets import Container, PushButton
from qtpy.QtWidgets import QWidget

from napari_style_transfer.augment.settings import Instant
from napari_style_transfer.plugin.inputs.content_watch import ContentWatch
from napari_style_transfer.plugin.inputs.match_job import MatchJob, match_job
from napari_style_transfer.plugin.outputs.live_layer import MatchedLayer
from napari_style_transfer.plugin.outputs.sheet_layer import is_sheet
from napari_style_transfer.plugin.runs.live import LivePicture
from napari_style_transfer.plugin.runs.matching import match_picture
from napari_style_transfer.plugin.widgets.calm import lock, make_calm
from napari_style_transfer.plugin.widgets.combo import ComboField
from napari_style_transfer.plugin.widgets.fields import NumberField
from napari_style_transfer.plugin.widgets.layer_choice import LayerChoice
from napari_style_transfer.plugin.widgets.layout import fill, flush
from napari_style_transfer.plugin.widgets.live_link import LiveLink
from napari_style_transfer.plugin.widgets.number_box import NumberRange
from napari_style_transfer.plugin.widgets.sentence import Sentence

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer

    from napari_style_transfer.plugin.runs.lifetime import Lifetime

_FEW = "Open two image layers: a picture, and one whose colours it is to have."
_SAME = "Choose another layer as the style."
_NOTHING = "Nothing is matched yet; press Match first."


class MatchSection(QWidget):
    """Two layers, a way and a strength in; a live layer out, in the content's own type.

    Parameters
    ----------
    viewer
        The viewer whose layers are offered.
    lifetime
        Of the widget.

    Attributes
    ----------
    content, reference
        The choices of the layers.
    way, strength
        The fields.
    match, keep
        The buttons.
    picture
        What is shown live.
    """

    def __init__(self, viewer: ViewerModel, lifetime: Lifetime) -> None:
        super().__init__()
        self._viewer, self._lifetime = viewer, lifetime
        self.content = LayerChoice(
            viewer,
            accept=self._is_offered,
            name="content",
            label="Content",
            tooltip="The layer to match: the slice on screen.",
        )
        self.reference = LayerChoice(
            viewer,
            accept=self._is_offered,
            name="reference",
            label="Style",
            tooltip="The layer whose colours or stains are taken.",
        )
        self.way = ComboField(
            choices=get_args(Instant),
            name="way",
            label="Way",
            tooltip="colour matches mean and covariance of the colours, and of grey pictures brightness "
            "and contrast; stain matches the two stains of slides in bright field (Macenko).",
        )
        make_calm(self.way.native)
        self.strength = NumberField(
            NumberRange("Strength", 0, 1, step=0.05, page=0.2),
            1.0,
            slider=True,
            name="strength",
            tooltip="Share of the way to the style's colours.",
        )
        self.match = PushButton(
            name="match",
            text="Match",
            tooltip="Match live: follow the content, the slice on screen and the slider. Press again to "
            "leave the picture as it is.",
        )
        self.keep = PushButton(
            name="keep", text="Keep", tooltip="Keep the picture as it is now in a layer of its own."
        )
        self._text = Sentence()
        self._lay_out()
        self.picture = LivePicture(
            self, viewer, lifetime, self._job, self._say, match_picture, self._layer
        )
        self._link = LiveLink(viewer, lifetime, self.picture, "Augment Training Images")
        self._style_watch = ContentWatch(viewer, self.picture.change, self._on_style_moved)
        lifetime.closing.append(self._leave)
        self._connect()

    def reset_choices(self) -> None:
        """Read the viewer's layers again."""
        for choice in (self.content, self.reference):
            choice.reset_choices()
        choices = self.reference.choices
        if self.reference.value is self.content.value and len(choices) > 1 and not self.picture.on:
            self.reference.value = next(each for each in choices if each is not self.content.value)
        self._refresh()

    def on_removed(self) -> None:
        """End the live link cleanly when one of its layers is deleted."""
        if why := self._link.why_over():
            self._leave()
            self._say(why)
        self.picture.forget()

    def _on_match(self) -> None:
        if self.picture.on:
            self._leave()
        elif self.match.enabled:
            self._begin()
        self._refresh()

    def _on_keep(self) -> None:
        if told := self._link.keep():
            self._say(told)

    def _on_change(self) -> None:
        if self.picture.on:
            if self.content.layer is self._link.content:
                self._style_watch.watch(self.reference.layer)
                self.picture.change()
            else:
                self._begin()
        self._refresh()

    def _on_style_moved(self) -> None:
        style = self._style_watch.layer
        if style is not None and style.ndim > 2:
            self.picture.change()

    def _begin(self) -> None:
        content = self.content.layer
        if content is not None:
            self._say("")
            self._style_watch.watch(self.reference.layer)
            self._link.begin(content)

    def _leave(self) -> None:
        self._style_watch.watch(None)
        self._link.end()

    def _job(self) -> MatchJob:
        return match_job(
            self.content.layer, self.reference.layer, self.way.value, self.strength.value
        )

    def _layer(self, content: Image, layer: Image | None) -> MatchedLayer:
        return MatchedLayer(self._viewer, "", layer, content=content)

    def _say(self, sentence: str) -> None:
        if self._lifetime.ended:
            return
        self._text.say(sentence)
        if not sentence:
            self._link.note()
        self._refresh()

    def _refresh(self) -> None:
        """Enable what can be pressed; the tooltip of what cannot says why."""
        if self._lifetime.ended:
            return
        obstacle = ""
        if len(self.content.choices) < 2:
            obstacle = _FEW
        elif self.content.value is self.reference.value:
            obstacle = _SAME
        on = self.picture.on
        self.match.text = "Pause" if on else "Match"
        lock(self.match.native, "" if on else obstacle)
        lock(self.keep.native, "" if self.picture.layer is not None else _NOTHING)

    def _is_offered(self, layer: Layer) -> bool:
        picture = self.__dict__.get("picture")
        return not is_sheet(layer) and (picture is None or not picture.owns(layer))

    def _lay_out(self) -> None:
        form = Container[Any]()
        form.extend([self.content, self.reference, self.way, self.strength])
        flush(form.native)
        self._form = form
        fill(self, form.native, [self.match.native, self.keep.native], self._text)

    def _connect(self) -> None:
        self.match.changed.connect(self._on_match)
        self.keep.changed.connect(self._on_keep)
        for field in (self.content, self.reference, self.way, self.strength):
            field.changed.connect(self._on_change)
        self.strength.refused.connect(lambda sentence: self._say(sentence))
