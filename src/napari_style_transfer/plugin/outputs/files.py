"""Results as files: a picture with its recipe beside it, so that it outlives napari."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Image

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.names import check_output
from napari_style_transfer.io.pictures import read_levels
from napari_style_transfer.io.saving import save_picture
from napari_style_transfer.progress import Picture
from napari_style_transfer.recipe import RECIPE_KEY, Recipe, picture_beside, saving_recipe

LayerData = tuple[Any, dict[str, Any], str]

#: Of a layer, beside picture and recipe: what is kept with them, so that it comes back as it was.
_ATTRIBUTES = (
    "name", "scale", "translate", "rotate", "shear", "affine", "axis_labels", "interpolation2d",
)  # fmt: skip
_LAYER_KEY = "layer"


def write_picture(path: str, data: Any, attributes: Mapping[str, Any]) -> list[str]:
    """Write an image layer as PNG, and its recipe beside it; an npe2 writer.

    A layer without a recipe is written as napari itself does: npe2 may choose this writer for any
    image.

    Parameters
    ----------
    path
        Ends in .png.
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
        If a file cannot be written, others would be replaced by the recipe, or it is a stack.
    """
    values = attributes.get("metadata", {}).get(RECIPE_KEY)
    if not isinstance(values, Mapping):
        from napari_builtins.io import napari_write_image  # type: ignore[import-untyped]

        return [written] if (written := napari_write_image(path, data, dict(attributes))) else []
    recipe = Recipe.parse(values)
    picture = check_output(path)
    if sum(size > 1 for size in data.shape[:-1]) > 2:
        raise InputError(f"{picture.name} can hold one picture, not a stack; save it as a TIFF.")
    noted = recipe.model_dump(mode="json") | {_LAYER_KEY: _state(data.shape, attributes)}
    with saving_recipe(picture, noted) as side:
        save_picture(picture, _flat(data))
    return [str(picture), str(side)]


def _state(shape: Sequence[int], attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what makes a layer of the picture again, as JSON has it."""
    kept: dict[str, Any] = {"shape": list(shape)}
    for name in _ATTRIBUTES:
        if (value := attributes.get(name)) is not None:
            kept[name] = np.asarray(value).tolist()
    if (units := attributes.get("units")) is not None:
        kept["units"] = [str(unit) for unit in units]
    return kept


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
    data = read_levels(picture)
    metadata = {RECIPE_KEY: recipe.model_dump(mode="json")}
    own = {"rgb": True, "metadata": metadata}
    state = json.loads(notes.read_bytes()).get(_LAYER_KEY, {})
    try:
        shape = state.pop("shape", None)
        if shape is None or math.prod(shape) != data.size:  # the command line's, or another picture
            return data, {"name": notes.stem} | own, "image"
        data, attributes = data.reshape(shape), state | own
        Image(data, **attributes)
    except Exception as error:  # what napari says of others' values is not ours to foresee
        reason = str(error).partition("\n")[0].rstrip(".")
        raise InputError(
            f"The entry {_LAYER_KEY!r} of the recipe {notes} is spoilt ({reason}); without it, the "
            "picture is opened as it is."
        ) from None
    return data, attributes, "image"


def _recipe(path: Path) -> Recipe | None:
    try:
        return Recipe.parse(path)
    except InputError:
        return None


def _flat(data: Any) -> Picture:
    """Return a layer's data as (H, W, 3|4): a result over a slice of a stack has single axes too."""
    array = np.asarray(data)
    if array.dtype != np.uint16:
        array = array.astype(np.uint8)
    single = [axis for axis, size in enumerate(array.shape[:-1]) if size == 1]
    return np.ascontiguousarray(array.squeeze(tuple(single[: array.ndim - 3])))
