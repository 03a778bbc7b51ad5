"""The parts of contents that a network learns from, and those that are held out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from napari_style_transfer.engine.tensors import resize

#: Held-out pictures or parts of pictures, at most.
_HELD_OUT = 4
#: From so many pictures on, whole ones are held out; of fewer, this share of each.
_MANY, _SHARE = 8, 0.3
#: Sizes at which contents are seen, relative to what is asked for, and how their contrast and their
#: brightness are varied.
_SCALES, _CONTRAST, _BRIGHTNESS = (0.75, 0.9, 1.0, 1.25), (0.75, 1.3), 0.1


class Crops(NamedTuple):
    """Crops to learn from.

    Attributes
    ----------
    pictures
        (N, 3, crop, crop) in [0, 1], what the network sees: light and contrast are varied.
    originals
        The same with the light that they have.
    numbers
        Which contents they are of.
    """

    pictures: Tensor
    originals: Tensor
    numbers: tuple[int, ...]


@dataclass(frozen=True)
class Contents:
    """Contents to learn from, cut into crops.

    Attributes
    ----------
    learned
        (1, 3, h, w) float32 in [0, 1], what crops are drawn from, each with the long side in pixels of
        the whole picture.
    held_out
        (N, 3, h, w) crops that nothing is learned from.
    size
        Long side in pixels at which a whole content is seen.
    crop
        Side of the crops in pixels.
    """

    learned: tuple[tuple[Tensor, int], ...]
    held_out: Tensor
    size: int
    crop: int

    @classmethod
    def of(cls, pictures: Sequence[Tensor], size: int, crop: int) -> Contents:
        """Divide (1, 3, h, w) pictures in what is learned from and what is held out.

        Of many pictures some are held out; of a few, a part at the end of each one's long side.
        """
        whole = [(picture, max(picture.shape[-2:])) for picture in pictures]
        if len(whole) >= _MANY:
            every = max(_MANY, math.ceil(len(whole) / _HELD_OUT))
            held = whole[every - 1 :: every]
            learned = [each for n, each in enumerate(whole) if n % every != every - 1]
        else:
            parts = [(_divided(picture), longest) for picture, longest in whole]
            learned = [(first, longest) for (first, _), longest in parts]
            held = [(second, longest) for (_, second), longest in parts]
        seen = [_at(picture, size / longest) for picture, longest in held[:_HELD_OUT]]
        side = max(16, min(crop, *(min(each.shape[-2:]) for each in seen)) // 16 * 16)
        return cls(tuple(learned), torch.cat([_middle(each, side) for each in seen]), size, crop)

    def draw(self, count: int, random: Random) -> Crops:
        """Return crops drawn at random, with their size and light varied."""
        drawn = [self._draw(random) for _ in range(count)]
        numbers, originals, varied = zip(*drawn, strict=True)
        return Crops(torch.cat(varied), torch.cat(originals), numbers)

    def _draw(self, random: Random) -> tuple[int, Tensor, Tensor]:
        number = random.randrange(len(self.learned))
        picture, longest = self.learned[number]
        height, width = picture.shape[-2:]
        # So many of the picture's own pixels become one crop; of a small picture, all there are.
        scale = self.size * random.choice(_SCALES) / longest
        side = max(1, min(height, width, round(self.crop / scale)))
        top, left = random.randint(0, height - side), random.randint(0, width - side)
        part = picture[..., top : top + side, left : left + side]
        if side != self.crop:
            part = functional.interpolate(
                part, (self.crop, self.crop), mode="bilinear", antialias=side > self.crop
            )
        if random.random() < 0.5:
            part = part.flip(3)
        mean = part.mean()
        contrast, light = random.uniform(*_CONTRAST), random.uniform(-_BRIGHTNESS, _BRIGHTNESS)
        return number, part, ((part - mean) * contrast + mean + light).clamp(0, 1)


def _divided(picture: Tensor) -> tuple[Tensor, Tensor]:
    """Divide a picture along its long side, in what is learned from and what is held out."""
    axis = 2 if picture.shape[2] >= picture.shape[3] else 3
    length = picture.shape[axis]
    kept = length - round(_SHARE * length)
    return picture.narrow(axis, 0, kept), picture.narrow(axis, kept, length - kept)


def _at(part: Tensor, scale: float) -> Tensor:
    """Return a part of a picture at a scale, no side below 16 pixels."""
    height, width = (max(16, round(side * scale)) for side in part.shape[-2:])
    return resize(part, (height, width))


def _middle(picture: Tensor, side: int) -> Tensor:
    top, left = ((length - side) // 2 for length in picture.shape[-2:])
    return picture[..., top : top + side, left : left + side]
