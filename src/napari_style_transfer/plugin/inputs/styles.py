"""What the user has picked to paint with, frozen on the main thread, made into pixels off it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_style_transfer.errors import InputError
from napari_style_transfer.plugin.inputs.labels import (
    FrozenLabels,
    Grid,
    freeze_labels,
    grid_of,
)
from napari_style_transfer.plugin.inputs.snapshot import Snapshot, snapshot
from napari_style_transfer.recipe import RegionEntry, RegionsEntry, StyleEntry
from napari_style_transfer.settings import Settings
from napari_style_transfer.spec import Region, Regions, Style, styles_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer, Shapes


@dataclass(frozen=True)
class StyleInput:
    """A layer as a style.

    Attributes
    ----------
    layer
        The layer whose manner is taken.
    share, scale, angle
        As of :class:`~napari_style_transfer.spec.Style`.
    part
        A layer that marks the part of it that serves; all of it if None.
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
        """Return what the engine takes; off the main thread, because it may take its time.

        Raises
        ------
        InputError
            If a layer cannot be read, or the part that should serve is empty.
        """
        mask = None if self.part is None else self.part.labels
        if self.part is not None and mask is not None and not mask.any():
            raise InputError(
                f"Layer '{self.part.name}' marks nothing in '{self.picture.name}'; paint in it the part "
                "that should serve as the style."
            )
        return Style(self.picture.picture, self.share, self.scale, self.angle, mask)

    def note(self) -> StyleEntry:
        """Return what the recipe says of it."""
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

    labels: FrozenLabels
    table: Mapping[int, Region]

    def regions(self) -> Regions:
        """Return what the engine takes; off the main thread, because it may take its time.

        Raises
        ------
        InputError
            If the layer cannot be read.
        """
        return Regions(self.labels.labels, self.table, self.labels.name)

    def note(self) -> RegionsEntry:
        """Return what the recipe says of it."""
        table = {
            label: RegionEntry(style=region.style, strength=region.strength)
            for label, region in self.table.items()
        }
        return RegionsEntry(labels=self.labels.name, table=table)


@dataclass(eq=False)
class FrozenInputs:
    """What a run has frozen so far, so that nothing is read, or made into targets, twice.

    Attributes
    ----------
    pictures
        Of style layers: within a run, what a layer looked like first is what counts.
    parts
        Of style layers and the layers that mark a part of them.
    regions
        Of layers that mark regions of the content.
    styles_in_force, regions_in_force
        What the engine was told last, for the recipe.
    """

    pictures: dict[Image, Snapshot] = field(default_factory=dict)
    parts: dict[tuple[Image, Layer], FrozenLabels] = field(default_factory=dict)
    regions: dict[Layer, FrozenLabels] = field(default_factory=dict)
    styles_in_force: tuple[FrozenStyle, ...] = ()
    regions_in_force: FrozenRegions | None = None

    def forget(self, layer: Layer) -> None:
        """Take note that something was painted in `layer`."""
        self.regions.pop(layer, None)
        self.parts = {both: part for both, part in self.parts.items() if layer not in both}


def freeze_styles(
    picks: Iterable[StyleInput],
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
    for pick in picks:
        if pick.layer not in frozen_inputs.pictures:
            needed = settings.size * settings.style_scale * pick.scale
            frozen_inputs.pictures[pick.layer] = snapshot(pick.layer, needed)
        part = None
        if pick.part is not None:
            both = pick.layer, pick.part
            if both not in frozen_inputs.parts:
                frozen_inputs.parts[both] = freeze_labels(pick.part, grid_of(pick.layer, viewer))
            part = frozen_inputs.parts[both]
        picture = frozen_inputs.pictures[pick.layer]
        frozen.append(FrozenStyle(picture, pick.share, pick.scale, pick.angle, part))
    styles_of([Style(each.picture.name, each.share, each.scale) for each in frozen])
    return tuple(frozen)


def freeze_regions(
    pick: RegionsInput | None, grid: Grid, frozen_inputs: FrozenInputs
) -> FrozenRegions | None:
    """Freeze regions over the content's `grid`; call it on the main thread.

    Raises
    ------
    InputError
        If the layer does not lie in the plane of the content.
    """
    if pick is None:
        return None
    if pick.layer not in frozen_inputs.regions:
        frozen_inputs.regions[pick.layer] = freeze_labels(pick.layer, grid)
    return FrozenRegions(frozen_inputs.regions[pick.layer], pick.table)
