"""A choice among a viewer's layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from magicgui.widgets.bases import CategoricalWidget
from qtpy.QtCore import Qt

from napari_style_transfer.plugin.inputs.proxy import without_proxy
from napari_style_transfer.plugin.widgets.calm import make_calm
from napari_style_transfer.plugin.widgets.combo import ComboField

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer


class LayerChoice(ComboField):
    """Offers the layers of `viewer` that are of some kinds, docked in its window or not.

    The choice stays with its layer when that is renamed or moved; magicgui's own follows the name.
    A layer that a recipe names but that is not open is `missing`: then nothing is chosen, until the
    user chooses or a layer of that name is opened.

    Parameters
    ----------
    viewer
        The viewer.
    kinds
        Names of the layer classes offered.
    none
        What the choice of no layer is called; there is no such choice if it is empty.
    accept
        Returns whether a layer of these kinds is offered.
    **kwargs
        As magicgui takes them.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        *,
        kinds: Sequence[str] = ("Image",),
        none: str = "",
        accept: Callable[[Layer], bool] = lambda _: True,
        **kwargs: Any,
    ) -> None:
        self._viewer = viewer
        self._kinds, self._accept = kinds, accept
        self._missing: str | None = None
        self.null_string = none
        super().__init__(choices=self._layers, nullable=bool(none), **kwargs)
        make_calm(self.native)

    @property
    def layer(self) -> Any:
        """The layer that is chosen, without the proxy in which napari hands it to plugins; or None."""
        return without_proxy(self.value, self._viewer)

    @property
    def missing(self) -> str | None:
        """Name of the layer that should be chosen and is not open."""
        return self._missing

    def reset_choices(self, *_: Any) -> None:
        """Read the viewer's layers again."""
        before, missing = self.value, self._missing
        with self.changed.blocked():
            super().reset_choices()
            if before is not None and before in self.choices:
                self.value = before
            elif missing is not None:
                self._choose_nothing(missing)
                self.choose(missing)
            elif self._nullable:
                self.value = None
        self._name_in_tooltips()
        if self.value is not before:
            self.changed.emit(self.value)

    def choose(self, name: str | None) -> None:
        """Choose the layer of that name, or of that path; where there is none, it is missing."""
        layers = [layer for layer in self.choices if layer is not None]
        named = [layer for layer in layers if layer.name == name]
        named += [layer for layer in layers if layer.source.path == name]
        if name is None:
            if self._nullable:
                self.value = None
        elif named:
            self.value = named[0]
        else:
            self._choose_nothing(name)

    def restore(self, layer: Layer | None) -> None:
        """Choose a layer if it is offered."""
        found = next((each for each in self.choices if each == layer), None)
        if found is not None or self._nullable:
            self.value = found

    def _choose_nothing(self, missing: str) -> None:
        self.native.setPlaceholderText(f"open '{missing}'")
        self._missing = missing
        self.native.setCurrentIndex(-1)

    def _on_value_change(self, value: Any = None) -> None:
        """Tell of the choice of nothing, too; nothing is missing once something is chosen."""
        if self.native.currentIndex() >= 0:
            self._missing = None
        self.changed.emit(value)

    def _name_in_tooltips(self) -> None:
        """Let the list show a name as a whole where the pointer rests on it."""
        for index in range(self.native.count()):
            self.native.setItemData(index, self.native.itemText(index), Qt.ItemDataRole.ToolTipRole)

    def _layers(self, _: CategoricalWidget[Any]) -> list[Layer]:
        from napari import layers

        offered = tuple(getattr(layers, kind) for kind in self._kinds)
        layers = (layer for layer in self._viewer.layers if isinstance(layer, offered))
        return [layer for layer in layers if self._accept(layer)]
