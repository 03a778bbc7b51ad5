"""The job of matching colours or stains: two layers as they are on screen, frozen on the main thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_style_transfer.augment.settings import Instant
from napari_style_transfer.errors import InputError
from napari_style_transfer.plugin.inputs.placement import Placement
from napari_style_transfer.plugin.inputs.snapshot import Snapshot, snapshot

if TYPE_CHECKING:
    from napari.layers import Image, Layer

#: Key under which the metadata of a matched layer say how it was made.
_MATCH_KEY = "napari_style_transfer_match"
#: Long side in pixels at which layers of several levels are read; others are read as they are.
_SIDE = 2048


@dataclass(frozen=True, eq=False)
class MatchJob:
    """Everything a match needs, independent of the layers it came from.

    Attributes
    ----------
    content, style
        The picture, and the one whose colours or stains it is to have.
    placement
        Where the content lies in the world.
    way
        What is matched.
    strength
        Share of the way, 0 to 1.
    """

    content: Snapshot
    style: Snapshot
    placement: Placement
    way: Instant
    strength: float

    @property
    def name(self) -> str:
        """Name of the layer."""
        return f"{self.content.name} in the {self.way}s of {self.style.name}"

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What is kept with the layer."""
        note = {"way": self.way, "style": self.style.name, "strength": self.strength}
        return {_MATCH_KEY: note}


def is_matched(layer: Layer) -> bool:
    """Return whether a layer was made by a match."""
    return _MATCH_KEY in layer.metadata


def match_job(
    content: Image | None, style: Image | None, way: Instant, strength: float
) -> MatchJob:
    """Freeze two layers as they are on screen; call it on the main thread.

    Raises
    ------
    InputError
        If a layer is missing or shows nothing; the message says why.
    """
    if content is None or style is None:
        raise InputError("Open two image layers: a picture, and one whose colours it is to have.")
    picture, reference = snapshot(content, _SIDE), snapshot(style, _SIDE)
    return MatchJob(picture, reference, Placement.of(content), way, strength)
