"""What a frame takes over from frames before it: their results, moved along with what they show.

After Ruder, Dosovitskiy & Brox (2016): the result of the frame before is warped by the optical flow
(section 4.1), trusted where the flow is (4.2), and places that show again what an earlier frame showed get
that one's result (4.3). Differs from there: earlier frames are compared in place, without a flow. So what
stands still is held to one and the same picture, and hardly drifts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from napari_style_transfer.engine.motion.flow import find_flows, trusted
from napari_style_transfer.engine.motion.warp import resize_flow, warp
from napari_style_transfer.engine.tensors import resize
from napari_style_transfer.geometry import result_shape
from napari_style_transfer.methods.neighbour import agreement, gaussian_blur

#: Long side in pixels at which a flow is sought, at most.
_LONG_SIDE = 512
#: Displacements in pixels between which standing still becomes moving.
_STILL, _MOVES = 0.5, 1.0
#: Share of the difference that a flow leaves: with more it explains nothing, with less it is believed. Of
#: differences smoothed and taken together over so many pixels (standard deviations).
_NOTHING, _MUCH = 0.85, 0.6
_SMOOTHED, _WINDOW = 1.5, 5.0
#: A difference so small, about one grey level, needs no explanation.
_LEAST = 3 * (1 / 255) ** 2
#: Pixels around where a flow cannot be trusted that are not trusted either: strokes are as wide.
_MARGIN = 2


@dataclass(frozen=True)
class Painted:
    """A frame that is painted.

    Attributes
    ----------
    content
        (1, 3, H, W) in [0, 1] on the CPU.
    picture
        Its result, (1, 3, h, w) in [0, 1] on the CPU.
    """

    content: Tensor
    picture: Tensor


@dataclass(frozen=True)
class Carried:
    """What a frame takes over.

    Attributes
    ----------
    picture
        (1, 3, h, w), results before it as they belong to it.
    mask
        (1, 1, h, w) in [0, 1]: how far that is to be trusted.
    still
        (1, 1, h, w) in [0, 1]: how far it is the result of an anchor, of what has not moved since.
    moving
        Share of the picture that has moved.
    """

    picture: Tensor
    mask: Tensor
    still: Tensor
    moving: float


def carry(content: Tensor, before: Painted, anchors: Sequence[Painted], size: int) -> Carried:
    """Return what a frame takes over from the one before and from earlier ones.

    Parameters
    ----------
    content
        (1, 3, H, W) in [0, 1] on the CPU, the frame to paint.
    before
        The frame before it.
    anchors
        Frames of the same scene long before it, the latest first.
    size
        Long side of the result in pixels.
    """
    own = content.shape[-2], content.shape[-1]
    shape, small = (result_shape(own, each) for each in (size, min(size, _LONG_SIDE)))
    now, then = resize(content, small), resize(before.content, small)
    backward, forward = find_flows(now, then)
    certain = _shrunk(trusted(backward, forward), _MARGIN)
    moved = warp(then, backward)
    certain = certain * _agreement(now, moved, size, small)
    length = backward.square().sum(1, keepdim=True).sqrt()
    stands = 1 - ((length - _STILL) / (_MOVES - _STILL)).clamp(0, 1)
    picture = warp(resize(before.picture, shape), resize_flow(backward, shape)).clamp(0, 1)
    mask, still = resize(certain, shape), torch.zeros(1, 1, *shape)
    # Where the flow is not to be trusted, as where something comes into sight, the contents alone say what
    # stands still; and where a short flow explains no more than none, as in noise.
    unknown = 1 - certain
    moving = certain
    for earlier, possible in (
        (before, torch.maximum(stands * (1 - _explains(now, then, moved)), unknown)),
        *((anchor, torch.maximum(stands, unknown)) for anchor in anchors),
    ):
        same = possible * _agreement(now, resize(earlier.content, small), size, small)
        moving = moving * (1 - same)
        same = resize(same, shape)
        picture = torch.lerp(picture, resize(earlier.picture, shape), same)
        mask = torch.maximum(mask, same)
        if earlier is not before or not anchors:
            still = torch.maximum(still, same)
    return Carried(picture, mask, still, float(moving.mean()))


def _explains(frame: Tensor, before: Tensor, moved: Tensor) -> Tensor:
    """Return how far a frame looks more like the one before when that is moved, (1, 1, h, w) in [0, 1]."""
    still, moving = (
        gaussian_blur(gaussian_blur(frame - each, _SMOOTHED).square(), _WINDOW).sum(1, keepdim=True)
        for each in (before, moved)
    )
    share = (moving + _LEAST) / (still + _LEAST)
    return ((_NOTHING - share) / (_NOTHING - _MUCH)).clamp(0, 1)


def _agreement(content: Tensor, other: Tensor, size: int, shape: tuple[int, int]) -> Tensor:
    return resize(agreement(content, other, size), shape)


def _shrunk(mask: Tensor, margin: int) -> Tensor:
    return -functional.max_pool2d(-mask, 2 * margin + 1, stride=1, padding=margin)
