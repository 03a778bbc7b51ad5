"""The one layer that a run over a stack paints into, slice after slice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_style_transfer.errors import InputError
from napari_style_transfer.plugin.inputs.proxy import without_proxy
from napari_style_transfer.plugin.inputs.slicing import shown_axes, shown_slice
from napari_style_transfer.plugin.inputs.stack_job import STACK_KEY, StackJob
from napari_style_transfer.plugin.outputs.view import bring_into_view
from napari_style_transfer.plugin.runs.messages import Preview
from napari_style_transfer.recipe import RECIPE_KEY, Recipe
from napari_style_transfer.stack.plan import Index

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image


class StackLayer:
    """Shows the result of a stack over its content, with the same axes.

    Slices that are not painted yet are see-through: the content shows through them, and it cannot be
    taken for a result. Main thread only. Once the user has deleted the layer it is not brought back.

    Parameters
    ----------
    viewer
        Gets the layer, or has the one to continue.
    job
        What is painted.
    """

    def __init__(self, viewer: ViewerModel, job: StackJob) -> None:
        self._viewer, self._job, self._result = viewer, job, job.result
        self._layer: Image | None = None

    @property
    def layer(self) -> Image | None:
        """The layer, once it is there and until the user deletes it."""
        return None if self.deleted else self._layer

    @property
    def deleted(self) -> bool:
        """Whether the layer was there and the user has deleted it."""
        return self._layer is not None and self._layer not in self._viewer.layers

    @property
    def recipe(self) -> Recipe | None:
        """How the stack is painted, once a slice is done."""
        return self._result.recipe

    def show(self, message: Preview) -> None:
        """Show a slice in the making, or done."""
        place = message.place
        if place is None or self.deleted:
            return
        if place.recipe is not None:
            self._result.commit(place.index, place.recipe)
        elif message.picture is not None:
            self._result.show_preview(place.index, message.picture)
        self._appear()
        if place.recipe is not None:
            self._note()
        elif message.recipe is not None and self.recipe is None:
            self._note(message.recipe)
        self._refresh(place.index, done=place.recipe is not None)

    def finish(self) -> None:
        """Show what there is, also where nothing was left to paint."""
        if self._result.done and not self.deleted:
            self._appear()
            self._note()

    def leave(self) -> None:
        """Remove the slice left in the making, and the layer if none of its slices is done."""
        discarded = self._result.discard_preview()
        if discarded is None or self._layer is None or self.deleted:
            return
        if self._result.done:
            self._refresh(discarded, done=True)
        else:
            layer, self._layer = self._layer, None
            self._viewer.layers.remove(layer)

    def _appear(self) -> None:
        """Show the layer, if it is not there yet."""
        if self._layer is not None:
            return
        job = self._job
        if job.layer is not None and job.layer in self._viewer.layers:
            self._layer = job.layer
            if job.note.folder is not None:
                self._layer.data = self._result.data
            bring_into_view(self._viewer, self._layer)
            return
        layer = self._viewer.add_image(
            self._result.data,
            name=job.name,
            rgb=True,
            cache=False,  # or slices that were seen before they were painted would stay empty
            interpolation2d="linear",
            **job.placement.transform(self._result.picture_shape),
            **job.placement.options(),
        )
        self._layer = without_proxy(layer, self._viewer)
        bring_into_view(self._viewer, self._layer)

    def _note(self, recipe: Recipe | None = None) -> None:
        """Keep with the layer how it is made, and which slices are done.

        Parameters
        ----------
        recipe
            That of the slice in the making, where none is done.
        """
        assert self._layer is not None
        self._layer.metadata.update({**self._job.metadata, **self._result.record()})
        if recipe is not None:
            self._layer.metadata[RECIPE_KEY] = recipe.model_dump(mode="json")
        self._layer.metadata[STACK_KEY] = self._job.note.model_dump(mode="json")

    def _refresh(self, index: Index, *, done: bool) -> None:
        """Draw the layer anew, if it shows this slice."""
        assert self._layer is not None
        try:
            alike = shown_axes(self._layer) == self._job.note.axes
            shown = tuple(shown_slice(self._layer).values())
        except InputError:  # it is shown in 3-D, or elsewhere
            alike, shown = False, ()
        # Seen along other axes a slice is only a line, which is drawn once it is done.
        if shown == index if alike else done:
            self._layer.refresh(extent=False)
