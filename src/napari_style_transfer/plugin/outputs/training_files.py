"""Layers saved as a training set, so that a run can go on from files whatever becomes of the layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from napari_style_transfer.augment.record import make_folder
from napari_style_transfer.errors import InputError
from napari_style_transfer.io.atomic import replacing
from napari_style_transfer.io.micrographs import micrograph_of, read_micrograph
from napari_style_transfer.io.names import check_name
from napari_style_transfer.plugin.inputs.augment_job import LayerSlices, TrainingLayer

_SUFFIX = ".tif"


def save_training(folder: Path, layers: Iterable[TrainingLayer], stop: Callable[[], bool]) -> None:
    """Save images and labels as TIFFs in the folders ``images`` and ``masks``.

    Slices without any label are left out, where others of the layer have some. What is there already
    stays as it is.

    Parameters
    ----------
    folder
        The folder.
    layers
        Images and labels.
    stop
        Asked before each slice; once it answers true, the rest is not saved.

    Raises
    ------
    InputError
        If a slice cannot be read or saved, or the folder holds other pictures.
    """
    images, masks = folder / "images", folder / "masks"
    layers = tuple(layers)
    for place in (folder, images, masks):
        make_folder(place)
    for place in (images, masks):
        _check_others(place, [each.images for each in layers])
    for layer in layers:
        has_labels = False
        both = zip(layer.images.read(), layer.labels.read(), strict=True)
        for (name, image), (_, labels) in both:
            if stop():
                return
            if labels.any():
                has_labels = True
                _save_picture(images / f"{name}{_SUFFIX}", image, layer.images)
                _save(masks / f"{name}{_SUFFIX}", _as_saved(labels), layer.labels, rgb=False)
        if not has_labels:
            raise InputError(
                f"Layer '{layer.labels.name}' has no labels; paint some, or choose another layer."
            )


def save_styles(folder: Path, layers: Iterable[LayerSlices], stop: Callable[[], bool]) -> None:
    """Save pictures as TIFFs; parameters and errors are those of :func:`save_training`."""
    layers = tuple(layers)
    make_folder(folder)
    _check_others(folder, layers)
    for layer in layers:
        for name, picture in layer.read():
            if stop():
                return
            _save_picture(folder / f"{name}{_SUFFIX}", picture, layer)


def _check_others(folder: Path, layers: Iterable[LayerSlices]) -> None:
    """Refuse a folder with pictures that are of none of the layers."""
    expected = {f"{name}{_SUFFIX}" for layer in layers for name in layer.names()}
    others = sorted(
        each.name
        for each in folder.iterdir()
        if not each.name.startswith(".") and each.name not in expected
    )
    if others:
        raise InputError(
            f"The folder {folder} holds pictures of other layers, such as {others[0]}; choose another "
            "output folder."
        )


def _save_picture(path: Path, picture: npt.NDArray[Any], layer: LayerSlices) -> None:
    micrograph_of(picture, layer.rgb, f"Layer '{layer.name}'")  # refuses what cannot be painted
    _save(path, picture, layer, rgb=layer.rgb)


def _save(path: Path, values: npt.NDArray[Any], layer: LayerSlices, *, rgb: bool) -> None:
    """Write a TIFF, unless it is there already."""
    check_name(path)
    if path.exists():
        there = read_micrograph(path)
        if not np.array_equal(there.array(there.planes), values):
            raise InputError(
                f"{path} is not what layer '{layer.name}' shows now; choose another output folder."
            )
        return
    options: dict[str, Any] = {"photometric": "rgb" if rgb else "minisblack"}
    with replacing(path) as part:
        tifffile.imwrite(part, np.ascontiguousarray(values), **options)


def _as_saved(labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return labels in a type that segmenters read: 16 bits where they are enough."""
    enough = labels.min() >= 0 and labels.max() < 2**16
    return labels.astype(np.uint16 if enough else np.int32)
