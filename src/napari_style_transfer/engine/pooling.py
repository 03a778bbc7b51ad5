"""Pooling by two, rounding up, with the way back.

Each function takes a (1, C, H, W) map and returns the (1, C, ⌈H/2⌉, ⌈W/2⌉) one, and a function that
brings a gradient for that back to the map. Maxima are taken along one axis after the other, of which a
byte for each is kept: torch's max pooling keeps 64-bit indices, and is no faster.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

Pooled = tuple[Tensor, Callable[[Tensor], Tensor]]

#: Integers as wide as the numbers of a map. Numbers that are not negative are ordered as their bits are,
#: and integers are compared and dealt out several times as fast.
_BITS = {torch.bfloat16: torch.int16, torch.float32: torch.int32, torch.float64: torch.int64}


def max_pool(x: Tensor) -> Pooled:
    """Take the largest of each two by two, of a rectified map."""
    shape, bits = x.shape, x.view(_BITS[x.dtype])
    if shape[2] % 2 or shape[3] % 2:
        bits = functional.pad(bits, (0, shape[3] % 2, 0, shape[2] % 2))
    bits, below = _larger(bits[..., 0::2, :], bits[..., 1::2, :])
    bits, right = _larger(bits[..., 0::2], bits[..., 1::2])
    return bits.view(x.dtype), partial(_unpool_max, shape, below, right)


def _larger(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Return the larger of each pair, and whether that is the second, a byte for each."""
    return torch.maximum(first, second), torch.lt(first, second).view(torch.int8)


def _unpool_max(shape: torch.Size, below: Tensor, right: Tensor, gradient: Tensor) -> Tensor:
    """Give each gradient to the one value that was the largest (the first, of equals)."""
    bits = gradient.view(_BITS[gradient.dtype])
    rows = _untouched(bits, (*bits.shape[:3], 2 * bits.shape[3]))
    _deal(bits, right, rows[..., 0::2], rows[..., 1::2])
    whole = _untouched(rows, (*rows.shape[:2], 2 * rows.shape[2], rows.shape[3]))
    _deal(rows, below, whole[..., 0::2, :], whole[..., 1::2, :])
    whole = whole[..., : shape[2], : shape[3]].contiguous(memory_format=torch.channels_last)
    return whole.view(gradient.dtype)


def _deal(given: Tensor, to_second: Tensor, first: Tensor, second: Tensor) -> None:
    mask = first.copy_(to_second).neg_()  # all bits or none
    torch.bitwise_and(given, mask, out=second)
    torch.bitwise_xor(given, second, out=first)


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
