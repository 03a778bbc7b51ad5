"""The picture that painting starts from: noise, or the content in the colours of its styles."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from napari_style_transfer.engine.colour import match_colours
from napari_style_transfer.engine.tensors import resize
from napari_style_transfer.geometry import Shape

#: Style weight, for a content weight of 1, with which painting starts half-way to the style's colours.
_KEEPS_COLOURS = 10.0
#: Standard deviation below which the content's colours are stretched no further: four grey levels. Less
#: is often the noise of a grey picture, which would become specks of colour.
_LEAST_SPREAD = 4 / 255
#: Strokes that are taken over: up to so many pixels wide, and so strong.
_STROKE_WIDTH, _STROKE_STRENGTH = 4, 0.5


def noise(shape: Shape, seed: int) -> Tensor:
    """Return coloured noise around mid-grey, (1, 3, H, W) in [0, 1]."""
    generator = torch.Generator().manual_seed(seed)
    grains = torch.randn(1, 3, *shape, generator=generator)
    return grains.mul_(0.15).add_(0.5).clamp_(0, 1)


def in_colours_of(
    content: Tensor,
    references: Iterable[tuple[Tensor, float]],
    style_weight: float,
    content_weight: float,
) -> Tensor:
    """Return the content nearer to the colours of its styles, the more they weigh.

    Of a faint style it takes few: painting would not bring the content's own colours back.

    Parameters
    ----------
    content
        (1, 3, H, W) in [0, 1].
    references
        Pixels of each style, (1, 3, ...) in [0, 1], and its share; the shares sum to 1.
    style_weight, content_weight
        Weights of the two losses; not both 0.
    """
    mixed = torch.zeros_like(content)
    for reference, share in references:
        mixed += share * match_colours(content, reference, _LEAST_SPREAD)
    much = style_weight / (style_weight + _KEEPS_COLOURS * content_weight)
    return content.lerp(mixed.clamp_(0, 1), much)


def with_strokes(start: Tensor, painted: Tensor, much: Tensor) -> Tensor:
    """Return a start with the fine strokes of what is painted beside it.

    A Gram matrix is that of the whole picture: where most is painted already, it gives a bare part too
    little reason to become paint, and that would stay smooth.

    Parameters
    ----------
    start, painted
        (1, 3, H, W) in [0, 1].
    much
        (1, 1, H, W) in [0, 1], how much of them each pixel gets.
    """
    height, width = painted.shape[2:]
    coarse = (max(1, height // _STROKE_WIDTH), max(1, width // _STROKE_WIDTH))
    strokes = painted - resize(resize(painted, coarse), (height, width))
    return start.addcmul(much, strokes, value=_STROKE_STRENGTH).clamp_(0, 1)
