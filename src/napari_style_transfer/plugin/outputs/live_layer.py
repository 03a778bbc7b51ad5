"""The layer that is painted live, and the divider between it and its content."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_style_transfer.errors import InputError
from napari_style_transfer.plugin.inputs.slicing import shown_point
from napari_style_transfer.plugin.outputs.result import PAINTED, PictureLayer
from napari_style_transfer.plugin.outputs.view import bring_into_view
from napari_style_transfer.stack.base import rgba

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_style_transfer.plugin.inputs.placement import Placement


class LiveLayer(PictureLayer):
    """Shows one picture after another over the content; main thread only.

    Left of the divider it is see-through, so that the content is seen. The colours are there all the
    same.

    Parameters
    ----------
    viewer, name, layer, look
        As of :class:`PictureLayer`.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        name: str,
        layer: Image | None = None,
        look: Mapping[str, Any] = PAINTED,
    ) -> None:
        super().__init__(viewer, name, layer, look)
        self._painted: tuple[npt.NDArray[Any], Placement] | None = None
        self._divider: float | None = None
        self._given = name if layer is None else layer.name

    @property
    def painted(self) -> tuple[npt.NDArray[Any], Placement] | None:
        """The picture that was painted last, as a whole, and where it lies."""
        return self._painted

    def show(
        self,
        picture: npt.NDArray[Any],
        placement: Placement,
        name: str,
        metadata: Mapping[str, Any],
    ) -> None:
        """Show a picture, and keep with it how it was made."""
        self._painted = picture, placement
        is_new, renamed = self._layer is None, name != self._name
        self._name = name
        self._draw()
        layer = self.layer
        if layer is None:
            return
        layer.metadata.update(metadata)
        if renamed and not is_new and layer.name == self._given:  # what the user calls it stays
            layer.name = name
            self._given = layer.name
        elif is_new:
            self._given = layer.name

    def keep(self) -> str:
        """Put a copy of the picture aside, hidden below, and return its name; "" if there is none."""
        layer = self.layer
        if self._painted is None or layer is None:
            return ""
        picture, placement = self._painted
        copy = PictureLayer(self._viewer, layer.name, look=self._look)
        copy.put(picture.copy(), placement)
        assert copy.layer is not None
        copy.layer.metadata.update(layer.metadata)
        copy.layer.visible = False
        bring_into_view(self._viewer, layer)
        self._viewer.layers.selection.active = layer
        return str(copy.layer.name)

    def divide(self, divider: float | None) -> None:
        """Show the content left of the divider, from 0 (none of it) to 1; None takes the divider away."""
        if divider != self._divider:
            self._divider = divider
            if self.layer is not None:
                self._draw()

    def hide_if_stale(self) -> None:
        """Show nothing, where napari would show the picture at a slice that it is not of.

        A layer of one slice is not shown at others, but where slices are thick it is shown at several.
        """
        layer = self.layer
        if layer is None or self._painted is None:
            return
        try:
            shown_point(layer)
        except InputError:
            return  # it is not shown
        picture, placement = self._painted
        self.put(self._nothing(picture), placement)

    def _nothing(self, picture: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return a picture of that size in which nothing is seen."""
        return np.zeros((*picture.shape[:2], 4), np.uint8)

    def _draw(self) -> None:
        if self._painted is None:
            return
        picture, placement = self._painted
        shown = picture if picture.shape[-1] == 4 else rgba(picture, None)
        if self._divider is not None:
            shown = shown.copy()
            shown[:, : round(self._divider * shown.shape[1]), 3] = 0
        self.put(shown, placement)


class MatchedLayer(LiveLayer):
    """Shows pictures that have the content's type, in the colours in which it is shown; no divider.

    Parameters
    ----------
    viewer, name, layer
        As of :class:`PictureLayer`.
    content
        What they are made of.
    """

    def __init__(
        self, viewer: ViewerModel, name: str, layer: Image | None = None, *, content: Image
    ) -> None:
        shown = ("rgb", "gamma", "colormap", "contrast_limits", "interpolation2d", "blending")
        look = {each: getattr(content, each) for each in shown}
        super().__init__(viewer, name, layer, look)

    def _nothing(self, picture: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.zeros_like(picture)

    def _draw(self) -> None:
        if self._painted is not None:
            self.put(*self._painted)
