"""A choice among a viewer's layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox
from magicgui.widgets.bases import CategoricalWidget

from napari_style_transfer.plugin.widgets.fields import make_calm

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer


class LayerChoice(ComboBox):
    """Offers the layers of `viewer` that are of some kinds, docked in its window or not.

    The choice stays with its layer when that is renamed or moved; magicgui's own follows the name.

    Parameters
    ----------
    viewer
        The viewer.
    kinds
        Names of the layer classes offered.
    none
        What the choice of no layer is called; there is no such choice if it is empty.
    **kwargs
        As magicgui takes them.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        *,
        kinds: Sequence[str] = ("Image",),
        none: str = "",
        **kwargs: Any,
    ) -> None:
        self._viewer = viewer
        self._kinds = kinds
        self.null_string = none
        super().__init__(choices=self._layers, nullable=bool(none), **kwargs)
        make_calm(self.native)

    def reset_choices(self, *_: Any) -> None:
        """Read the viewer's layers again."""
        before = self.value
        with self.changed.blocked():
            super().reset_choices()
            if before in self.choices:
                self.value = before
            elif self._nullable:
                self.value = None
        if self.value is not before:
            self.changed.emit(self.value)

    def choose(self, name: str | None) -> None:
        """Choose the layer of that name if it is offered; none for None."""
        named = [layer for layer in self.choices if layer is not None and layer.name == name]
        if named:
            self.value = named[0]
        elif self._nullable:
            self.value = None

    def _layers(self, _: CategoricalWidget[Any]) -> list[Layer]:
        from napari import layers

        offered = tuple(getattr(layers, kind) for kind in self._kinds)
        return [layer for layer in self._viewer.layers if isinstance(layer, offered)]
