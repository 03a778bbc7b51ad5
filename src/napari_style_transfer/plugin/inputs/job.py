"""The job of a run: everything it needs, collected and frozen on the main thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_style_transfer import methods
from napari_style_transfer.errors import InputError
from napari_style_transfer.methods.base import Method
from napari_style_transfer.plugin.inputs.labels import Grid
from napari_style_transfer.plugin.inputs.movies import kept_of_movie
from napari_style_transfer.plugin.inputs.placement import Placement
from napari_style_transfer.plugin.inputs.snapshot import Snapshot, snapshot
from napari_style_transfer.plugin.inputs.styles import (
    FrozenInputs,
    FrozenRegions,
    FrozenStyle,
    RegionsInput,
    StyleInput,
    freeze_regions,
    freeze_styles,
)
from napari_style_transfer.progress import Status
from napari_style_transfer.recipe import Recipe
from napari_style_transfer.settings import Settings

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

#: Styles that a result is named by, at most.
_NAMED = 3


@dataclass(frozen=True, eq=False)
class Beginning:
    """The result that Continue starts from.

    Attributes
    ----------
    picture
        The layer's picture, frozen.
    layer, placement
        The layer, and where it lies. The run paints into it if the new result has the same size.
    """

    picture: Snapshot
    layer: Image
    placement: Placement


def _optimize() -> Method:
    return methods.create()


@dataclass(frozen=True, eq=False)
class Job:
    """Everything a run needs, independent of the layers it came from.

    Attributes
    ----------
    content, styles, settings, regions
        The content, the styles, the parameters, and where each style goes.
    placement, grid
        Where the content lies in the world, and its pixels.
    beginning
        The result to continue from, if any.
    frozen_inputs
        The layers frozen so far; steering adds more.
    method
        Makes what paints it; called in the thread, because that loads torch.
    metadata
        What is kept with the result besides its recipe.
    """

    content: Snapshot
    styles: tuple[FrozenStyle, ...]
    placement: Placement
    settings: Settings
    grid: Grid
    regions: FrozenRegions | None
    beginning: Beginning | None
    frozen_inputs: FrozenInputs
    method: Callable[[], Method] = field(default=_optimize, kw_only=True)
    metadata: Mapping[str, Any] = field(default_factory=dict, kw_only=True)

    @property
    def name(self) -> str:
        """Name of the result layer."""
        names = list(dict.fromkeys(style.picture.name for style in self.styles if style.share > 0))
        if len(names) > _NAMED:
            names[_NAMED - 1 :] = [f"{len(names) - _NAMED + 1} more"]
        *others, last = names
        styles = f"{', '.join(others)} and {last}" if others else last
        return f"{self.content.name} in the style of {styles}"

    def notes(self) -> dict[str, Any]:
        """Return the names of the layers that were used last, as arguments of `Recipe.from_step`."""
        styles, regions = self.frozen_inputs.styles_in_force, self.frozen_inputs.regions_in_force
        return {
            "content": self.content.name,
            "style": styles[0].picture.name,
            "init": None if self.beginning is None else self.beginning.picture.name,
            "styles": [style.note() for style in styles],
            "regions": None if regions is None else regions.note(),
        }


def collect(
    content: Image | None,
    styles: Sequence[StyleInput],
    settings: Settings,
    viewer: ViewerModel,
    *,
    regions: RegionsInput | None = None,
    beginning: Image | None = None,
    stack: bool = False,
) -> Job:
    """Freeze all layers as they are on screen, and return the job; call it on the main thread.

    Parameters
    ----------
    content, styles, settings
        The content, the styles, and the parameters.
    viewer
        The viewer of the layers.
    regions
        Where each style goes; everywhere if None.
    beginning
        A result to continue from.
    stack
        Whether the regions are to be those of each slice of the content.

    Raises
    ------
    InputError
        If a layer is missing or shows nothing that can be painted; the message says why.
    """
    if content is None or not styles:
        raise InputError("Choose a content layer and a style layer first.")
    picture = snapshot(content, settings.size)
    placement = Placement.of(content)
    grid = Grid.of(placement, picture.shape, viewer, moving=stack)
    frozen_inputs = FrozenInputs()
    frozen_inputs.styles_in_force = freeze_styles(styles, settings, frozen_inputs, viewer)
    frozen_inputs.regions_in_force = freeze_regions(regions, grid, frozen_inputs)
    return Job(
        content=picture,
        styles=frozen_inputs.styles_in_force,
        placement=placement,
        settings=settings,
        grid=grid,
        regions=frozen_inputs.regions_in_force,
        beginning=None
        if beginning is None
        else Beginning(snapshot(beginning, settings.size), beginning, Placement.of(beginning)),
        frozen_inputs=frozen_inputs,
        metadata=kept_of_movie(content),
    )


def going_on(settings: Settings, recipe: Recipe) -> Settings:
    """Return the settings for continuing from a picture that was made by `recipe`.

    The picture is painted at its full size only, so that its large shapes stay. A stopped run gets the
    evaluations that it had left, a finished one all of them again.
    """
    steps = settings.steps
    if recipe.status is Status.STOPPED:
        steps = max(1, recipe.settings.steps - recipe.evaluations)
    return settings.replace(steps=steps, coarsest_size=settings.size, stop_after=0)
