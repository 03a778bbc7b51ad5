"""Neural style transfer: in napari, from the command line and from Python.

The public names are handed on lazily, so that importing the package loads neither torch nor
torchvision nor napari.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_style_transfer.engine.commission import Region, Regions, Style
    from napari_style_transfer.engine.steering import Steering
    from napari_style_transfer.engine.step import Losses, Status, Step
    from napari_style_transfer.engine.studio import Studio
    from napari_style_transfer.engine.stylize import iter_stylize, stylize
    from napari_style_transfer.errors import InputError, StyleTransferError
    from napari_style_transfer.settings import Settings
    from napari_style_transfer.stack.loop import SliceStep, stylize_stack

__all__ = [
    "InputError",
    "Losses",
    "Region",
    "Regions",
    "Settings",
    "SliceStep",
    "Status",
    "Steering",
    "Step",
    "Studio",
    "Style",
    "StyleTransferError",
    "__version__",
    "iter_stylize",
    "stylize",
    "stylize_stack",
]

_HOME = {
    "InputError": "errors",
    "StyleTransferError": "errors",
    "Settings": "settings",
    "SliceStep": "stack.loop",
    "Losses": "engine.step",
    "Region": "engine.commission",
    "Regions": "engine.commission",
    "Steering": "engine.steering",
    "Studio": "engine.studio",
    "Style": "engine.commission",
    "Status": "engine.step",
    "Step": "engine.step",
    "iter_stylize": "engine.stylize",
    "stylize": "engine.stylize",
    "stylize_stack": "stack.loop",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module, metadata

    if name == "__version__":
        return metadata.version("napari-style-transfer")
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
