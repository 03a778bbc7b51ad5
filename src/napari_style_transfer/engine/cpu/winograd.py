"""3 × 3 convolutions in a quarter of the multiplications: Winograd's F(4 × 4, 3 × 3).

Lavin & Gray (2016), "Fast algorithms for convolutional neural networks", CVPR, section 4. Tiles of 6 × 6
positions and kernels are taken for polynomials, and given by their values at 6 × 6 points: then a
convolution is a product at each point, and that of all tiles 36 products of matrices, from which tiles of
4 × 4 results come back. It equals the convolution to some 3e-6 of the largest value; to 5e-4, where the
kernels' values at the points, four times as many numbers as the kernels, are kept in float16.

The points differ from Lavin & Gray's 0, ±1, ±2, ∞: these have a fifth of the error, and come in reciprocal
pairs. For a flipped kernel the value at t is that at 1/t, times t², so that the backward pass, which is a
convolution with flipped kernels, needs no values of its own.
"""

from __future__ import annotations

import functools
import itertools
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from napari_style_transfer.engine.cpu.allocator import Allocate, allocate_map
from napari_style_transfer.engine.cpu.probe import agrees, sample

#: The points on each axis, and for each the place of its reciprocal.
_POINTS = (0, 2 / 3, -2 / 3, 3 / 2, -3 / 2, math.inf)
_RECIPROCALS = (5, 3, 4, 1, 2, 0)
#: Side of a tile of results, and of what it depends on.
TILE, _SEEN = 4, 6
#: So many tiles are worked on at once, enough for the processor's products, and more where channels are
#: few: as many values at a point. What is worked in still fits its caches.
_TILES_TOGETHER, _VALUES_TOGETHER = 192, 1 << 16
#: Points at which products are made at once, for which the kernels' values are turned into float32.
_POINTS_TOGETHER = 4

Matrix = npt.NDArray[Any]


class Winograd:
    """Convolves float32 maps on a CPU; keeps what it works in, which is for one thread at a time.

    Parameters
    ----------
    kernel_dtype
        Type in which the kernels' values are kept, float32 or float16.
    """

    def __init__(self, kernel_dtype: torch.dtype = torch.float32) -> None:
        self._kernel_dtype = kernel_dtype
        enter, leave = _to_values(), _from_values()
        self._forward = _both_axes(enter), _both_axes(leave)
        squares = np.array([point**2 if 0 < abs(point) < math.inf else 1 for point in _POINTS])
        swap = list(_RECIPROCALS)
        self._backward = _both_axes(enter[swap]), _both_axes((leave * squares)[:, swap])
        self._memory: dict[str, Tensor] = {}

    def values_of(self, weight: Tensor) -> Tensor:
        """Return the values of (O, I, 3, 3) kernels at the points, (36, I, O)."""
        taps = weight.permute(2, 3, 1, 0)
        values = _both_axes(_powers(3)) @ taps.reshape(9, -1)
        return values.to(self._kernel_dtype).view(-1, *taps.shape[2:])

    def rectified(
        self, x: Tensor, values: Tensor, bias: Tensor, allocate: Allocate = allocate_map
    ) -> Tensor:
        """Convolve and rectify maps, with a zero padded on each side.

        Parameters
        ----------
        x
            (N, I, H, W), in channels-last.
        values
            (36, I, O), of the kernels, as `values_of` gives them.
        bias
            (O,).
        empty
            Makes the result.

        Returns
        -------
        Tensor
            (N, O, H, W), in channels-last.
        """
        return self._convolve(x, values, bias, allocate)

    def backward(
        self, gradient: Tensor, values: Tensor, allocate: Allocate = allocate_map
    ) -> Tensor:
        """Return the gradient for (N, I, H, W) maps, from the (N, O, H, W) one for the convolution's."""
        return self._convolve(gradient, values, None, allocate, flipped=True)

    def _convolve(
        self,
        x: Tensor,
        values: Tensor,
        bias: Tensor | None,
        allocate: Allocate,
        flipped: bool = False,
    ) -> Tensor:
        height, width = x.shape[2:]
        points, *sides = values.shape
        channels, filters = reversed(sides) if flipped else sides
        transforms = self._backward if flipped else self._forward
        across = -(-width // TILE)
        together = max(_TILES_TOGETHER, _VALUES_TOGETHER // min(channels, filters))
        rows = max(1, together // across) * TILE
        result = allocate(x, (len(x), filters, height, width))
        bands = itertools.product(range(len(x)), range(0, height, rows))
        # Each step reads one of two blocks of memory and writes to the other.
        for picture, top in bands:
            bottom = min(top + rows, height)
            down = -(-(bottom - top) // TILE)
            tiles = self._tiles(_by_position(x[picture]), top, down, across)
            at_points = self._take("odd", points, down * across, channels)
            torch.mm(transforms[0], tiles.view(points, -1), out=at_points.view(points, -1))
            products = self._take("even", points, down * across, filters)
            for first in range(0, points, _POINTS_TOGETHER):
                some = slice(first, first + _POINTS_TOGETHER)
                kernels = values[some]
                if kernels.dtype is not torch.float32:
                    kernels = self._take("kernels", *kernels.shape).copy_(kernels)
                kernels = kernels.mT if flipped else kernels
                torch.bmm(at_points[some], kernels, out=products[some])
            tiles = self._take("odd", TILE, TILE, down, across, filters)
            torch.mm(transforms[1], products.view(points, -1), out=tiles.view(TILE * TILE, -1))
            band = self._take("even", down, TILE, across, TILE, filters)
            torch.add(tiles.permute(2, 0, 3, 1, 4), 0 if bias is None else bias, out=band)
            band = band.view(down * TILE, across * TILE, filters)[: bottom - top, :width]
            least = -math.inf if bias is None else 0
            torch.clamp_min(band, least, out=_by_position(result[picture])[top:bottom])
        return result

    def _tiles(self, x: Tensor, top: int, down: int, across: int) -> Tensor:
        """Return what `down` rows of tiles from `top` on depend on, (6, 6, down, across, C)."""
        _, width, channels = x.shape
        seen = x[max(top - 1, 0) : top + down * TILE + 1]
        padded = self._take("padded", down * TILE + 2, across * TILE + 2, channels)
        above = int(top == 0)
        below = above + len(seen)
        padded[:above] = padded[below:] = 0
        padded[:, 0] = padded[:, width + 1 :] = 0
        padded[above:below, 1 : width + 1] = seen
        line, step, one = padded.stride()
        tiles = self._take("even", _SEEN, _SEEN, down, across, channels)
        return tiles.copy_(
            padded.as_strided(tiles.shape, (line, step, TILE * line, TILE * step, one))
        )

    def _take(self, name: str, *shape: int) -> Tensor:
        """Return memory to write to. Large blocks that come and go cost as much as the work in them."""
        size = math.prod(shape)
        if name not in self._memory or self._memory[name].numel() < size:
            self._memory.pop(name, None)  # before there is another
            self._memory[name] = torch.empty(size)
        return self._memory[name][:size].view(shape)


def _by_position(maps: Tensor) -> Tensor:
    """Return a (C, h, w) map as (h, w, C), a view."""
    return maps.permute(1, 2, 0)


def _powers(count: int) -> Matrix:
    """Return the matrix that evaluates `count` coefficients at the points; ∞ gives the last."""
    finite = np.vander(_POINTS[:-1], count, increasing=True)
    return np.vstack([finite, np.eye(count)[-1]])


def _from_values() -> Matrix:
    """Return the (4, 6) matrix from values to results: the transpose of an evaluation."""
    return _powers(TILE).T


def _to_values() -> Matrix:
    """Return the (6, 6) matrix to values: the transpose of the interpolation of 6 coefficients."""
    return np.linalg.inv(_powers(_SEEN)).T


def _both_axes(matrix: Matrix) -> Tensor:
    """Return what does to a flattened tile what `matrix` does along each of its axes."""
    return torch.from_numpy(np.kron(matrix, matrix)).float()


@functools.cache
def works() -> bool:
    """Return whether the algorithm gives right results here, by trying."""
    x, weight, bias = sample(2, 8, 9, 7), sample(5, 8, 3, 3, seed=1), torch.linspace(-9, 9, 5)
    winograd, gradient = Winograd(), sample(2, 5, 9, 7, seed=2)
    values = winograd.values_of(weight)
    expected = functional.conv2d(x, weight, bias, padding=1).relu()
    expected_gradient = functional.conv_transpose2d(gradient, weight, padding=1)
    name = "Winograd's convolution"
    return agrees(name, lambda: winograd.rectified(x, values, bias), expected, 1e-4) and agrees(
        f"{name}, backward", lambda: winograd.backward(gradient, values), expected_gradient, 1e-4
    )
