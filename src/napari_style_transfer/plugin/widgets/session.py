"""What was chosen in a viewer, so that a widget that is closed and opened again has it still."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

_sessions: dict[tuple[int, str], dict[str, Any]] = {}


def session_of(viewer: ViewerModel, widget: str) -> dict[str, Any]:
    """Return what is kept of a widget in a viewer, to be read and written; forgotten with the viewer."""
    viewer = getattr(viewer, "__wrapped__", viewer)  # napari hands plugins a proxy
    key = id(viewer), widget
    if key not in _sessions:
        _sessions[key] = {}
        weakref.finalize(viewer, _sessions.pop, key, None)
    return _sessions[key]


def kept(layer: Layer | None) -> Callable[[], Layer | None]:
    """Return what gives the layer back while there is one, without keeping it alive."""
    return (lambda: None) if layer is None else weakref.ref(getattr(layer, "__wrapped__", layer))
