"""Slices out of a layer's data, cut as napari shows them: planned on the main thread, cut off it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_style_transfer.errors import InputError

if TYPE_CHECKING:
    from napari.layers import Image


@dataclass(frozen=True, eq=False)
class Cutter:
    """How slices are cut out of a layer.

    Attributes
    ----------
    name
        The layer's name, for messages.
    data
        Its data, or one level of it; not a copy.
    shape
        Its shape in pixels (the finest level's), without colours.
    axes
        Its axes that run down and across the screen.
    margins
        Of each other axis: how far a slice reaches to both sides, in the finest level's pixels.
    mode
        How thick slices are projected, as napari names it.
    """

    name: str
    data: Any
    shape: tuple[int, ...]
    axes: tuple[int, int]
    margins: Mapping[int, tuple[float, float]]
    mode: str

    @classmethod
    def of(cls, layer: Image, needed: float) -> Cutter:
        """Freeze how `layer` is cut; call it on the main thread.

        Parameters
        ----------
        layer
            An image layer of a viewer.
        needed
            Long side in pixels that a slice should have; a multiscale layer is read at its smallest
            level that has as many, else at its largest.

        Raises
        ------
        InputError
            If the layer is shown in 3-D.
        """
        axes = shown_axes(layer)
        level = _level(layer, needed, axes)
        thick = layer._data_slice
        return cls(
            name=layer.name,
            data=layer.data[level] if layer.multiscale else layer.data,
            shape=tuple(int(n) for n in layer.level_shapes[0]),
            axes=axes,
            margins={
                axis: (float(thick.margin_left[axis]), float(thick.margin_right[axis]))
                for axis in range(layer.ndim)
                if axis not in axes
            },
            mode=str(layer.projection_mode),
        )

    @property
    def leading(self) -> tuple[int, ...]:
        """The axes that are not shown, in ascending order."""
        return tuple(sorted(self.margins))

    def cut(self, point: Mapping[int, float]) -> Any:
        """Return the (H, W) or (H, W, C) slice at a point of the axes not shown; lazy stays lazy.

        Raises
        ------
        InputError
            If the data cannot be read.
        """
        index: list[slice | int] = [slice(None)] * self.data.ndim
        projected = []
        for axis, margins in self.margins.items():
            last = self.data.shape[axis] - 1
            shrink = self.shape[axis] / self.data.shape[axis]
            if self.mode == "none" or not any(margins):
                index[axis] = min(round(round(point[axis]) / shrink), last)
            else:
                first = max(round((point[axis] - margins[0]) / shrink), 0)
                index[axis] = slice(
                    first, min(round((point[axis] + margins[1]) / shrink), last) + 1
                )
                projected.append(axis)
        try:
            values = self.data[tuple(index)]
        except Exception as error:  # whatever the storage behind the layer raises
            raise _unreadable(self.name, error) from error
        if projected:
            kept = [axis for axis, part in enumerate(index) if isinstance(part, slice)]
            places = tuple(kept.index(axis) for axis in projected)
            values = values if is_lazy(values) else np.asarray(values)
            values = getattr(values, self.mode)(axis=places)
        if not is_lazy(values):
            values = read(values, self.name)
        order = (0, 1) if self.axes[0] < self.axes[1] else (1, 0)
        return values.transpose(*order, *range(2, values.ndim))


def shown_axes(layer: Image) -> tuple[int, int]:
    """Return the layer's axes that run down and across the screen.

    Raises
    ------
    InputError
        If the layer is shown in 3-D.
    """
    # napari has no public word for which axes and slice of a layer are shown; these names have been
    # the same since 0.5.
    shown = layer._slice_input.displayed
    if len(shown) != 2:
        raise InputError(f"Layer '{layer.name}' is shown in 3-D; switch the viewer to 2-D.")
    return int(shown[0]), int(shown[1])


def shown_point(layer: Image) -> dict[int, float]:
    """Return where each axis that is not shown is sliced.

    Raises
    ------
    InputError
        If the slice shown lies outside the layer.
    """
    shown = shown_axes(layer)
    point = layer._data_slice.point
    places = {axis: float(point[axis]) for axis in range(layer.ndim) if axis not in shown}
    for axis, place in places.items():
        if not 0 <= round(place) < layer.level_shapes[0][axis]:
            raise InputError(f"Layer '{layer.name}' has nothing at this slice; move the slider.")
    return places


def shown_slice(layer: Image) -> dict[int, int]:
    """Return the index at which each axis that is not shown is sliced.

    Raises
    ------
    InputError
        If the slice shown lies outside the layer.
    """
    return {axis: round(place) for axis, place in shown_point(layer).items()}


def read(values: Any, name: str) -> npt.NDArray[Any]:
    """Return the values of layer `name` as an array, computed where they are lazy.

    Raises
    ------
    InputError
        If they cannot be read.
    """
    try:
        return np.asarray(values)
    except Exception as error:  # whatever the storage behind the layer raises
        raise _unreadable(name, error) from error


def is_lazy(values: Any) -> bool:
    """Whether `values` are computed only when they are needed."""
    return hasattr(values, "__dask_graph__")


def _unreadable(name: str, error: Exception) -> InputError:
    return InputError(f"Layer '{name}' cannot be read: {error}.")


def _level(layer: Image, needed: float, axes: tuple[int, int]) -> int:
    """Return the smallest level whose long side is at least `needed` pixels, else the largest."""
    long_sides = layer.level_shapes[:, list(axes)].max(axis=1)
    return max((level for level, side in enumerate(long_sides) if side >= needed), default=0)
