"""The picture that painting starts from: noise, or the content in the colours of its styles."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from napari_style_transfer.engine.colour import match_colours
from napari_style_transfer.engine.guides import parts
from napari_style_transfer.engine.state import RunState
from napari_style_transfer.engine.style_picture import transform_style
from napari_style_transfer.engine.tensors import resize
from napari_style_transfer.geometry import Shape
from napari_style_transfer.settings import strength_factor
from napari_style_transfer.spec import Region, Style, shares_of

#: Style weight, for a content weight of 1, with which painting starts half-way to the style's colours.
_KEEPS_COLOURS = 10.0
#: Standard deviation below which the content's colours are stretched no further: four grey levels. Less
#: is often the noise of a grey picture, which would become specks of colour.
_LEAST_SPREAD = 4 / 255
#: Strokes that are taken over: up to so many pixels wide, and so strong.
_STROKE_WIDTH, _STROKE_STRENGTH = 4, 0.5


class InitialPicture:
    """The picture that each scale of a run starts from.

    Parameters
    ----------
    state
        What the run is asked for.
    init
        A picture to start from, (1, 3, h, w) in [0, 1] on the CPU; what the settings say if None.
    mask
        (1, 1, h, w) in [0, 1] on the CPU: how much of the start is `init`; all of it if None. The rest
        takes its fine strokes only.
    """

    def __init__(
        self, state: RunState, init: Tensor | None = None, mask: Tensor | None = None
    ) -> None:
        self._state, self._init, self._mask = state, init, mask

    def at(self, shape: Shape) -> Tensor:
        """Return the picture to start from, (1, 3, H, W) at `shape`, on the CPU."""
        if self._init is None:
            return self._own(shape)
        init = resize(self._init, shape)
        if self._mask is None:
            return init
        mask = resize(self._mask, shape)
        return with_strokes(self._own(shape), init, 1 - mask).lerp_(init, mask)

    def _own(self, shape: Shape) -> Tensor:
        """Return the picture that the settings say, (1, 3, H, W) at `shape`, on the CPU."""
        if self._state.settings.start == "content":
            return self._coloured(self._state.content(shape))
        return noise(shape, self._state.settings.seed)

    def refined(self, picture: Tensor, shape: Shape) -> Tensor:
        """Return a picture painted at one scale as the next one starts from it, at `shape`.

        That is what was painted, with the detail of its own start that only the next scale can show. All
        of it is on the CPU: not every device resizes pictures so.
        """
        picture, before = resize(picture, shape), (picture.shape[2], picture.shape[3])
        if self._init is None and self._state.settings.start == "noise":
            return picture
        detail = self.at(shape) - resize(self.at(before), shape)
        return detail.add_(picture).clamp_(0, 1)

    def _coloured(self, content: Tensor) -> Tensor:
        """Return the content, (1, 3, H, W) on the CPU, in its styles' colours."""
        state, shape = self._state, (content.shape[2], content.shape[3])
        if state.settings.colours != "style":
            return state.painted_content(shape)
        if state.regions is None:
            return self._in_colours_of(Region(), content)
        picture = content
        for region, _, mask in parts(state.regions, shape):
            picture = torch.where(mask, self._in_colours_of(region, content), picture)
        return picture

    def _in_colours_of(self, region: Region, content: Tensor) -> Tensor:
        settings = self._state.settings
        styles = shares_of(region, self._state.styles)
        weight = settings.effective_style_weight * strength_factor(region.strength)
        if not (styles and weight):
            return content
        shape = content.shape[2], content.shape[3]
        references = ((self._colours(style, shape), share) for style, share in styles)
        colours = self._state.colours(shape)
        return in_colours_of(content, references, weight, settings.content_weight, colours)

    def _colours(self, style: Style, shape: Shape) -> Tensor:
        """Return the pixels of a style picture that are used, (1, 3, H, W) or (1, 3, N)."""
        mask = None if style.mask is None else torch.from_numpy(np.asarray(style.mask) != 0)
        source = self._state.cache.picture(style.picture, "style")
        picture, used = transform_style(source, shape, mask=mask)
        return picture if used is None or not used.any() else picture[:, :, used]


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
    colours: Tensor | None = None,
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
    colours
        (1, 3, H, W), the picture whose colours become the styles'; the content if None.
    """
    mixed = torch.zeros_like(content)
    for reference, share in references:
        mixed += share * match_colours(content, reference, _LEAST_SPREAD, colours)
    much = style_weight / (style_weight + _KEEPS_COLOURS * content_weight)
    return content.lerp(mixed.clamp_(0, 1), much)


def with_strokes(start: Tensor, painted: Tensor, much: Tensor) -> Tensor:
    """Return a start with the fine strokes of what is painted beside it.

    A Gram matrix is that of the whole picture. Where most is painted already, it gives a bare part too
    little reason to become paint, and that part would stay smooth.

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
