"""A domain of pictures: what a translation learns from, and what is held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import torch
from torch import Tensor

#: From so many pictures on, every fourth is held out; of fewer, this share of each.
_MANY, _SHARE = 8, 0.25
#: Pictures or parts of pictures that are held out, at most, and their longest side in pixels.
_HELD_OUT, _LONGEST = 8, 256
#: Pixels that show what a domain looks like, about; of many pictures each shows as much as is held out.
_SHOWN = 1024**2


@dataclass(frozen=True)
class Domain:
    """Pictures of one kind.

    Attributes
    ----------
    learned
        (C, H, W) float32, about 0 to 1: what patches are drawn from.
    held_out
        (C, h, w), which nothing is learned from.
    shown
        (C, h, w), the middles of all pictures: what the domain looks like.
    """

    learned: tuple[Tensor, ...]
    held_out: tuple[Tensor, ...]
    shown: tuple[Tensor, ...]

    @classmethod
    def of(cls, pictures: Sequence[Tensor], multiple: int) -> Domain:
        """Divide (C, H, W) pictures in what is learned from and what is held out.

        Parameters
        ----------
        pictures
            At least one.
        multiple
            Sides of what is held out are multiples of it.
        """
        if len(pictures) >= _MANY:
            held = pictures[3::4][:_HELD_OUT]
            learned = [each for place, each in enumerate(pictures) if place % 4 != 3]
        else:
            parts = [_divided(picture) for picture in pictures]
            learned, held = ([part[which] for part in parts] for which in (0, 1))
        longest = max(_LONGEST, int((_SHOWN / len(pictures)) ** 0.5))
        return cls(
            tuple(learned),
            tuple(_middle(each, multiple, _LONGEST) for each in held),
            tuple(_middle(each, multiple, longest) for each in pictures),
        )

    @property
    def smallest(self) -> int:
        """Shortest side of what is learned from, in pixels."""
        return min(min(picture.shape[1:]) for picture in self.learned)

    def draw(self, count: int, side: int, random: Random) -> Tensor:
        """Return (count, C, side, side) patches at random places, mirrored and turned at random."""
        areas = [picture.shape[1] * picture.shape[2] for picture in self.learned]
        patches = []
        for picture in random.choices(self.learned, areas, k=count):
            top, left = (random.randint(0, length - side) for length in picture.shape[1:])
            patch = picture[:, top : top + side, left : left + side]
            patch = torch.rot90(patch, random.randrange(4), (1, 2))
            patches.append(patch.flip(2) if random.random() < 0.5 else patch)
        return torch.stack(patches)


def _divided(picture: Tensor) -> tuple[Tensor, Tensor]:
    """Divide a picture along its long side."""
    axis = 1 if picture.shape[1] >= picture.shape[2] else 2
    length = picture.shape[axis]
    kept = length - round(_SHARE * length)
    return picture.narrow(axis, 0, kept), picture.narrow(axis, kept, length - kept)


def _middle(picture: Tensor, multiple: int, longest: int) -> Tensor:
    """Return the middle of a picture."""
    height, width = (
        max(multiple, min(side, longest) // multiple * multiple) for side in picture.shape[1:]
    )
    top, left = (picture.shape[1] - height) // 2, (picture.shape[2] - width) // 2
    return picture[:, top : top + height, left : left + width]
