"""Pooling by two, rounding up, with the way back.

Each function takes a (1, C, H, W) map and returns the (1, C, ⌈H/2⌉, ⌈W/2⌉) one, and a function that
brings a gradient for that back to the map. Maxima are taken along one axis after the other, of which a
byte for each is kept: torch's max pooling keeps 64-bit indices, and is no faster.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

Pooled = tuple[Tensor, Callable[[Tensor], Tensor]]


def max_pool(x: Tensor) -> Pooled:
    """Take the largest of each two by two."""
    shape = x.shape
    if shape[2] % 2 or shape[3] % 2:
        x = functional.pad(x, (0, shape[3] % 2, 0, shape[2] % 2), value=-math.inf)
    top, bottom = x[..., 0::2, :], x[..., 1::2, :]
    from_top = torch.ge(top, bottom).view(torch.int8)
    x = torch.maximum(top, bottom)
    left, right = x[..., 0::2], x[..., 1::2]
    from_left = torch.ge(left, right).view(torch.int8)
    return torch.maximum(left, right), partial(_unpool_max, shape, from_top, from_left)


def _unpool_max(shape: torch.Size, from_top: Tensor, from_left: Tensor, gradient: Tensor) -> Tensor:
    """Give each gradient to the one value that was the largest (the first, of equals)."""
    rows = _untouched(gradient, (*gradient.shape[:3], 2 * gradient.shape[3]))
    _deal(gradient, from_left, rows[..., 0::2], rows[..., 1::2])
    whole = _untouched(rows, (*rows.shape[:2], 2 * rows.shape[2], rows.shape[3]))
    _deal(rows, from_top, whole[..., 0::2, :], whole[..., 1::2, :])
    return whole[..., : shape[2], : shape[3]].contiguous(memory_format=torch.channels_last)


def _deal(gradient: Tensor, to_first: Tensor, first: Tensor, second: Tensor) -> None:
    torch.mul(gradient, to_first, out=first)
    torch.sub(gradient, first, out=second)


def _untouched(like: Tensor, shape: Sequence[int]) -> Tensor:
    """Return a map of `shape` whose memory nobody has written to, and so costs nothing yet."""
    return torch.empty(
        shape, dtype=like.dtype, device=like.device, memory_format=torch.channels_last
    )


def average_pool(x: Tensor) -> Pooled:
    """Take the mean of each two by two, of fewer at an odd border."""
    pooled = functional.avg_pool2d(x, 2, ceil_mode=True)
    return pooled, partial(_unpool_average, x.shape)


def _unpool_average(shape: torch.Size, gradient: Tensor) -> Tensor:
    # Nothing is looked at of the map that was pooled but its shape.
    result: Tensor = torch.ops.aten.avg_pool2d_backward(
        gradient, _untouched(gradient, shape), [2, 2], [2, 2], [0, 0], True, True, None
    )
    return result
