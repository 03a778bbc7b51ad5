"""Training sets that look like another microscope's: new pictures with the labels of the old ones.

``from napari_style_transfer.augment import augment, match_stain``
"""

from __future__ import annotations

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any

    from napari_style_transfer.augment.loop import augment
    from napari_style_transfer.augment.settings import AugmentSettings, AugmentStep, Made
    from napari_style_transfer.augment.stain import match_stain

__all__ = ["AugmentSettings", "AugmentStep", "Made", "augment", "match_stain"]

_HOME = {
    "AugmentSettings": "settings",
    "AugmentStep": "settings",
    "Made": "settings",
    "augment": "loop",
    "match_stain": "stain",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
