"""The package's sample pictures as napari sample data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

LayerData = tuple[Any, dict[str, Any], str]


def _opener(name: str) -> Callable[[], list[LayerData]]:
    def open_sample() -> list[LayerData]:
        from napari_style_transfer import samples

        return [(samples.load(name), {"name": name, "rgb": True}, "image")]

    return open_sample


astronaut = _opener("astronaut")
coffee = _opener("coffee")
chelsea = _opener("chelsea")
immunohistochemistry = _opener("immunohistochemistry")
night = _opener("night")
papercut = _opener("papercut")
woodcut = _opener("woodcut")
meadow = _opener("meadow")
