"""What a Labels or Shapes layer marks in a picture, frozen on the main thread and sampled off it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_style_transfer.errors import InputError
from napari_style_transfer.plugin.inputs.placement import Placement
from napari_style_transfer.plugin.inputs.resample import ellipse, fill, needed_part, resample
from napari_style_transfer.plugin.inputs.slicing import is_lazy, read, unreadable
from napari_style_transfer.stack.plan import Index

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer, Shapes

#: Labels of more bytes are not copied, which would hold up the main thread, but read in place as soon
#: as the thread comes to it: a stroke that is painted meanwhile may be in or not, and is sent anyway.
_COPIED = 2**24

#: Shapes that have no inside.
_OPEN = ("line", "path")


@dataclass(frozen=True, eq=False)
class Grid:
    """The pixels of a picture, and where they lie in the world.

    Attributes
    ----------
    shape
        (H, W) of the picture.
    to_world
        (D, 3): takes (row, column, 1) to the viewer's world coordinates.
    units
        Of the world's axes.
    point
        Which slice of a stack it is, for a grid that moves from slice to slice; else empty.
    steps
        (D, len(point)): how far in the world it is to the next slice along each axis.
    """

    shape: tuple[int, int]
    to_world: npt.NDArray[np.float64]
    units: tuple[Any, ...]
    point: tuple[int, ...] = ()
    steps: npt.NDArray[np.float64] | None = None

    @classmethod
    def of(
        cls,
        placement: Placement,
        shape: tuple[int, int],
        viewer: ViewerModel,
        *,
        moving: bool = False,
    ) -> Grid:
        """Return the grid of a picture of `shape` over a layer; call it on the main thread.

        Parameters
        ----------
        placement
            Where the layer lies.
        shape
            (H, W) of the picture.
        viewer
            The viewer of the layer.
        moving
            Whether the grid is that of a stack, which moves from slice to slice.
        """
        own = placement.to_world(shape)
        # Axes that the layer lacks are where the viewer's sliders are.
        others = np.array(viewer.dims.point[: viewer.dims.ndim - len(own)])
        lacking = np.column_stack([np.zeros((len(others), 2)), others])
        grid = cls(shape, np.vstack([lacking, own]), placement.units)
        if not moving:
            return grid
        steps = placement.steps()
        steps = np.vstack([np.zeros((len(others), steps.shape[1])), steps])
        return replace(grid, point=tuple(placement.slices.values()), steps=steps)


@dataclass(frozen=True, eq=False)
class FrozenLabels:
    """One layer's labels as they were, over the pixels of a picture.

    Attributes
    ----------
    name
        The layer's name, for messages.
    shape
        (H, W) of the picture.
    values
        The part of the layer's labels that lies over the picture; a copy unless it is large or lazy.
    matrix
        (D, 3): takes (row, column, 1) of the picture to coordinates in `values`.
    outlines
        Of shapes: labels and vertices in the picture's pixels.
    """

    name: str
    shape: tuple[int, int]
    values: Any = None
    matrix: npt.NDArray[np.float64] | None = None
    outlines: tuple[tuple[int, npt.NDArray[np.float64]], ...] = ()

    def at(self, _: Index = ()) -> FrozenLabels:
        """Return the labels of a slice of the content: for all the same."""
        return self

    @cached_property
    def labels(self) -> npt.NDArray[np.integer[Any]]:
        """The (H, W) labels of the picture's pixels, 0 where there is none; made once.

        Raises
        ------
        InputError
            If the layer cannot be read.
        """
        if self.matrix is None:
            return fill(self.outlines, self.shape)
        return resample(read(self.values, self.name), self.matrix, self.shape)

    def present(self) -> list[int]:
        """Return the labels that occur, 0 first.

        Raises
        ------
        InputError
            If the layer cannot be read.
        """
        if self.matrix is None:
            return [0, *sorted(label for label, _ in self.outlines)]
        return [0, *(int(label) for label in np.unique(read(self.values, self.name)) if label)]


@dataclass(frozen=True, eq=False)
class FrozenLabelSlices:
    """One layer's labels over each slice of a stack, which may be others in each.

    Attributes
    ----------
    name
        The layer's name, for messages.
    shape
        (H, W) of the pictures.
    values
        The layer's labels; a copy unless they are large or lazy.
    matrix
        (D, 3): takes (row, column, 1) of the slice at `point` to coordinates in `values`.
    point
        Which slice `matrix` is of.
    steps
        (D, len(point)): how far in `values` it is to the next slice along each axis.
    """

    name: str
    shape: tuple[int, int]
    values: Any
    matrix: npt.NDArray[np.float64]
    point: tuple[int, ...]
    steps: npt.NDArray[np.float64]

    def at(self, index: Index = ()) -> FrozenLabels:
        """Return the labels over a slice of the content; read when they are asked for.

        Raises
        ------
        InputError
            If the layer has nothing there, or cannot be read.
        """
        matrix = self.matrix.copy()
        matrix[:, 2] += self.steps @ (np.array(index) - self.point)
        try:
            part = needed_part(matrix, self.shape, self.values.shape)
            values = self.values[part]
        except Exception as error:  # whatever the storage behind the layer raises
            raise unreadable(self.name, error) from error
        if 0 in values.shape:
            raise InputError(f"Layer '{self.name}' has no labels over this slice; add them there.")
        matrix[:, 2] -= [axis.start for axis in part]
        return FrozenLabels(self.name, self.shape, values, matrix)


def freeze_slices(layer: Labels | Shapes, grid: Grid) -> FrozenLabelSlices | None:
    """Freeze the labels of a layer over all slices of a stack; call it on the main thread.

    Parameters
    ----------
    layer
        What marks regions.
    grid
        The pixels of the slice on screen, of a stack.

    Returns
    -------
    FrozenLabelSlices
        None where the labels are the same over every slice, because the layer is one of shapes, or has
        no second slice along the axes of the stack.

    Raises
    ------
    InputError
        If the layer cannot be read.
    """
    from napari.layers import Labels

    if grid.steps is None or not isinstance(layer, Labels):
        return None
    world, linear, origin = _world_of(layer, grid)
    world[:, 2] -= origin
    ratios = _unit_ratios(grid.units, layer.units)[:, None]
    steps = np.linalg.solve(linear, grid.steps[-layer.ndim :] * ratios).astype(float)
    try:
        data = layer.data[0] if layer.multiscale else layer.data
        along = np.abs(steps).argmax(axis=0)
        steps[:, [data.shape[axis] == 1 for axis in along]] = 0
        if np.allclose(steps, 0):
            return None
        values = data
        if not is_lazy(values) and getattr(values, "nbytes", 0) <= _COPIED:
            values = np.array(values)
    except Exception as error:  # whatever the storage behind the layer raises
        raise unreadable(layer.name, error) from error
    matrix = np.linalg.solve(linear, world).astype(float)
    return FrozenLabelSlices(layer.name, grid.shape, values, matrix, grid.point, steps)


def freeze_labels(layer: Labels | Shapes, grid: Grid) -> FrozenLabels:
    """Freeze what `layer` marks in a picture; call it on the main thread.

    Raises
    ------
    InputError
        If the layer cannot be read, or is one of shapes that do not lie in the plane of the picture.
    """
    from napari.layers import Shapes

    return _freeze_shapes(layer, grid) if isinstance(layer, Shapes) else _freeze(layer, grid)


def grid_of(content: Image, viewer: ViewerModel) -> Grid:
    """Return the grid of all the pixels of the slice that `content` shows.

    Raises
    ------
    InputError
        If the layer shows nothing that can be painted.
    """
    placement = Placement.of(content)
    down, across = placement.axes
    return Grid.of(placement, (placement.shape[down], placement.shape[across]), viewer)


def _freeze(layer: Labels, grid: Grid) -> FrozenLabels:
    world, linear, origin = _world_of(layer, grid)
    world[:, 2] -= origin
    matrix = np.linalg.solve(linear, world).astype(float)
    try:
        data = layer.data[0] if layer.multiscale else layer.data
        part = needed_part(matrix, grid.shape, data.shape)
        values = data[part]
        if not is_lazy(values) and getattr(values, "nbytes", 0) <= _COPIED:
            values = np.array(values)
    except Exception as error:  # whatever the storage behind the layer raises
        raise unreadable(layer.name, error) from error
    matrix[:, 2] -= [axis.start for axis in part]
    return FrozenLabels(layer.name, grid.shape, values, matrix)


def _freeze_shapes(layer: Shapes, grid: Grid) -> FrozenLabels:
    world, linear, origin = _world_of(layer, grid)
    plane, start = world[:, :2], world[:, 2]
    if np.linalg.matrix_rank(plane) < 2:
        raise InputError(f"Layer '{layer.name}' does not lie in the plane shown; choose another.")
    # As on screen, where the later shape covers the earlier; napari's to_labels has it the other way.
    order = sorted(range(layer.nshapes), key=lambda index: (layer.z_index[index], index))
    outlines = []
    for index in order:
        kind, vertices = layer.shape_type[index], np.asarray(layer.data[index], float)
        if kind in _OPEN:
            continue
        if kind == "ellipse":
            vertices = ellipse(vertices)
        points = vertices @ linear.T + origin - start
        pixels = points @ np.linalg.pinv(plane).T
        beside = np.linalg.solve(linear, (points - pixels @ plane.T).T)
        if np.abs(beside).max() <= 0.5:  # else it is drawn on another slice
            outlines.append((index + 1, pixels))
    return FrozenLabels(layer.name, grid.shape, outlines=tuple(outlines))


def _world_of(
    layer: Layer, grid: Grid
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the grid's (D, 3) matrix to the layer's own world, and that world's from its data."""
    ndim = layer.ndim
    world = grid.to_world[-ndim:] * _unit_ratios(grid.units, layer.units)[:, None]
    origin = np.asarray(layer.data_to_world(np.zeros(ndim)), float)
    columns = [np.asarray(layer.data_to_world(axis), float) - origin for axis in np.eye(ndim)]
    return world, np.column_stack(columns), origin


def _unit_ratios(units: tuple[Any, ...], others: tuple[Any, ...]) -> npt.NDArray[np.float64]:
    """Return how many of `others` go into each of `units`; 1 where napari cannot tell either."""
    from pint import DimensionalityError

    ratios = np.ones(len(others))
    for back in range(1, min(len(units), len(others)) + 1):
        try:
            ratios[-back] = (1 * units[-back]).to(others[-back]).magnitude
        except DimensionalityError:
            return np.ones(len(others))
    return ratios
