"""The job of augmenting a training set: folders, or layers frozen on the main thread."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy.typing as npt

from napari_style_transfer.augment.pairs import APART
from napari_style_transfer.augment.settings import AugmentSettings
from napari_style_transfer.errors import InputError
from napari_style_transfer.plugin.inputs.slicing import Cutter

if TYPE_CHECKING:
    from napari.layers import Image, Labels

#: Characters of a layer's name that the name of a file has, at most.
_LONGEST = 80


@dataclass(frozen=True, eq=False)
class LayerSlices:
    """The slices of a layer in its own type, each read when it is asked for; in the thread.

    Attributes
    ----------
    name
        The layer's name, for messages.
    stem
        What the files of its slices are called, before their numbers.
    rgb
        Whether a slice has colours.
    cutter
        Cuts them.
    """

    name: str
    stem: str
    rgb: bool
    cutter: Cutter

    def names(self) -> list[str]:
        """Return what the file of each slice is called, without suffix."""
        return [self._name(index) for index in self._indices()]

    def read(self) -> Iterator[tuple[str, npt.NDArray[Any]]]:
        """Yield the name of each slice, and the (H, W) or (H, W, 3|4) slice.

        Raises
        ------
        InputError
            If one cannot be read.
        """
        for index in self._indices():
            point = dict(zip(self.cutter.leading, index, strict=True))
            yield self._name(index), self.cutter.cut(point)

    def _indices(self) -> Iterator[tuple[int, ...]]:
        return itertools.product(*(range(length) for length in self._leading))

    @property
    def _leading(self) -> list[int]:
        return [self.cutter.shape[axis] for axis in self.cutter.leading]

    def _name(self, index: tuple[int, ...]) -> str:
        digits = (len(str(length - 1)) for length in self._leading)
        numbers = (f"_{place:0{count}}" for place, count in zip(index, digits, strict=True))
        return self.stem + "".join(numbers)


@dataclass(frozen=True, eq=False)
class TrainingLayer:
    """Images and labels, slice by slice."""

    images: LayerSlices
    labels: LayerSlices


@dataclass(frozen=True, eq=False)
class AugmentJob:
    """Everything an augmentation needs.

    Attributes
    ----------
    images
        The folder of the images, or layers.
    labels
        The folder of their labels, if they are not where the images are.
    styles
        A folder, a file or a pattern, or layers.
    out
        The folder for the result.
    settings
        The parameters.
    """

    name: ClassVar[str] = "The augmentation"

    images: Path | tuple[TrainingLayer, ...]
    labels: Path | None
    styles: str | tuple[LayerSlices, ...]
    out: Path
    settings: AugmentSettings


def labels_of(image: Image, images: Sequence[Image], labels: Sequence[Labels]) -> Labels | None:
    """Return the labels of an image: by its name, as files are paired, or the only ones of its shape.

    Parameters
    ----------
    image
        The image.
    images, labels
        All layers that are meant.
    """
    endings = "|".join(map(re.escape, APART))
    # napari numbers a second layer of the same name.
    named = re.compile(rf"{re.escape(image.name)}({endings})( \[\d+\])?")
    for layer in labels:
        if named.fullmatch(layer.name):
            return layer
    alike = [each for each in images if _shape(each) == _shape(image)]
    fitting = [each for each in labels if _shape(each) == _shape(image)]
    return fitting[0] if len(alike) == len(fitting) == 1 else None


def freeze_training(images: Sequence[Image], labels: Sequence[Labels]) -> tuple[TrainingLayer, ...]:
    """Freeze images and their labels; call it on the main thread.

    Raises
    ------
    InputError
        If there are none, one has no labels or some of another size, or is shown in 3-D.
    """
    if not images:
        raise InputError("Tick a layer in the column Image first: an image with labels.")
    stems, frozen = _Stems(), []
    for image in images:
        its_labels = labels_of(image, images, labels)
        if its_labels is None:
            raise InputError(
                f"There are no labels for layer '{image.name}'; open them as a Labels layer "
                f"'{image.name}_masks'."
            )
        if _shape(image) != _shape(its_labels):
            raise InputError(
                f"Layer '{image.name}' has {_told(image)} px, but its labels '{its_labels.name}' have "
                f"{_told(its_labels)}; they must be of one size."
            )
        stem = stems.take(image.name)
        frozen.append(TrainingLayer(_slices(image, stem), _slices(its_labels, stem)))
    return tuple(frozen)


def freeze_style_slices(layers: Sequence[Image]) -> tuple[LayerSlices, ...]:
    """Freeze pictures of the other microscope; call it on the main thread.

    Raises
    ------
    InputError
        If there are none, or one is shown in 3-D.
    """
    if not layers:
        raise InputError("Tick a layer in the column Style first: a picture of the new microscope.")
    stems = _Stems()
    return tuple(_slices(layer, stems.take(layer.name)) for layer in layers)


def _slices(layer: Image | Labels, stem: str) -> LayerSlices:
    if 0 in layer.level_shapes:
        raise InputError(f"Layer '{layer.name}' is empty; choose another layer.")
    rgb = bool(getattr(layer, "rgb", False))
    return LayerSlices(layer.name, stem, rgb, Cutter.of(layer, math.inf))


def _shape(layer: Image | Labels) -> tuple[int, ...]:
    return tuple(int(length) for length in layer.level_shapes[0])


def _told(layer: Image | Labels) -> str:
    return " × ".join(map(str, _shape(layer)))


class _Stems:
    """Makes names of files out of names of layers, no two of them the same in any file system."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, name: str) -> str:
        """Return a name."""
        plain = re.sub(r"[^\w\-.]+", "_", name).strip("._")[:_LONGEST] or "layer"
        tried = (plain if number == 1 else f"{plain}_{number}" for number in itertools.count(1))
        stem = next(each for each in tried if each.casefold() not in self._taken)
        self._taken.add(stem.casefold())
        return stem
