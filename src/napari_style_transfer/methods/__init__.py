"""Ways from a request to pictures."""

from __future__ import annotations

from napari_style_transfer.methods.base import Method


def create(name: str = "optimize") -> Method:
    """Return a method by its name: ``"optimize"`` (Gatys, Ecker & Bethge 2015).

    Its libraries are loaded here, not when this module is imported.
    """
    from napari_style_transfer.methods.optimize import Optimize

    return {"optimize": Optimize}[name]()
