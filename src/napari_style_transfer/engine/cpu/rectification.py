"""The backward pass of a rectification, in place."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from napari_style_transfer.engine.cpu.allocator import Allocate, allocate_map
from napari_style_transfer.engine.cpu.probe import agrees, sample


def nonzero(rectified: Tensor, allocate: Allocate) -> Tensor:
    """Return what tells where rectified values are not zero, in two bytes a value."""
    if rectified.dtype is not torch.float32:
        return rectified
    return allocate(rectified, rectified.shape, torch.bfloat16).copy_(rectified)


def unrectify(rectified: Tensor, allocate: Allocate, gradient: Tensor) -> Tensor:
    """Return `gradient`, changed in place: 0 where `rectified` is 0. Changes `rectified`, too."""
    if rectified.dtype is not gradient.dtype:
        rectified = allocate(gradient, gradient.shape).copy_(rectified)
    if gradient.dtype is torch.bfloat16:
        # Of a number above zero, minus its bits has the sign bit set. A third of the time.
        mask = rectified.view(torch.int16).neg_().bitwise_right_shift_(15)
        gradient.view(torch.int16).bitwise_and_(mask)
        return gradient
    result: Tensor = torch.ops.aten.threshold_backward.grad_input(
        gradient, rectified, 0, grad_input=gradient
    )
    return result


@functools.cache
def works() -> bool:
    """Return whether :func:`unrectify` gives right results here, by trying."""

    def right(dtype: torch.dtype) -> bool:
        rectified, gradient = sample(2, 8, 5, 3, dtype=dtype).relu(), sample(2, 8, 5, 3, seed=1)
        gradient = gradient.to(dtype)
        expected = gradient * (rectified > 0)
        return agrees(
            "the rectification's backward pass",
            lambda: unrectify(nonzero(rectified, allocate_map), allocate_map, gradient.clone()),
            expected,
            0,
        )

    return right(torch.float32) and right(torch.bfloat16)
