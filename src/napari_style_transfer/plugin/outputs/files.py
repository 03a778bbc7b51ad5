"""Results as files: pictures with their recipe beside them, so that they outlive napari."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.names import check_output
from napari_style_transfer.io.saving import save_picture
from napari_style_transfer.plugin.inputs.fast_job import FAST_KEY
from napari_style_transfer.plugin.inputs.movies import MOVIE_KEY
from napari_style_transfer.plugin.inputs.stack_job import STACK_KEY, StackSelection
from napari_style_transfer.plugin.outputs.stack_array import picture_order
from napari_style_transfer.plugin.outputs.tiff import describe_axes, write_tiff
from napari_style_transfer.progress import Picture
from napari_style_transfer.recipe import RECIPE_KEY, Recipe, saving_recipe
from napari_style_transfer.stack.output import Record
from napari_style_transfer.stack.plan import Index

#: Key under which the metadata of a result layer say along which of its axes it was painted.
AXES_KEY = "napari_style_transfer_axes"
#: Key under which a recipe's file holds what makes a layer again.
LAYER_KEY = "layer"
#: Of a layer, beside picture and recipe: what is kept with them, so that it comes back as it was.
PLACE = (
    "name", "scale", "translate", "rotate", "shear", "affine", "axis_labels", "interpolation2d",
)  # fmt: skip
#: Axes besides those of the pictures that OME has names for.
_MOST_AXES = 3


def write_picture(path: str, data: Any, attributes: Mapping[str, Any]) -> list[str]:
    """Write an image layer as PNG or TIFF, and its recipe beside it; an npe2 writer.

    A picture is written as it was painted: upright also where the view was transposed. A stack becomes a
    TIFF of a page for each slice, with OME metadata. Opacity is written only where something is
    see-through; slices of a stack that are not painted yet are black, and named in the recipe's file.

    A layer without a recipe is written as napari itself does: npe2 may choose this writer for any
    image.

    Parameters
    ----------
    path
        Ends in .png, .tif or .tiff.
    data
        The layer's data.
    attributes
        The layer's attributes, with its metadata.

    Returns
    -------
    list of str
        The files written.

    Raises
    ------
    InputError
        If a file cannot be written, others would be replaced by the recipe, or a stack is to become a
        PNG.
    """
    metadata = attributes.get("metadata", {})
    if not is_painted(metadata):
        from napari_builtins.io import napari_write_image  # type: ignore[import-untyped]

        return [written] if (written := napari_write_image(path, data, dict(attributes))) else []
    picture = check_output(path)
    painted = Painted.of(data, metadata)
    if picture.suffix.lower() == ".png" and painted.count > 1:
        raise InputError(f"{picture.name} can hold one picture, not a stack; save it as a TIFF.")
    with saving_recipe(picture, describe(painted, data, attributes)) as side:
        _write(picture, painted, attributes)
    return [str(picture), str(side)]


def is_painted(metadata: Mapping[str, Any]) -> bool:
    """Return whether the metadata of a layer hold a recipe."""
    return isinstance(metadata.get(RECIPE_KEY), Mapping)


def describe(painted: Painted, data: Any, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept beside a layer's file: how it was painted, and what makes the layer again.

    Raises
    ------
    InputError
        If its recipe has impossible parameters.
    """
    metadata = attributes.get("metadata", {})
    noted: dict[str, Any] = Recipe.parse(metadata).model_dump(mode="json")
    state = _state(data.shape, attributes) | {"axes": list(painted.axes)}
    stack = _stack(data.ndim, metadata)
    if stack is not None:
        selection, record = stack
        noted = record.to_json()
        noted[STACK_KEY] = selection.model_copy(update={"folder": None}).model_dump(mode="json")
        state["not_painted"] = [list(index) for index in sorted(painted.missing)]
    for key in (FAST_KEY, MOVIE_KEY):
        if key in metadata:
            noted[key] = metadata[key]
    return noted | {LAYER_KEY: state}


@dataclass(frozen=True, eq=False)
class Painted:
    """A layer's data as it was painted.

    Attributes
    ----------
    array
        (..., H, W, 3 | 4), numpy or dask.
    axes
        The layer's axes that run down and across the pictures.
    missing
        Slices that are not painted.
    """

    array: Any
    axes: tuple[int, int]
    missing: frozenset[Index]

    @classmethod
    def of(cls, data: Any, metadata: Mapping[str, Any]) -> Painted:
        """Return a layer's data by what its metadata say of them."""
        stack = _stack(data.ndim, metadata)
        axes = _axes(data.shape, metadata) if stack is None else stack[0].axes
        array = data.transpose(picture_order(axes, data.ndim))
        missing: frozenset[Index] = frozenset()
        if stack is not None:
            numbered = enumerate(np.ndindex(*array.shape[:-3]))
            missing = frozenset(index for number, index in numbered if number not in stack[1].done)
        return cls(array, axes, missing)

    @property
    def count(self) -> int:
        """How many pictures there are."""
        return math.prod(self.array.shape[:-3])

    def pictures(self) -> Iterator[tuple[Index, Picture]]:
        """Return each picture, with black where nothing is painted."""
        for index in np.ndindex(*self.array.shape[:-3]):
            picture = np.asarray(self.array[index])
            if picture.dtype != np.uint16:
                picture = picture.astype(np.uint8, copy=False)
            yield index, np.zeros_like(picture) if index in self.missing else picture

    def is_opaque(self) -> bool:
        """Whether no pixel that is painted is see-through."""
        return self.array.shape[-1] == 3 or all(
            bool((picture[..., 3] == np.iinfo(picture.dtype).max).all())
            for index, picture in self.pictures()
            if index not in self.missing
        )


def _stack(ndim: int, metadata: Mapping[str, Any]) -> tuple[StackSelection, Record] | None:
    """Return what a layer says of its slices, if it is the result of a stack and still has its axes."""
    selection, record = StackSelection.of_metadata(metadata), Record.from_json(metadata)
    if selection is None or record is None or len(selection.ranges) != ndim - 3:
        return None
    return selection, record


def _axes(shape: Sequence[int], metadata: Mapping[str, Any]) -> tuple[int, int]:
    """Return the axes down and across the picture of a layer that is no stack: others have length 1."""
    axes = range(len(shape) - 1)
    longer = [axis for axis in axes if shape[axis] > 1]
    noted = metadata.get(AXES_KEY)
    if isinstance(noted, Sequence) and sorted(noted) == longer:
        longer = list(noted)
    down, across = longer if len(longer) == 2 else axes[-2:]
    return down, across


def _write(picture: Path, painted: Painted, attributes: Mapping[str, Any]) -> None:
    """Write the pictures, without their opacity where all is opaque."""
    colours = 3 if painted.is_opaque() else 4
    pictures = (each[..., :colours] for _, each in painted.pictures())
    if picture.suffix.lower() == ".png":
        save_picture(picture, np.ascontiguousarray(next(pictures)))
        return
    shape = (*painted.array.shape[:-1], colours)
    order = picture_order(painted.axes, painted.array.ndim)[:-1]
    if len(order) - 2 > _MOST_AXES or painted.count == 1:
        shape, order = (painted.count, *shape[-3:]), order[-3:]
    if painted.count == 1:
        shape, order = shape[-3:], order[-2:]
    kind = np.uint16 if painted.array.dtype == np.uint16 else np.uint8
    write_tiff(picture, pictures, shape, kind, describe_axes(attributes, order))


def _state(shape: Sequence[int], attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what makes a layer of the picture again, as JSON has it."""
    kept: dict[str, Any] = {"shape": list(shape)}
    for name in PLACE:
        if (value := attributes.get(name)) is not None:
            kept[name] = np.asarray(value).tolist()
    if (units := attributes.get("units")) is not None:
        kept["units"] = [str(unit) for unit in units]
    return kept
