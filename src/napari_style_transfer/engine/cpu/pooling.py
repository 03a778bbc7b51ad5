"""Pooling by two, rounding up, with its backward pass.

Each function takes (N, C, H, W) maps and an allocator, and returns the (N, C, ⌈H/2⌉, ⌈W/2⌉) maps and a
function from the gradient for these to the gradient for the maps. Maxima are taken along one axis after
the other, with a byte kept for each: torch's max pooling keeps 64-bit indices, and is no faster.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from napari_style_transfer.engine.cpu.allocator import Allocate, allocate_map
from napari_style_transfer.engine.cpu.probe import agrees, sample

Pooled = tuple[Tensor, Callable[[Tensor], Tensor]]
Pool = Callable[[Tensor], Pooled]

#: Integers as wide as the numbers of a map. Numbers that are not negative are ordered as their bits are,
#: and integers are compared and dealt out several times as fast.
_BITS = {torch.bfloat16: torch.int16, torch.float32: torch.int32, torch.float64: torch.int64}


def max_pool(x: Tensor, allocate: Allocate = allocate_map) -> Pooled:
    """Take the largest of each two by two, of a rectified map."""
    bits, below = _larger(x.view(_BITS[x.dtype]), 2, allocate)
    bits, right = _larger(bits, 3, allocate)
    return bits.view(x.dtype), partial(_unpool_max, x.shape, below, right, allocate)


def _larger(bits: Tensor, axis: int, allocate: Allocate) -> tuple[Tensor, Tensor]:
    """Return the larger of each pair along an axis, and whether that is the second, a byte for each."""
    first, second, alone = _pairs(bits, axis)
    shape = [*bits.shape]
    shape[axis] = -(-shape[axis] // 2)
    larger, is_second = allocate(bits, shape), allocate(bits, shape, torch.bool)
    count = first.shape[axis]
    torch.maximum(first, second, out=larger.narrow(axis, 0, count))
    torch.lt(first, second, out=is_second.narrow(axis, 0, count))
    _rest(larger, axis, count).copy_(alone)
    _rest(is_second, axis, count).zero_()
    return larger, is_second.view(torch.int8)


def _unpool_max(
    shape: torch.Size, below: Tensor, right: Tensor, allocate: Allocate, gradient: Tensor
) -> Tensor:
    """Give each gradient to the one value that was the largest (the first, of equals)."""
    bits = gradient.view(_BITS[gradient.dtype])
    bits = _distribute(bits, right, (*bits.shape[:3], shape[3]), 3, allocate)
    return _distribute(bits, below, shape, 2, allocate).view(gradient.dtype)


def _distribute(
    given: Tensor, to_second: Tensor, shape: Sequence[int], axis: int, allocate: Allocate
) -> Tensor:
    """Return a map of `shape` in which each number has gone to one of a pair along an axis."""
    whole = allocate(given, shape)
    first, second, alone = _pairs(whole, axis)
    count = first.shape[axis]
    mask = first.copy_(to_second.narrow(axis, 0, count)).neg_()  # all bits or none
    torch.bitwise_and(given.narrow(axis, 0, count), mask, out=second)
    torch.bitwise_xor(given.narrow(axis, 0, count), second, out=first)
    alone.copy_(_rest(given, axis, count))
    return whole


def _pairs(x: Tensor, axis: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the first and the second of each pair along an axis, and the one left over, or none."""
    before = (slice(None),) * axis
    length = x.shape[axis]
    paired = length // 2 * 2
    return (
        x[(*before, slice(0, paired, 2))],
        x[(*before, slice(1, paired, 2))],
        x[(*before, slice(paired, length))],
    )


def _rest(x: Tensor, axis: int, start: int) -> Tensor:
    return x.narrow(axis, start, x.shape[axis] - start)


def average_pool(x: Tensor, allocate: Allocate = allocate_map) -> Pooled:
    """Take the mean of each two by two, of fewer at an odd border."""
    shape = *x.shape[:2], -(-x.shape[2] // 2), -(-x.shape[3] // 2)
    pooled = allocate(x, shape)
    torch.ops.aten.avg_pool2d.out(x, [2, 2], [2, 2], [0, 0], True, True, None, out=pooled)
    return pooled, partial(_unpool_average, x.shape, allocate)


def _unpool_average(shape: torch.Size, allocate: Allocate, gradient: Tensor) -> Tensor:
    result = allocate(gradient, shape)
    # Nothing is looked at of the map that was pooled but its shape.
    torch.ops.aten.avg_pool2d_backward.grad_input(
        gradient, result, [2, 2], [2, 2], [0, 0], True, True, None, grad_input=result
    )
    return result


@functools.cache
def works() -> bool:
    """Return whether both poolings and their backward passes give right results here, by trying."""
    maps = sample(2, 8, 7, 5).relu()

    def right(pool: Pool, reference: Callable[..., Tensor]) -> bool:
        leaf = maps.clone().requires_grad_(True)
        gradient = sample(2, 8, 4, 3, seed=1)
        with torch.enable_grad():
            expected = reference(leaf, 2, ceil_mode=True)
            # As a number: a gradient that is given makes autograd load sympy, in half a second.
            (expected_gradient,) = torch.autograd.grad((expected * gradient).sum(), leaf)
        return agrees("pooling", lambda: pool(maps)[0], expected.detach(), 1e-6) and agrees(
            "pooling's backward pass", lambda: pool(maps)[1](gradient), expected_gradient, 1e-6
        )

    return right(max_pool, functional.max_pool2d) and right(average_pool, functional.avg_pool2d)
