"""Styles and regions: frozen on the main thread, made into pixels in the thread of the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_style_transfer.errors import InputError
from napari_style_transfer.plugin.inputs.labels import (
    FrozenLabels,
    FrozenLabelSlices,
    Grid,
    freeze_labels,
    freeze_slices,
    grid_of,
)
from napari_style_transfer.plugin.inputs.snapshot import Snapshot, snapshot
from napari_style_transfer.recipe import RegionEntry, RegionsEntry, StyleEntry
from napari_style_transfer.settings import Settings
from napari_style_transfer.spec import Region, Regions, SliceRegions, Style, styles_of
from napari_style_transfer.stack.plan import Index

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer, Shapes


@dataclass(frozen=True)
class StyleInput:
    """A layer as a style.

    Attributes
    ----------
    layer
        The style's layer.
    share, scale, angle
        As of :class:`~napari_style_transfer.spec.Style`.
    part
        A layer that marks which part of the picture to use; all of it if None.
    """

    layer: Image
    share: float = 1.0
    scale: float = 1.0
    angle: float = 0.0
    part: Labels | Shapes | None = None


@dataclass(frozen=True)
class RegionsInput:
    """A layer as regions of the content, and how each label is painted."""

    layer: Labels | Shapes
    table: Mapping[int, Region]


@dataclass(frozen=True, eq=False)
class FrozenStyle:
    """A :class:`StyleInput` whose layers are frozen."""

    picture: Snapshot
    share: float
    scale: float
    angle: float
    part: FrozenLabels | None

    def style(self) -> Style:
        """Return the style for the engine; slow, so call it off the main thread.

        Raises
        ------
        InputError
            If a layer cannot be read, or the part to use is empty.
        """
        mask = None if self.part is None else self.part.labels
        if self.part is not None and mask is not None and not mask.any():
            raise InputError(
                f"Layer '{self.part.name}' marks nothing in '{self.picture.name}'; paint in it the part "
                "to take the style from."
            )
        return Style(self.picture.picture, self.share, self.scale, self.angle, mask)

    def note(self) -> StyleEntry:
        """Return the style's entry in the recipe."""
        return StyleEntry(
            picture=self.picture.name,
            share=self.share,
            scale=self.scale,
            angle=self.angle,
            mask=None if self.part is None else self.part.name,
        )


@dataclass(frozen=True, eq=False)
class FrozenRegions:
    """A :class:`RegionsInput` whose layer is frozen."""

    labels: FrozenLabels | FrozenLabelSlices
    table: Mapping[int, Region]

    def regions(self, index: Index = ()) -> Regions:
        """Return the regions of a slice for the engine; slow, so call it off the main thread.

        Raises
        ------
        InputError
            If the layer cannot be read, or has nothing over the slice.
        """
        return Regions(self.labels.at(index).labels, self.table, self.labels.name)

    def source(self) -> Regions | SliceRegions:
        """Return the regions for a stack: of each slice its own, where the labels move.

        Slow, so call it off the main thread.

        Raises
        ------
        InputError
            If the layer cannot be read.
        """
        return self.regions if isinstance(self.labels, FrozenLabelSlices) else self.regions()

    def note(self) -> RegionsEntry:
        """Return the regions' entry in the recipe."""
        table = {
            label: RegionEntry(style=region.style, strength=region.strength)
            for label, region in self.table.items()
        }
        return RegionsEntry(labels=self.labels.name, table=table)


@dataclass(eq=False)
class FrozenInputs:
    """The layers that a run has frozen so far: each is read once, and its targets computed once.

    Attributes
    ----------
    pictures
        By style layer. A style layer that changes during a run does not change the run.
    parts
        By style layer and the layer that marks a part of it.
    regions
        By layer that marks regions of the content.
    styles_in_force, regions_in_force
        The styles and regions that the engine was given last, for the recipe.
    """

    pictures: dict[Image, Snapshot] = field(default_factory=dict)
    parts: dict[tuple[Image, Layer], FrozenLabels] = field(default_factory=dict)
    regions: dict[Layer, FrozenLabels | FrozenLabelSlices] = field(default_factory=dict)
    styles_in_force: tuple[FrozenStyle, ...] = ()
    regions_in_force: FrozenRegions | None = None

    def forget(self, layer: Layer) -> None:
        """Freeze `layer` anew the next time, because it was painted in."""
        self.regions.pop(layer, None)
        self.parts = {both: part for both, part in self.parts.items() if layer not in both}


def freeze_styles(
    inputs: Iterable[StyleInput],
    settings: Settings,
    frozen_inputs: FrozenInputs,
    viewer: ViewerModel,
) -> tuple[FrozenStyle, ...]:
    """Freeze styles; call it on the main thread.

    Raises
    ------
    InputError
        If a layer shows nothing that can be used, or no style has a share.
    """
    frozen = []
    for given in inputs:
        if given.layer not in frozen_inputs.pictures:
            needed = settings.size * settings.style_scale * given.scale
            frozen_inputs.pictures[given.layer] = snapshot(given.layer, needed)
        part = None
        if given.part is not None:
            both = given.layer, given.part
            if both not in frozen_inputs.parts:
                frozen_inputs.parts[both] = freeze_labels(given.part, grid_of(given.layer, viewer))
            part = frozen_inputs.parts[both]
        picture = frozen_inputs.pictures[given.layer]
        frozen.append(FrozenStyle(picture, given.share, given.scale, given.angle, part))
    styles_of([Style(each.picture.name, each.share, each.scale) for each in frozen])
    return tuple(frozen)


def freeze_regions(
    given: RegionsInput | None, grid: Grid, frozen_inputs: FrozenInputs
) -> FrozenRegions | None:
    """Freeze regions over the content's `grid`; call it on the main thread.

    Raises
    ------
    InputError
        If the layer does not lie in the plane of the content.
    """
    if given is None:
        return None
    if given.layer not in frozen_inputs.regions:
        moving = freeze_slices(given.layer, grid)
        frozen_inputs.regions[given.layer] = moving or freeze_labels(given.layer, grid)
    return FrozenRegions(frozen_inputs.regions[given.layer], given.table)
