"""A choice among a viewer's image layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox
from magicgui.widgets.bases import CategoricalWidget

from napari_style_transfer.plugin.fields import make_calm

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image


class LayerChoice(ComboBox):
    """Offers the image layers of `viewer`, docked in its window or not.

    The choice stays with its layer when that is renamed or moved; magicgui's own follows the name.
    """

    def __init__(self, viewer: ViewerModel, **kwargs: Any) -> None:
        self._viewer = viewer
        super().__init__(choices=self._images, **kwargs)
        make_calm(self.native)

    def reset_choices(self, *_: Any) -> None:
        """Read the viewer's layers again."""
        before = self.value
        with self.changed.blocked():
            super().reset_choices()
            if before in self.choices:
                self.value = before
        if self.value is not before:
            self.changed.emit(self.value)

    def _images(self, _: CategoricalWidget[Any]) -> list[Image]:
        from napari.layers import Image

        return [layer for layer in self._viewer.layers if isinstance(layer, Image)]
