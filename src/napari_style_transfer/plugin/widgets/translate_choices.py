"""What is chosen for learning a translation: two layers, and the parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import Container
from magicgui.widgets.bases import ValueWidget
from psygnal import Signal

from napari_style_transfer.plugin.inputs.translation_job import is_synthetic
from napari_style_transfer.plugin.widgets.calm import lock
from napari_style_transfer.plugin.widgets.fields import (
    TypedField,
    build_field,
    commit,
    is_advanced,
)
from napari_style_transfer.plugin.widgets.layer_choice import LayerChoice
from napari_style_transfer.plugin.widgets.session import kept, session_of
from napari_style_transfer.translation import TranslationSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from napari.layers import Image, Layer

_FEW = (
    "Open two image layers: pictures of one kind, and of another. Labels are not offered, for they stay "
    "as they are."
)
_SAME = "Source and target are the same layer; choose two."
_LOCKED = "A translation is being learned; stop it first, or wait until it is done."


class TranslateChoices:
    """Source and target, and a field for every parameter.

    Signals
    -------
    changed
        Something else is chosen.
    refused
        What was typed cannot be taken (the argument says so); "" when what is typed next can.

    Parameters
    ----------
    viewer
        The viewer whose layers are offered.
    accept
        Returns whether an image layer is offered.

    Attributes
    ----------
    form, advanced
        The fields that everyone uses, and the others.
    source, target
        The choices of the layers.
    fields
        One for every parameter of :class:`TranslationSettings`, by name.
    """

    changed = Signal()
    refused = Signal(str)

    def __init__(self, viewer: ViewerModel, accept: Callable[[Layer], bool]) -> None:
        self._session = session_of(viewer, "Translate")
        self.source = LayerChoice(
            viewer,
            accept=accept,
            name="source",
            label="Source",
            tooltip="The layer whose pictures are to look like the target's. Of a stack, all slices "
            "count; values are taken as they are, whatever the contrast limits.",
        )
        self.target = LayerChoice(
            viewer,
            accept=accept,
            name="target",
            label="Target",
            tooltip="A layer with pictures of the other kind. They need not show the same things; "
            "pixels should have about the same size.",
        )
        names = TranslationSettings.model_fields
        self.fields: dict[str, ValueWidget[Any]] = {
            name: build_field(name, TranslationSettings) for name in names
        }
        self.form, self.advanced = Container[Any](), Container[Any]()
        self.form.extend([self.source, self.target])
        for name, field in self.fields.items():
            is_rare = is_advanced(name, TranslationSettings) or name == "device"
            (self.advanced if is_rare else self.form).append(field)
        self._restore()
        for each in (self.source, self.target, *self.fields.values()):
            each.changed.connect(self._on_change)
            if isinstance(each, TypedField):
                each.refused.connect(lambda sentence: self.refused.emit(sentence))

    def layers(self) -> tuple[Image | None, Image | None]:
        """Return source and target; None for one that is not chosen."""
        return self.source.layer, self.target.layer

    def settings(self) -> TranslationSettings:
        """Return the settings as the fields show them."""
        return TranslationSettings(**{name: field.value for name, field in self.fields.items()})

    def commit(self) -> bool:
        """Take what is typed and not taken yet; return False if something cannot be."""
        forms = self.form.native, self.advanced.native
        committed = [commit(each, self.fields.values()) for each in forms]
        return all(committed)

    def obstacle(self) -> str:
        """Return a sentence on what is missing; "" if nothing is."""
        if len(self.source.choices) < 2:
            return _FEW
        source, target = self.layers()
        return _SAME if source is target else ""

    def reset(self) -> None:
        """Read the viewer's layers again, and propose a target that is not the source."""
        for choice in (self.source, self.target):
            choice.reset_choices()
        if self.target.value is self.source.value:
            others = [each for each in self.target.choices if each is not self.source.value]
            if real := [each for each in others if not is_synthetic(each)]:
                self.target.value = real[0]

    def lock(self, running: bool) -> None:
        """Lock everything while something is learned; the tooltip says why."""
        reason = _LOCKED if running else ""
        for each in (self.source, self.target, *self.fields.values()):
            lock(each.native, reason)

    def _restore(self) -> None:
        """Show what was chosen before in this viewer."""
        for name, value in self._session.get("fields", {}).items():
            self.fields[name].value = value
        for name in ("source", "target"):
            if name in self._session:
                getattr(self, name).restore(self._session[name]())

    def _on_change(self, *_: Any) -> None:
        self._session["fields"] = {name: field.value for name, field in self.fields.items()}
        self._session["source"] = kept(self.source.value)
        self._session["target"] = kept(self.target.value)
        self.changed.emit()
