"""Neural style transfer: in napari, from the command line and from Python.

The public names are handed on lazily, so that importing the package loads neither torch nor
torchvision nor napari.
"""

from __future__ import annotations

from napari_style_transfer import environment

environment.prepare()  # here, since every module of this package that loads torch comes later

#: Like typing's, which is not loaded: the command line is to hear Ctrl-C as soon as it can.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any

    from napari_style_transfer.api import iter_stylize, stylize
    from napari_style_transfer.engine.cache import Cache
    from napari_style_transfer.errors import InputError, StyleTransferError
    from napari_style_transfer.export.export import export_fast_style, export_translator
    from napari_style_transfer.fast_style import FastStyle
    from napari_style_transfer.io.labels import read_labels
    from napari_style_transfer.io.movies import open_movie, save_movie
    from napari_style_transfer.io.pictures import over_white, read_picture
    from napari_style_transfer.io.saving import save_picture
    from napari_style_transfer.io.stacks import read_stack
    from napari_style_transfer.learning import LearningSettings, LearningStep
    from napari_style_transfer.methods.learn import iter_learn
    from napari_style_transfer.methods.translate import iter_translation
    from napari_style_transfer.progress import Losses, Status, Step
    from napari_style_transfer.run import Run
    from napari_style_transfer.settings import Settings
    from napari_style_transfer.spec import Region, Regions, Style
    from napari_style_transfer.stack.loop import SliceStep, stylize_stack
    from napari_style_transfer.steering import Steering
    from napari_style_transfer.translation import TranslationSettings, TranslationStep
    from napari_style_transfer.translator import Translator

__all__ = [
    "Cache",
    "FastStyle",
    "InputError",
    "LearningSettings",
    "LearningStep",
    "Losses",
    "Region",
    "Regions",
    "Run",
    "Settings",
    "SliceStep",
    "Status",
    "Steering",
    "Step",
    "Style",
    "StyleTransferError",
    "TranslationSettings",
    "TranslationStep",
    "Translator",
    "__version__",
    "export_fast_style",
    "export_translator",
    "iter_learn",
    "iter_stylize",
    "iter_translation",
    "open_movie",
    "over_white",
    "read_labels",
    "read_picture",
    "read_stack",
    "save_movie",
    "save_picture",
    "stylize",
    "stylize_stack",
]

_HOME = {
    "Cache": "engine.cache",
    "FastStyle": "fast_style",
    "InputError": "errors",
    "LearningSettings": "learning",
    "LearningStep": "learning",
    "Losses": "progress",
    "Region": "spec",
    "Regions": "spec",
    "Run": "run",
    "Settings": "settings",
    "SliceStep": "stack.loop",
    "Status": "progress",
    "Steering": "steering",
    "Step": "progress",
    "Style": "spec",
    "StyleTransferError": "errors",
    "TranslationSettings": "translation",
    "TranslationStep": "translation",
    "Translator": "translator",
    "export_fast_style": "export.export",
    "export_translator": "export.export",
    "iter_learn": "methods.learn",
    "iter_stylize": "api",
    "iter_translation": "methods.translate",
    "open_movie": "io.movies",
    "over_white": "io.pictures",
    "read_labels": "io.labels",
    "read_picture": "io.pictures",
    "read_stack": "io.stacks",
    "save_movie": "io.movies",
    "save_picture": "io.saving",
    "stylize": "api",
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
