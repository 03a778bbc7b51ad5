"""The job of painting by a fast style: the choices and the content, frozen on the main thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_style_transfer.errors import InputError
from napari_style_transfer.methods.base import Method
from napari_style_transfer.plugin.inputs.job import Job
from napari_style_transfer.plugin.inputs.labels import Grid
from napari_style_transfer.plugin.inputs.library import FastEntry
from napari_style_transfer.plugin.inputs.movies import kept_of_movie
from napari_style_transfer.plugin.inputs.placement import Placement
from napari_style_transfer.plugin.inputs.snapshot import Snapshot, snapshot
from napari_style_transfer.plugin.inputs.styles import FrozenInputs, FrozenStyle
from napari_style_transfer.settings import Settings

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer

#: Key under which the metadata of a layer that was painted by a fast style hold its :class:`FastNote`.
FAST_KEY = "napari_style_transfer_fast"


class FastNote(BaseModel):
    """By which fast styles a layer was painted, kept with it.

    Attributes
    ----------
    style, other
        Names of the styles.
    style_key, other_key
        Where these are found in the gallery.
    share
        Of the other style, 0 to 1.
    strength, stroke_size, size
        As they were chosen.
    """

    model_config = ConfigDict(frozen=True)

    style: str
    style_key: str
    other: str | None = None
    other_key: str | None = None
    share: float = 0.0
    strength: float = 0.5
    stroke_size: float = 1.0
    size: int = 512

    @classmethod
    def of(cls, layer: Layer | None) -> FastNote | None:
        """Return the note that a layer carries, or None if it was not painted by a fast style."""
        return None if layer is None else cls.of_metadata(layer.metadata)

    @classmethod
    def of_metadata(cls, metadata: Mapping[str, Any]) -> FastNote | None:
        """Return the note among the metadata of a layer, or None if there is none."""
        try:
            return cls.model_validate(metadata[FAST_KEY])
        except (KeyError, ValidationError):
            return None


@dataclass(frozen=True, eq=False)
class FastChoice:
    """What the user has chosen.

    Attributes
    ----------
    style, other
        The styles.
    share
        Of the other style, 0 to 1.
    strength, stroke_size, size
        How strongly, in strokes of which size, and at how many pixels' long side to paint.
    device
        Where to compute.
    """

    style: FastEntry
    other: FastEntry | None = None
    share: float = 0.0
    strength: float = 0.5
    stroke_size: float = 1.0
    size: int = 512
    device: str = "auto"

    def shared(self) -> list[tuple[FastEntry, float]]:
        """Return the styles that have a share, each with it."""
        if self.other is None:
            return [(self.style, 1.0)]
        both = [(self.style, 1 - self.share), (self.other, self.share)]
        return [(entry, share) for entry, share in both if share > 0]

    def note(self) -> FastNote:
        """Return what is kept of it with a layer."""
        return FastNote(
            style=self.style.name,
            style_key=self.style.key,
            other=None if self.other is None else self.other.name,
            other_key=None if self.other is None else self.other.key,
            share=self.share,
            strength=self.strength,
            stroke_size=self.stroke_size,
            size=self.size,
        )


def fast_job(
    content: Image | None,
    choice: FastChoice,
    viewer: ViewerModel,
    method: Callable[[FastChoice], Method],
) -> Job:
    """Freeze the content as it is on screen, and return the job; call it on the main thread.

    Parameters
    ----------
    content, choice
        What to paint, and how.
    viewer
        The viewer of the layer.
    method
        Makes what paints it, in the thread.

    Raises
    ------
    InputError
        If the layer is missing or shows nothing that can be painted; the message says why.
    """
    if content is None:
        raise InputError("Choose a content layer first.")
    picture, placement = snapshot(content, choice.size), Placement.of(content)
    frozen = FrozenInputs()
    frozen.styles_in_force = tuple(
        FrozenStyle(Snapshot.of_picture(entry.name, entry.thumbnail), share, 1.0, 0.0, None)
        for entry, share in choice.shared()
    )
    return Job(
        content=picture,
        styles=frozen.styles_in_force,
        placement=placement,
        settings=Settings(
            strength=choice.strength,
            style_scale=choice.stroke_size,
            size=choice.size,
            device=choice.device,
        ),
        grid=Grid.of(placement, picture.shape, viewer),
        regions=None,
        beginning=None,
        frozen_inputs=frozen,
        method=lambda: method(choice),
        metadata={FAST_KEY: choice.note().model_dump(mode="json"), **kept_of_movie(content)},
    )
