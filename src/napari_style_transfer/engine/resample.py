"""Parts of a resized picture, without the whole of it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from napari_style_transfer.geometry import Shape

#: Of Keys' cubic kernel (1981), as torch and Pillow have it where they smooth.
_A = -0.5
#: Pixels that it reaches to each side.
_REACH = 2.0
#: Rows of the picture that are read at a time.
_BAND = 512
#: Resized pixels of an axis that are made by one matrix.
_BLOCK = 64


def resized_part(
    read: Callable[[slice, slice], Tensor], shape: Shape, to: Shape, rows: slice, columns: slice
) -> Tensor:
    """Return a part of what :func:`~napari_style_transfer.engine.tensors.resize` would give.

    Parameters
    ----------
    read
        Returns the (1, 3, h, w) float32 pixels in these rows and columns of the picture.
    shape, to
        (H, W) of the picture, and of the resized one.
    rows, columns
        Of the resized one.

    Returns
    -------
    Tensor
        (1, 3, h, w) float32 in [0, 1].
    """
    down, across = (_Taps(*each) for each in zip(shape, to, (rows, columns), strict=True))
    start, stop = down.source.start, down.source.stop
    bands = (slice(top, min(top + _BAND, stop)) for top in range(start, stop, _BAND))
    narrow = torch.cat([across.applied(read(band, across.source)) for band in bands], dim=2)
    return down.applied(narrow.transpose(2, 3)).transpose(2, 3).clamp_(0, 1)


class _Taps:
    """Which pixels of an axis make up each resized one, and with which weights."""

    def __init__(self, length: int, to: int, part: slice) -> None:
        scale = length / to
        stretch = max(scale, 1.0)
        centre = (torch.arange(part.start, part.stop, dtype=torch.float64) + 0.5) * scale
        first = (centre - _REACH * stretch + 0.5).floor().long().clamp(min=0)
        last = (centre + _REACH * stretch + 0.5).floor().long().clamp(max=length)
        index = first[:, None] + torch.arange(int((last - first).max()))
        weight = _cubic((index - centre[:, None] + 0.5) / stretch)
        weight[index >= last[:, None]] = 0
        weight = (weight / weight.sum(1, keepdim=True)).float()
        self.source = slice(int(first.min()), int(last.max()))
        cuts = (slice(at, at + _BLOCK) for at in range(0, len(index), _BLOCK))
        self._blocks = [self._block(index[c], weight[c], first[c], last[c]) for c in cuts]

    def _block(
        self, index: Tensor, weight: Tensor, first: Tensor, last: Tensor
    ) -> tuple[slice, Tensor]:
        """Return which pixels of the source some resized ones are made of, and the matrix for it."""
        start, stop = int(first.min()), int(last.max())
        matrix = torch.zeros(stop - start, len(index))
        matrix.scatter_add_(0, (index.clamp(max=stop - 1) - start).T, weight.T)
        return slice(start - self.source.start, stop - self.source.start), matrix

    def applied(self, values: Tensor) -> Tensor:
        """Return the (..., n) values of the source as the resized ones."""
        return torch.cat([values[..., part] @ matrix for part, matrix in self._blocks], dim=-1)


def _cubic(distance: Tensor) -> Tensor:
    x = distance.abs()
    near = ((_A + 2) * x - (_A + 3)) * x * x + 1
    far = ((x - 5) * x + 8) * x * _A - 4 * _A
    return torch.where(x < 1, near, torch.where(x < _REACH, far, 0.0))
