"""Saved results as layers again: found by their recipe, and laid where they were."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.movies import is_movie
from napari_style_transfer.io.pictures import read_levels
from napari_style_transfer.plugin.inputs.fast_job import FAST_KEY
from napari_style_transfer.plugin.inputs.movies import MOVIE_KEY, movie_layer
from napari_style_transfer.plugin.inputs.stack_job import STACK_KEY, StackSelection
from napari_style_transfer.plugin.outputs.files import AXES_KEY, LAYER_KEY, PLACE
from napari_style_transfer.plugin.outputs.stack_array import storage_order
from napari_style_transfer.progress import Picture
from napari_style_transfer.recipe import RECIPE_KEY, Recipe, picture_beside
from napari_style_transfer.stack.base import rgba
from napari_style_transfer.stack.output import Record, fits_in_memory

LayerData = tuple[Any, dict[str, Any], str]


def get_reader(path: str | list[str]) -> Callable[[str | list[str]], list[LayerData]] | None:
    """Return a reader of recipes that have their picture beside them; an npe2 reader.

    It answers to the recipe's file, not to the picture's: napari would ask at every PNG which of its
    readers to take.
    """
    paths = [path] if isinstance(path, str) else path
    if all(_recipe(Path(each)) is not None and picture_beside(Path(each)) for each in paths):
        return _read
    return None


def _read(path: str | list[str]) -> list[LayerData]:
    paths = [path] if isinstance(path, str) else path
    return [_layer(Path(each)) for each in paths]


def _layer(notes: Path) -> LayerData:
    picture, recipe = picture_beside(notes), _recipe(notes)
    assert picture is not None
    assert recipe is not None
    values = json.loads(notes.read_bytes())
    metadata: dict[str, Any] = {RECIPE_KEY: recipe.model_dump(mode="json")}
    metadata |= {key: values[key] for key in (FAST_KEY, MOVIE_KEY) if key in values}
    if is_movie(picture):
        return _movie(picture, values.get(LAYER_KEY), metadata)
    pixels = _Pixels(picture)
    own = {"rgb": True, "metadata": metadata}
    try:
        state = dict(values.get(LAYER_KEY, {}))
        shape, axes = state.pop("shape", None), state.pop("axes", None)
        missing = {tuple(index) for index in state.pop("not_painted", ())}
        if shape is None or math.prod(shape[:-1]) != pixels.size:
            # The command line's recipe, or another picture under that name.
            return pixels.array(), {"name": notes.stem} | own, "image"
        if axes is None:  # it was written before views could be transposed
            return _laid(pixels.array().reshape(*shape[:-1], -1), state | own)
        down, across = axes
        leading = [n for axis, n in enumerate(shape[:-1]) if axis not in axes]
        metadata |= _known_slices(values, axes, leading) or {AXES_KEY: [down, across]}
        numbers = {int(np.ravel_multi_index(index, leading)) for index in missing}
        array = pixels.array(see_through=numbers, opacity=shape[-1] == 4)
        array = array.reshape(*leading, shape[down], shape[across], array.shape[-1])
        return _laid(array.transpose(storage_order((down, across), array.ndim)), state | own)
    except InputError:
        raise
    except Exception as error:  # whatever a file that others can write makes of it
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise InputError(
            f"The entry '{LAYER_KEY}' of the recipe {notes} is spoilt ({reason}); take it out of the file, "
            "and the picture opens without its place."
        ) from None


def _movie(movie: Path, state: Any, metadata: dict[str, Any]) -> LayerData:
    """Return the layer of a movie that was painted; where its slices lay, if they are all there."""
    data, attributes, kind = movie_layer(movie)
    attributes["metadata"] |= (
        metadata  # its times, and where its sound is, are those it was painted from
    )
    shape = state.get("shape") if isinstance(state, Mapping) else None
    if isinstance(shape, list) and shape[:-1] == list(data.shape[:-1]):
        placed = {name: state[name] for name in (*PLACE, "units") if name in state}
        with contextlib.suppress(Exception):  # whatever a file that others can write makes of it
            return _laid(data, attributes | placed)
    return data, attributes, kind


def _known_slices(
    values: Mapping[str, Any], axes: Sequence[int], leading: Sequence[int]
) -> dict[str, Any]:
    """Return what a recipe's file says of the slices of a stack, as far as it fits to the picture."""
    selection, record = StackSelection.of_metadata(values), Record.from_json(values)
    if selection is None or record is None:
        return {}
    fits = selection.axes == tuple(axes) and len(selection.ranges) == len(leading)
    numbers = range(math.prod(leading))
    if not (fits and all(isinstance(each, int) and each in numbers for each in record.done)):
        return {}
    return {**record.to_json(), STACK_KEY: values[STACK_KEY]}


def _laid(data: Any, attributes: dict[str, Any]) -> LayerData:
    """Return a layer that napari is sure to take."""
    from napari.layers import Image

    layer = Image(data, **attributes)
    if not np.isfinite(layer._data_to_world.affine_matrix).all():
        raise ValueError("its place is not finite")
    return data, attributes, "image"


class _Pixels:
    """The pictures of a file, read when they are needed.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    InputError
        If it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pages = _count_pages(path)
        self._first = self._page(0)

    @property
    def size(self) -> int:
        """How many pixels there are in all pictures."""
        return self._pages * math.prod(self._first.shape[:2])

    def array(
        self, see_through: frozenset[int] | set[int] = frozenset(), opacity: bool = False
    ) -> Any:
        """Return all pictures, (H, W, 3 | 4) or (N, H, W, 3 | 4); lazy where they are too large.

        Parameters
        ----------
        see_through
            Which of them are wholly transparent.
        opacity
            Whether there is to be opacity also where all is opaque.
        """
        if self._pages == 1 and not see_through:
            flat = self._first.shape[-1] == 3
            return rgba(self._first, None) if opacity and flat else self._first
        opacity = opacity or bool(see_through) or self._first.shape[-1] == 4

        def page(number: int) -> Picture:
            picture = self._page(number)
            if picture.shape[:2] != self._first.shape[:2]:
                raise InputError(f"The pages of {self._path} differ in size; open them one by one.")
            picture = rgba(picture, None) if opacity and picture.shape[-1] == 3 else picture
            return np.zeros_like(picture) if number in see_through else picture

        shape = (*self._first.shape[:2], 4 if opacity else 3)
        if fits_in_memory((self._pages, *shape), self._first.dtype):
            return np.stack([page(number) for number in range(self._pages)])
        import dask
        import dask.array

        read: Any = dask.delayed(page)  # type: ignore[attr-defined]
        pages = [
            dask.array.from_delayed(read(number), shape, self._first.dtype)  # type: ignore[no-untyped-call]
            for number in range(self._pages)
        ]
        return dask.array.stack(pages)  # type: ignore[no-untyped-call]

    def _page(self, number: int) -> Picture:
        if self._pages == 1:
            return read_levels(self._path)
        try:
            with tifffile.TiffFile(self._path) as file:
                return np.asarray(file.pages[number].asarray())
        except Exception as error:  # whatever a damaged file brings about
            raise InputError(f"Cannot read page {number + 1} of {self._path}: {error}.") from None


def _count_pages(path: Path) -> int:
    """Return how many pictures a file holds; 1 for one that is damaged, which is said when it is read."""
    if path.suffix.lower() not in (".tif", ".tiff"):
        return 1
    try:
        with tifffile.TiffFile(path) as file:
            return max(1, len(file.pages))
    except Exception:  # whatever a damaged file brings about
        return 1


def _recipe(path: Path) -> Recipe | None:
    try:
        return Recipe.parse(path)
    except InputError:
        return None
