"""The one layer that a run paints into."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from napari_style_transfer.errors import InputError
from napari_style_transfer.recipe import RECIPE_KEY, Recipe

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer

    from napari_style_transfer.engine.step import Picture
    from napari_style_transfer.plugin.job import Job


class ResultLayer:
    """Shows the picture of one run, in a layer of its own that appears with the first preview.

    Main thread only. Once the user has deleted the layer it is not brought back.
    """

    def __init__(self, viewer: ViewerModel, job: Job) -> None:
        self._viewer = viewer
        self._placement = job.placement
        self._name = job.name
        self._layer: Image | None = None
        self._shape = (0, 0)

    @property
    def deleted(self) -> bool:
        """Whether the layer was there and the user has deleted it."""
        return self._layer is not None and self._layer not in self._viewer.layers

    def show(self, picture: Picture) -> None:
        """Show an (h, w, 3|4) picture over the content."""
        if self.deleted:
            return
        shape = picture.shape[:2]
        data = self._placement.data(picture)
        if self._layer is None:
            self._layer = self._viewer.add_image(
                data,
                name=self._name,
                rgb=True,
                interpolation2d="linear",
                **self._placement.transform(shape),
                **self._placement.options(),
            )
        else:
            self._layer.data = data
            if shape != self._shape:
                for name, value in self._placement.transform(shape).items():
                    setattr(self._layer, name, value)
        self._shape = shape

    def finish(self, picture: Picture, recipe: Recipe) -> None:
        """Show the last picture and keep with it how it was made."""
        self.show(picture)
        if self._layer is not None:
            self._layer.metadata[RECIPE_KEY] = recipe.model_dump(mode="json")


def recipe_of(layer: Layer | None) -> Recipe:
    """Return the recipe that a result layer carries.

    Raises
    ------
    InputError
        If there is no layer, it has no recipe, or the recipe is damaged.
    """
    if layer is None:
        raise InputError("Select a layer made by style transfer to load its recipe.")
    recipe: Any = layer.metadata.get(RECIPE_KEY)
    if not isinstance(recipe, Mapping):
        raise InputError(f"Layer '{layer.name}' has no recipe; select one made by style transfer.")
    return Recipe.parse(recipe)
