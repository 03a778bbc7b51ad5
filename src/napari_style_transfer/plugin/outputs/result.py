"""The one layer that a run paints into."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_style_transfer.errors import InputError
from napari_style_transfer.plugin.inputs.proxy import without_proxy
from napari_style_transfer.plugin.outputs.files import AXES_KEY
from napari_style_transfer.plugin.outputs.view import bring_into_view
from napari_style_transfer.plugin.runs.messages import Preview
from napari_style_transfer.plugin.runs.worker import shape_of_previews
from napari_style_transfer.recipe import RECIPE_KEY, Recipe

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer

    from napari_style_transfer.plugin.inputs.job import Beginning, Job
    from napari_style_transfer.plugin.inputs.placement import Placement
    from napari_style_transfer.progress import Picture


#: How painted pictures are shown, as napari's layers take it.
PAINTED: Mapping[str, Any] = {"rgb": True, "interpolation2d": "linear"}


class PictureLayer:
    """An image layer over a content, that appears with the first picture; main thread only.

    Once the user has deleted the layer it is not brought back.

    Parameters
    ----------
    viewer
        Gets the layer.
    name
        Of the layer.
    layer
        A layer of the viewer to go on with.
    look
        How pictures are shown, as napari's layers take it.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        name: str,
        layer: Image | None = None,
        look: Mapping[str, Any] = PAINTED,
    ) -> None:
        self._viewer = viewer
        self._name = name
        self._layer = layer
        self._look = look
        self._transform: dict[str, npt.NDArray[np.float64]] = {}

    @property
    def layer(self) -> Image | None:
        """The layer, once it is there and until the user deletes it."""
        return None if self.deleted else self._layer

    @property
    def deleted(self) -> bool:
        """Whether the layer was there and the user has deleted it."""
        return self._layer is not None and self._layer not in self._viewer.layers

    def put(self, picture: npt.NDArray[Any], placement: Placement) -> None:
        """Show an (h, w) or (h, w, 3|4) picture over the content, whatever its size."""
        if self.deleted:
            return
        data, transform = placement.data(picture), placement.transform(picture.shape[:2])
        if self._layer is None:
            layer = self._viewer.add_image(
                data,
                name=self._name,
                metadata={AXES_KEY: list(placement.axes)},
                **self._look,
                **transform,
                **placement.options(),
            )
            self._layer = without_proxy(layer, self._viewer)
            bring_into_view(self._viewer, layer)
        else:
            self._layer.data = data
            for name, value in transform.items():  # where the user has moved the layer, it stays
                before = self._transform.get(name)
                if before is None or not np.array_equal(before, value):
                    setattr(self._layer, name, value)
        self._transform = transform


class ResultLayer(PictureLayer):
    """Shows the picture of one run, in a layer that appears with the first preview.

    It is a layer of its own, or the one that the run goes on from where that has the result's size.
    Main thread only. Once the user has deleted the layer it is not brought back.
    """

    def __init__(self, viewer: ViewerModel, job: Job) -> None:
        super().__init__(viewer, job.name)
        self._beginning = job.beginning
        self._size = job.settings.size
        self._metadata = job.metadata
        self._placement = job.placement

    def show(self, message: Preview) -> None:
        """Show the picture of a message, if it has one, and keep with it how it was made so far."""
        if message.picture is not None and message.recipe is not None:
            self.finish(message.picture, message.recipe)

    def finish(self, picture: Picture, recipe: Recipe) -> None:
        """Show a picture and keep with it how it was made."""
        self._show(picture)
        if self._layer is not None:
            self._layer.metadata.update(self._metadata)
            self._layer.metadata[RECIPE_KEY] = recipe.model_dump(mode="json")

    def _show(self, picture: Picture) -> None:
        """Show an (h, w, 3|4) picture over the content."""
        if self._layer is None and self._beginning is not None:
            self._take_over(self._beginning, picture)
        self.put(picture, self._placement)

    def _take_over(self, beginning: Beginning, picture: Picture) -> None:
        """Paint into the layer that the run goes on from, if the picture fits."""
        shape = beginning.picture.shape
        fits = max(shape) == self._size and picture.shape[:2] in (shape, shape_of_previews(shape))
        if fits and beginning.layer in self._viewer.layers:
            self._layer, self._placement = beginning.layer, beginning.placement
            self._transform = self._placement.transform(shape)
            self._layer.metadata[AXES_KEY] = list(self._placement.axes)
            bring_into_view(self._viewer, self._layer)


def carries_recipe(layer: Layer | None) -> bool:
    """Whether `layer` says of itself that it was made by style transfer."""
    return layer is not None and isinstance(layer.metadata.get(RECIPE_KEY), Mapping)


def recipe_of(layer: Layer | None) -> Recipe:
    """Return the recipe that a result layer carries.

    Raises
    ------
    InputError
        If there is no layer, it has no recipe, or the recipe is damaged.
    """
    if layer is None:
        raise InputError("Select a layer made by style transfer first.")
    recipe: Any = layer.metadata.get(RECIPE_KEY)
    if not isinstance(recipe, Mapping):
        raise InputError(f"Layer '{layer.name}' has no recipe; select one made by style transfer.")
    return Recipe.parse(recipe)
