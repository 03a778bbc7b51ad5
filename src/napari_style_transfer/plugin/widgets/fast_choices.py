"""What is chosen for painting live: content, styles, and how they are painted."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from magicgui.widgets import Container
from psygnal import Signal
from qtpy.QtWidgets import QWidget

from napari_style_transfer.errors import InputError
from napari_style_transfer.fast_style import STROKE_SIZES
from napari_style_transfer.plugin.inputs import library
from napari_style_transfer.plugin.inputs.fast_job import FastChoice, FastNote
from napari_style_transfer.plugin.inputs.library import FastEntry
from napari_style_transfer.plugin.widgets.calm import make_calm
from napari_style_transfer.plugin.widgets.combo import ComboField, told_apart
from napari_style_transfer.plugin.widgets.fields import NumberField, TypedField, build_field
from napari_style_transfer.plugin.widgets.gallery import Gallery, Thumbnail
from napari_style_transfer.plugin.widgets.layer_choice import LayerChoice
from napari_style_transfer.plugin.widgets.layout import fill, flush
from napari_style_transfer.plugin.widgets.number_box import NumberRange
from napari_style_transfer.plugin.widgets.remembered import remember, remembered
from napari_style_transfer.plugin.widgets.session import kept, session_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_style_transfer.fast_style import FastStyle

#: What the choice of no second style is called.
_NONE = "nothing"
_NAME = "Fast Style"
#: The fields that the next napari has still.
_REMEMBERED = ("strength", "stroke_size", "other", "share", "size", "device")
_NO_STYLE = "Choose a style in the gallery."


class FastChoices:
    """The content, the gallery, and the fields below it.

    Signals
    -------
    changed
        Something else is to be painted.
    chosen
        The user has chosen a style.
    refused
        What was typed cannot be taken (the argument says so); "" when what is typed next can.

    Parameters
    ----------
    viewer
        The viewer whose layers are offered.
    accept
        Returns whether a layer is offered as the content.

    Attributes
    ----------
    native
        All of them, laid out.
    content, gallery, other
        The choices of the layer, of the style, and of the style that is mixed in.
    strength, stroke_size, share, size, divider, device
        The fields.
    """

    changed = Signal()
    chosen = Signal()
    refused = Signal(str)

    def __init__(self, viewer: ViewerModel, accept: Callable[[Layer], bool]) -> None:
        self.native = QWidget()
        self._session = session_of(viewer, _NAME)
        self._entries: dict[str, FastEntry] = {}
        self._learned: dict[str, FastEntry] = {}
        self.content = LayerChoice(
            viewer,
            name="content",
            label="Content",
            tooltip="The layer to paint anew.",
            accept=accept,
        )
        self.gallery = Gallery()
        self.strength, self.size = build_field("strength"), build_field("size")
        self.device = build_field("device")
        self.stroke_size = NumberField(
            NumberRange("Stroke size", *STROKE_SIZES, step=1.05, page=1.2, by_ratio=True),
            1.0,
            slider=True,
            name="stroke_size",
            tooltip="Relative to that of the style picture when it was learned.",
        )
        self.other = ComboField(
            choices=[(_NONE, "")],
            value="",
            name="other",
            label="Mix with",
            tooltip="A second style to mix in.",
        )
        make_calm(self.other.native)
        self.share = NumberField(
            NumberRange("Share", 0, 1, step=0.05, page=0.2),
            0.5,
            slider=True,
            name="share",
            tooltip="Of the second style: from 0, none, to 1, nothing else.",
        )
        self.divider = NumberField(
            NumberRange("Before / after", 0, 1, step=0.02, page=0.1),
            0.0,
            slider=True,
            name="divider",
            tooltip="Where the painting begins: left of it the content is seen. You can also drag the "
            "painting's left edge in the picture.",
        )
        form, fields = Container[Any](), Container[Any]()
        form.extend([self.content])
        fields.extend(
            [self.strength, self.stroke_size, self.other, self.share, self.size, self.divider]
        )
        for each in (form, fields):
            flush(each.native)
        self._forms = form, fields  # or Python would delete them
        fill(self.native, form.native, self.gallery, fields.native)
        self.share.visible = False
        self._restore()
        for field in (self.strength, self.stroke_size, self.share, self.size, self.divider):
            assert isinstance(field, TypedField)
            field.refused.connect(lambda sentence: self.refused.emit(sentence))
        for field in (
            self.content, self.strength, self.stroke_size, self.other, self.share, self.size,
            self.device,
        ):  # fmt: skip
            field.changed.connect(self._on_change)
        self.divider.changed.connect(self.keep)
        self.gallery.chosen.connect(self._on_chosen)

    @property
    def entry(self) -> FastEntry | None:
        """The style that is chosen."""
        return self._entries.get(self.gallery.key())

    def choice(self) -> FastChoice:
        """Return what is chosen.

        Raises
        ------
        InputError
            If no style is.
        """
        if self.entry is None:
            raise InputError(_NO_STYLE)
        return FastChoice(
            style=self.entry,
            other=self._entries.get(self.other.value or ""),
            share=self.share.value,
            strength=self.strength.value,
            stroke_size=self.stroke_size.value,
            size=self.size.value,
            device=self.device.value,
        )

    def read_library(self) -> list[str]:
        """Show the styles that there are now, and return a sentence for each file that is damaged."""
        found, wrong = library.entries()
        self._entries = {entry.key: entry for entry in [*found, *self._learned.values()]}
        entries = self._entries.values()
        self.gallery.show_all(
            [Thumbnail(entry.key, entry.name, entry.thumbnail, entry.about) for entry in entries]
        )
        names = told_apart([entry.name for entry in entries])
        other = self.other.value
        with self.other.changed.blocked():
            self.other.choices = [(_NONE, ""), *zip(names, self._entries, strict=True)]
            self.other.value = other if other in self._entries else ""
        return wrong

    def offer_learned(self, fast: FastStyle | None) -> str:
        """Offer what is being learned, until it is in a file; return the key of its first style."""
        learned = [] if fast is None else library.entries_of(fast, fast.info)
        self._learned = {entry.key: entry for entry in learned}
        self.read_library()
        return next(iter(self._learned), "")

    def choose(self, key: str) -> None:
        """Choose a style, as if the user had clicked on it."""
        self.gallery.choose(key)
        self._on_chosen(key)

    def recall(self, note: FastNote) -> list[str]:
        """Choose what a layer was painted with, and return the names of styles that are missing."""
        missing = [
            name
            for name, key in ((note.style, note.style_key), (note.other, note.other_key))
            if key is not None and key not in self._entries and name is not None
        ]
        if missing:
            return missing
        self.gallery.choose(note.style_key)
        self.other.value = note.other_key or ""
        self.share.value, self.strength.value = note.share, note.strength
        self.stroke_size.value, self.size.value = note.stroke_size, note.size
        return []

    def keep(self, *_: Any) -> None:
        """Keep what is chosen for a widget that is opened when this one is closed; fields for longer."""
        fields = {name: getattr(self, name).value for name in (*_REMEMBERED, "divider")}
        remember(_NAME, {name: fields[name] for name in _REMEMBERED})
        self._session["fields"] = fields
        self._session["content"] = kept(self.content.value)
        self._session["style"] = self.gallery.key()

    def _restore(self) -> None:
        self.read_library()
        session = self._session
        before = session["fields"] if session else remembered(_NAME)
        for name, value in before.items():
            if name in (*_REMEMBERED, "divider") and (name != "other" or value in self._entries):
                with contextlib.suppress(TypeError, ValueError):  # it is kept in a file
                    getattr(self, name).value = value
        if session:
            self.content.restore(session["content"]())
            self.gallery.choose(session["style"])
        self.share.visible = bool(self.other.value)

    def _on_chosen(self, _: str) -> None:
        self.keep()
        self.chosen.emit()

    def _on_change(self, *_: Any) -> None:
        self.share.visible = bool(self.other.value)
        self.keep()
        self.changed.emit()
