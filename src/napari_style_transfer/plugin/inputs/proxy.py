"""Layers as napari keeps them, without the proxy in which it hands them to plugins."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer


def without_proxy(layer: Layer | None, viewer: ViewerModel) -> Any:
    """Return a layer of `viewer` without the proxy in which napari hands it to plugins; None if gone.

    The proxy warns of every private name, and which slice of a layer is shown has no other.
    """
    return next((each for each in viewer.layers if each == layer), None)


def without_proxies(layers: Iterable[Layer], viewer: ViewerModel) -> list[Any]:
    """Return those of some layers that are still there, as :func:`without_proxy`."""
    found = (without_proxy(layer, viewer) for layer in layers)
    return [layer for layer in found if layer is not None]
