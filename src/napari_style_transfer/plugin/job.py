"""What to paint: everything a run needs, collected and frozen on the main thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_style_transfer.errors import InputError
from napari_style_transfer.plugin.layers import Snapshot, snapshot
from napari_style_transfer.plugin.placement import Placement
from napari_style_transfer.settings import Settings

if TYPE_CHECKING:
    from napari.layers import Image


@dataclass(frozen=True)
class Job:
    """A run's whole input, independent of the layers it came from."""

    content: Snapshot
    style: Snapshot
    placement: Placement
    settings: Settings

    @property
    def name(self) -> str:
        """Name of the result layer."""
        return f"{self.content.name} in the style of {self.style.name}"


def collect(content: Image | None, style: Image | None, settings: Settings) -> Job:
    """Freeze both layers as they are on screen; call it on the main thread.

    Raises
    ------
    InputError
        If a layer is missing or shows nothing that can be painted; the message says why.
    """
    if content is None or style is None:
        raise InputError("Choose a content layer and a style layer first.")
    return Job(
        content=snapshot(content, settings.size),
        style=snapshot(style, settings.size * settings.style_scale),
        placement=Placement.of(content),
        settings=settings,
    )
