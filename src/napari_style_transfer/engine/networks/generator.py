"""The network that translates a picture from one domain to another: a U-Net without normalisation.

A U-Net (Ronneberger, Fischer & Brox 2015) hands fine detail over from the encoder to the decoder, so forms
stay where they are. Nothing is normalised: a pixel depends on its receptive field alone, and tiles are
exact. What the network finds is added to the picture; it begins as one that changes nothing.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

#: Times that the encoder halves the size.
LEVELS = 2
#: Sides of pictures that the network takes are multiples of this.
STRIDE = 2**LEVELS
#: Residual blocks at the smallest size.
_RESIDUAL_BLOCKS = 2


class Generator(nn.Module):
    """A U-Net from pictures to pictures of as many channels.

    Parameters
    ----------
    channels
        Of the pictures.
    width
        Channels of the maps at full size; twice as many at each smaller one.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.channels, self.width = channels, width
        widths = [width * 2**level for level in range(LEVELS + 1)]
        self.first = _convolution(channels, width)
        self.down = nn.ModuleList(
            _block(shallow, deep, stride=2) for shallow, deep in pairwise(widths)
        )
        self.deepest = nn.ModuleList(_Residual(widths[-1]) for _ in range(_RESIDUAL_BLOCKS))
        self.up = nn.ModuleList(
            _Up(deep, shallow) for shallow, deep in reversed(list(pairwise(widths)))
        )
        self.last = nn.Conv2d(width, channels, 3, padding=1)
        if not self.last.weight.is_meta:
            nn.init.normal_(self.last.weight, std=1e-3)
        assert self.last.bias is not None
        nn.init.zeros_(self.last.bias)

    def encode(self, pictures: Tensor) -> list[Tensor]:
        """Return the maps of the encoder, from full size to the smallest.

        Parameters
        ----------
        pictures
            (N, channels, H, W), about 0 to 1; sides are multiples of `STRIDE`.
        """
        maps = [functional.relu(self.first(2 * pictures - 1))]
        for block in self.down:
            maps.append(block(maps[-1]))
        deepest = maps.pop()
        for block in self.deepest:
            deepest = block(deepest)
        return [*maps, deepest]

    def decode(self, pictures: Tensor, maps: list[Tensor]) -> Tensor:
        """Return the translated pictures, (N, channels, H, W), from those and their encoder's maps."""
        found = maps[-1]
        for block, kept in zip(self.up, reversed(maps[:-1]), strict=True):
            found = block(found, kept)
        change: Tensor = self.last(found)
        return pictures + change

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the translated pictures."""
        return self.decode(pictures, self.encode(pictures))


class _Up(nn.Module):
    """Maps made twice as large, and joined with the encoder's of that size.

    They are interpolated linearly: from repeated pixels a grid would remain.
    """

    def __init__(self, deep: int, shallow: int) -> None:
        super().__init__()
        self.before = _convolution(deep, shallow)
        self.after = _convolution(2 * shallow, shallow)

    def forward(self, maps: Tensor, kept: Tensor) -> Tensor:
        found = functional.relu(self.before(maps))
        larger = functional.interpolate(found, scale_factor=2.0, mode="bilinear")
        return functional.relu(self.after(torch.cat([larger, kept], 1)))


class _Residual(nn.Module):
    """Two convolutions whose result is added to what they were given (He et al. 2016)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.block = _block(width, width)

    def forward(self, maps: Tensor) -> Tensor:
        result: Tensor = maps + self.block(maps)
        return result


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1)
    if not convolution.weight.is_meta:
        nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
    assert convolution.bias is not None
    nn.init.zeros_(convolution.bias)
    return convolution


def _block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """Return two convolutions with their rectifiers."""
    return nn.Sequential(
        _convolution(inputs, outputs, stride),
        nn.ReLU(inplace=True),
        _convolution(outputs, outputs),
        nn.ReLU(inplace=True),
    )
