"""Layers as napari keeps them, without the proxy in which it hands them to plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer


def without_proxy(layer: Layer | None, viewer: ViewerModel) -> Any:
    """Return a layer of `viewer` without the proxy in which napari hands it to plugins; None if gone.

    The proxy warns of every private name, and which slice of a layer is shown has no other.
    """
    return next((each for each in viewer.layers if each == layer), None)
