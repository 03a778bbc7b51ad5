"""The job of learning a fast style: layers frozen on the main thread, slices read in the thread."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt

from napari_style_transfer.errors import InputError
from napari_style_transfer.learning import LearningSettings
from napari_style_transfer.plugin.inputs.slicing import Cutter, shown_slice
from napari_style_transfer.plugin.inputs.snapshot import Snapshot, snapshot
from napari_style_transfer.plugin.inputs.stack_job import ContentSlices
from napari_style_transfer.stack.base import SliceError
from napari_style_transfer.stack.plan import Index

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_style_transfer.fast_style import FastStyle


class LayerPictures(Sequence[npt.NDArray[np.uint8]]):
    """The pictures of a layer, the slice on screen first, each read when it is asked for.

    Parameters
    ----------
    shown
        The slice on screen.
    slices, others
        The layer's slices, and which of them are meant besides.
    """

    def __init__(self, shown: Snapshot, slices: ContentSlices, others: Sequence[Index]) -> None:
        self._shown, self._slices, self._others = shown, slices, others

    def __len__(self) -> int:
        """Return how many there are."""
        return 1 + len(self._others)

    @overload
    def __getitem__(self, number: int) -> npt.NDArray[np.uint8]: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[npt.NDArray[np.uint8]]: ...
    def __getitem__(self, number: int | slice) -> Any:
        """Return an (H, W, 3|4) picture; for a slice that cannot be painted, the one on screen."""
        if isinstance(number, slice):
            return [self[each] for each in range(*number.indices(len(self)))]
        number = range(len(self))[number]
        if number == 0:
            return self._shown.picture
        try:
            return self._slices[self._others[number - 1]]
        except SliceError:
            return self._shown.picture


class AllPictures(Sequence[npt.NDArray[np.uint8]]):
    """The pictures of several layers, one layer after another.

    Parameters
    ----------
    layers
        Name to pictures.

    Attributes
    ----------
    names
        The layer of each picture.
    """

    def __init__(self, layers: Mapping[str, LayerPictures]) -> None:
        self._places = [(each, n) for each in layers.values() for n in range(len(each))]
        self.names = [name for name, each in layers.items() for _ in range(len(each))]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._places)

    @overload
    def __getitem__(self, number: int) -> npt.NDArray[np.uint8]: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[npt.NDArray[np.uint8]]: ...
    def __getitem__(self, number: int | slice) -> Any:
        """Return an (H, W, 3|4) picture, or several."""
        if isinstance(number, slice):
            return [pictures[n] for pictures, n in self._places[number]]
        pictures, n = self._places[number]
        return pictures[n]


@dataclass(frozen=True, eq=False)
class LearningJob:
    """Everything a learning needs, independent of the layers it came from.

    Attributes
    ----------
    styles
        Name to picture.
    contents
        Name to pictures.
    settings
        The parameters.
    path
        The user's file in which it is kept.
    start
        A fast style to go on with.
    """

    styles: Mapping[str, Snapshot]
    contents: Mapping[str, LayerPictures]
    settings: LearningSettings
    path: Path
    start: FastStyle | None = None

    @property
    def name(self) -> str:
        """What it is called in a log."""
        return f"Learning {', '.join(self.styles)}"


def freeze_styles_to_learn(layers: Sequence[Image], size: int) -> dict[str, Snapshot]:
    """Freeze style layers; call it on the main thread.

    Raises
    ------
    InputError
        If there is none, or one shows nothing that can be used.
    """
    if not layers:
        raise InputError("Tick a layer as the style to learn.")
    return {layer.name: snapshot(layer, size) for layer in layers}


def freeze_contents(layers: Sequence[Image], size: int) -> dict[str, LayerPictures]:
    """Freeze the layers to learn from, with all their slices; call it on the main thread.

    Raises
    ------
    InputError
        If there is none, or one shows nothing that can be used.
    """
    if not layers:
        raise InputError("Tick at least one layer to learn on.")
    return {layer.name: _pictures(layer, size) for layer in layers}


def _pictures(layer: Image, size: int) -> LayerPictures:
    shown, cutter = snapshot(layer, size), Cutter.of(layer, size)
    here = tuple(shown_slice(layer).values())
    indices = itertools.product(*(range(cutter.shape[axis]) for axis in cutter.leading))
    others = [index for index in indices if index != here]
    return LayerPictures(shown, ContentSlices(shown, cutter), others)
