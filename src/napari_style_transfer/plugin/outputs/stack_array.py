"""The result of a stack, between the thread that paints it and the layer that shows it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_style_transfer.errors import InputError
from napari_style_transfer.plugin.outputs.lazy_slices import LazySlices
from napari_style_transfer.progress import Picture
from napari_style_transfer.recipe import Recipe
from napari_style_transfer.stack.base import rgba
from napari_style_transfer.stack.output import Record, StackResult, open_result
from napari_style_transfer.stack.plan import Index

if TYPE_CHECKING:
    import dask.array

#: Colours of a result: its slices that are not painted yet are see-through.
CHANNELS = 4


class StackArray:
    """The (..., h, w, 4) uint8 result of a stack, in memory or in a folder.

    It is a :class:`~napari_style_transfer.stack.base.StackOutput` for the thread that paints. In
    memory, the array that the layer shows is changed on the main thread only; a slice that the thread has
    finished waits beside it until then. In a folder, the thread writes, and a slice in the making is kept
    beside it.

    Parameters
    ----------
    axes
        The layer's axes that run down and across the pictures.
    run
        What tells this run from others, from :func:`~napari_style_transfer.stack.output.identity`.
    folder
        Where the result is kept; in memory if None.
    result
        A result in memory that was begun before.
    changed
        Whether earlier slices of it were painted with other settings.
    """

    def __init__(
        self,
        axes: tuple[int, int],
        run: dict[str, Any],
        folder: Path | None,
        *,
        result: StackResult | None = None,
        changed: bool = False,
    ) -> None:
        self._axes, self._run, self._folder = axes, run, folder
        self._result_so_far = result
        self._steered = changed
        self._waiting: dict[Index, Picture] = {}
        self._committed: list[int] = []
        self._preview: tuple[Index, Picture] | None = None

    # ---- in the thread ---------------------------------------------------------------------------

    def open(self, shape: tuple[int, ...]) -> None:
        """Make room for a result of this shape, or continue the one that is there.

        Raises
        ------
        InputError
            If there is no room, or something else is there.
        """
        if self._result_so_far is None:
            self._result_so_far = open_result(shape, self._run, folder=self._folder)
        elif self._result_so_far.shape != shape:
            raise InputError(
                "The content has other slices than this result; choose the content that it was "
                "painted from."
            )
        self._committed = sorted(map(self._number, self._result.done))

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its values."""
        return self._result.dtype

    @property
    def done(self) -> frozenset[Index]:
        """The slices that are done."""
        return self._result.done

    @property
    def recipe(self) -> Recipe | None:
        """The recipe of the first slice, once it is done."""
        recipe = self._result.recipe
        if recipe is not None and self._steered:
            recipe = recipe.model_copy(update={"steered": True})
        return recipe

    @property
    def picture_shape(self) -> tuple[int, int]:
        """(h, w) of a slice."""
        height, width = self._result.shape[-3:-1]
        return height, width

    def __getitem__(self, index: Index) -> Picture:
        """Return the (h, w, 3) result of a slice."""
        waiting = self._waiting.get(index)
        return self._result[index] if waiting is None else waiting[..., :3]

    def write(self, index: Index, picture: Picture, alpha: npt.NDArray[Any] | None) -> None:
        """Take the (h, w, 3) result of a slice, and its content's opacity."""
        if self._folder is None:
            self._waiting[index] = rgba(picture, alpha)
        else:
            self._result.write(index, picture, alpha)

    def finish(self, index: Index, recipe: Recipe) -> None:
        """Note in the folder, if there is one, that a slice is done."""
        if self._folder is not None:
            self._result.finish(index, recipe)

    # ---- on the main thread ----------------------------------------------------------------------

    @property
    def data(self) -> npt.NDArray[np.uint8] | dask.array.Array:
        """The result in the layer's order of axes, as the layer shows it; it follows every change."""
        array: Any = self._result.array
        if self._folder is not None:
            shape = self._result.shape
            array = LazySlices(self.read, shape, self.dtype, len(shape) - 3).lazy()
        order: Any = storage_order(self._axes, array.ndim)
        shown: npt.NDArray[np.uint8] | dask.array.Array = array.transpose(order)
        return shown

    def show_preview(self, index: Index, picture: Picture) -> None:
        """Show the (h, w, 4) picture of a slice in the making."""
        self._preview = index, picture
        if self._folder is None:
            self._result.put(index, picture)

    def commit(self, index: Index, recipe: Recipe) -> None:
        """Show a slice that is done."""
        if self._folder is None:
            self._result.put(index, self._waiting[index])
            del self._waiting[index]  # only now, so that the thread always finds it in either place
            self._result.finish(index, recipe)
        self._committed.append(self._number(index))
        self._preview = None
        self._steered = self._steered or recipe.steered

    def discard_preview(self) -> Index | None:
        """Remove the slice that was left in the making, and return which it was."""
        if self._preview is None:
            return None
        index, picture = self._preview
        self._preview = None
        if self._folder is None:
            self._result.put(index, np.zeros_like(picture))
        return index

    def record(self) -> dict[str, Any]:
        """Return what is kept with the layer: how it was made, and which slices are done."""
        return Record(copy.deepcopy(self._run), list(self._committed), self.recipe).to_json()

    def read(self, index: Index) -> Picture:
        """Return the (h, w, 4) picture of a slice as it is now; any thread."""
        preview = self._preview
        if preview is not None and preview[0] == index:
            return preview[1]
        return self._result.picture(index)

    def _number(self, index: Index) -> int:
        """Return the place of a slice in the flattened leading axes."""
        return int(np.ravel_multi_index(index, self._result.shape[:-3]))

    @property
    def _result(self) -> StackResult:
        assert self._result_so_far is not None  # it is opened before anything else
        return self._result_so_far


def picture_order(axes: tuple[int, int], ndim: int) -> tuple[int, ...]:
    """Return how to transpose an array in the order of axes of a layer into (..., h, w, C).

    Parameters
    ----------
    axes
        The layer's axes that run down and across the pictures.
    ndim
        Of the array, colours included.
    """
    return (*(axis for axis in range(ndim - 1) if axis not in axes), *axes, ndim - 1)


def storage_order(axes: tuple[int, int], ndim: int) -> tuple[int, ...]:
    """Return how to transpose (..., h, w, C) into the order of axes of a layer.

    Parameters
    ----------
    axes
        The layer's axes that run down and across the pictures.
    ndim
        Of the array, colours included.
    """
    order = {axis: place for place, axis in enumerate(picture_order(axes, ndim))}
    return tuple(order[axis] for axis in range(ndim))
