"""Slices out of a layer's data, as napari shows them: planned on the main thread, cut off it.

napari has no public name for which slice of a layer is shown, nor for how it is cut. So this module asks
napari's own slicing, under private names that have been the same since 0.6, and has no rule of its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_style_transfer.errors import InputError

if TYPE_CHECKING:
    from napari.layers import Image


@dataclass(frozen=True, eq=False)
class Cutter:
    """Cuts slices out of one level of a layer, whole and as thick as they are shown.

    Attributes
    ----------
    name
        The layer's name, for messages.
    data
        The layer's data, or one level of it; not a copy.
    shape
        The layer's shape in pixels (the finest level's), without colours.
    axes
        The layer's axes that run down and across the screen.
    level
        Which level `data` is; 0 for the finest, or the only one.
    request
        napari's own request for the slice shown: a frozen value, with the code that cuts.
    """

    name: str
    data: Any
    shape: tuple[int, ...]
    axes: tuple[int, int]
    level: int
    request: Any

    @classmethod
    def of(cls, layer: Image, needed: float) -> Cutter:
        """Freeze how `layer` is cut; call it on the main thread.

        Parameters
        ----------
        layer
            An image layer of a viewer.
        needed
            Long side in pixels that a slice should have. A multiscale layer is read at its smallest
            level that has as many, else at its largest.

        Raises
        ------
        InputError
            If the layer is shown in 3-D, or a level of it cannot be read.
        """
        axes = shown_axes(layer)
        level = _level(layer, needed, axes)
        try:
            data = layer.data[level] if layer.multiscale else layer.data
        except Exception as error:  # whatever the storage behind the layer raises
            raise unreadable(layer.name, error) from error
        return cls(
            name=layer.name,
            data=data,
            shape=tuple(int(n) for n in layer.level_shapes[0]),
            axes=axes,
            level=level,
            request=_request(layer),
        )

    @property
    def leading(self) -> tuple[int, ...]:
        """The axes that are not shown, in ascending order."""
        return tuple(axis for axis in range(len(self.shape)) if axis not in self.axes)

    @property
    def picture_shape(self) -> tuple[int, ...]:
        """The shape of a slice: (H, W) or (H, W, C)."""
        colours = self.data.shape[len(self.shape) :]
        return tuple(int(n) for n in (*(self.data.shape[axis] for axis in self.axes), *colours))

    def cut(self, point: Mapping[int, float]) -> npt.NDArray[Any]:
        """Return the (H, W) or (H, W, C) slice at a point of the axes that are not shown.

        It may be a view of the data. Lazy data is computed.

        Raises
        ------
        InputError
            If the data cannot be read.
        """
        place = self.request.data_slice
        places = tuple(point.get(axis, where) for axis, where in enumerate(place.point))
        request = replace(self.request, data_slice=replace(place, point=places))
        place = request.data_slice
        try:
            if request.multiscale:
                place = request._thick_slice_at_level(self.level)
            values = request._project_thick_slice(self.data, place)
            return np.transpose(np.asarray(values), request._get_order())
        except Exception as error:  # whatever the storage behind the layer raises
            raise unreadable(self.name, error) from error


@dataclass(frozen=True, eq=False)
class LazySlice:
    """A slice that is cut when it is read as an array, in whatever thread; each time anew.

    Attributes
    ----------
    cutter, point
        What to cut, and where.
    """

    cutter: Cutter
    point: Mapping[int, float]

    @property
    def shape(self) -> tuple[int, ...]:
        """(H, W) or (H, W, C)."""
        return self.cutter.picture_shape

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """Cut the slice."""
        return np.asarray(self.cutter.cut(self.point), dtype)


def shown_axes(layer: Image) -> tuple[int, int]:
    """Return the layer's axes that run down and across the screen.

    Raises
    ------
    InputError
        If the layer is shown in 3-D.
    """
    shown = layer._slice_input.displayed
    if len(shown) != 2:
        raise InputError(f"Layer '{layer.name}' is shown in 3-D; switch the viewer to 2-D.")
    return int(shown[0]), int(shown[1])


def shown_point(layer: Image) -> dict[int, float]:
    """Return where each axis that is not shown is sliced.

    A thick slice may reach into the layer from a point beyond it.

    Raises
    ------
    InputError
        If the layer has nothing at the slice shown.
    """
    shown = shown_axes(layer)
    point = layer._data_slice.point
    if _request(layer)._slice_out_of_bounds():
        raise InputError(f"Layer '{layer.name}' has nothing at this slice; move the slider.")
    return {axis: float(point[axis]) for axis in range(layer.ndim) if axis not in shown}


def shown_slice(layer: Image) -> dict[int, int]:
    """Return the index at which each axis that is not shown is sliced: the layer's nearest.

    Raises
    ------
    InputError
        If the layer has nothing at the slice shown.
    """
    lengths = layer.level_shapes[0]
    return {
        axis: min(max(round(place), 0), int(lengths[axis]) - 1)
        for axis, place in shown_point(layer).items()
    }


def read(values: Any, name: str) -> npt.NDArray[Any]:
    """Return the values of layer `name` as an array, computed where they are lazy.

    Raises
    ------
    InputError
        If they cannot be read.
    """
    try:
        return np.asarray(values)
    except InputError:
        raise
    except Exception as error:  # whatever the storage behind the layer raises
        raise unreadable(name, error) from error


def is_lazy(values: Any) -> bool:
    """Whether `values` are computed by dask, and only when they are needed.

    That a dask graph can be asked for is not enough: xarray's arrays have none while in memory.
    """
    graph = getattr(values, "__dask_graph__", None)
    return graph is not None and graph() is not None


def unreadable(name: str, error: Exception) -> InputError:
    """Return the sentence for a layer whose storage has failed."""
    reason = str(error).strip().split("\n")[0].rstrip(".") or type(error).__name__
    return InputError(f"Layer '{name}' cannot be read: {reason}.")


def _request(layer: Image) -> Any:
    """Return napari's request for the slice of `layer` that is shown."""
    # Where the slicing has moved into an object of its own (0.9), the layer has the method no more.
    slicing = getattr(layer, "_slicing_state", layer)
    return slicing._make_slice_request_internal(
        slice_input=layer._slice_input,
        data_slice=layer._data_slice,
        dask_indexer=contextlib.nullcontext,
    )


def _level(layer: Image, needed: float, axes: tuple[int, int]) -> int:
    """Return the smallest level whose long side is at least `needed` pixels, else the largest."""
    long_sides = layer.level_shapes[:, list(axes)].max(axis=1)
    return max((level for level, side in enumerate(long_sides) if side >= needed), default=0)
