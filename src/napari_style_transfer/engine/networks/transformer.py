"""The network that paints a picture in one pass (Johnson, Alahi & Fei-Fei 2016), for several styles.

Each convolution is followed by a scale and an offset for each channel, which the styles, the strength and
the stroke size choose (Dumoulin, Shlens & Kudlur 2017, conditional instance normalisation). Statistics of
the picture are *not* taken (differs from both): scale and offset are folded into the convolution, so that
a pixel depends on its receptive field alone. Tiles are exact, frames do not flicker, and a pass, as a step
of learning, takes a third of the time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

#: Sides of pictures that the network takes are multiples of this: two convolutions halve the size.
STRIDE = 4
#: Numbers that a strength and a stroke size become for each style: 1, and both on a scale around 0.
_CONDITIONS = 3


class ConditionalConvolution(nn.Module):
    """A convolution whose channels are scaled and offset by a condition.

    Parameters
    ----------
    inputs, outputs
        Channels.
    kernel
        Side of the kernel, odd.
    conditions
        Length of the condition.
    stride
        Of the convolution.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, conditions: int, stride: int = 1
    ) -> None:
        super().__init__()
        self.stride = stride
        self.weight = nn.Parameter(torch.empty(outputs, inputs, kernel, kernel))
        self.scale = nn.Parameter(torch.zeros(conditions, outputs))
        self.offset = nn.Parameter(torch.zeros(conditions, outputs))
        if not self.weight.is_meta:  # there is nothing to fill, and torch would load its compiler
            nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        with torch.no_grad():
            self.scale[::_CONDITIONS] = 1

    def forward(self, maps: Tensor, condition: Tensor) -> Tensor:
        """Convolve (N, C, h, w) maps under a condition of (conditions,)."""
        weight, bias = self.folded(condition)
        return functional.conv2d(
            maps,
            weight.to(maps.dtype),
            bias.to(maps.dtype),
            stride=self.stride,
            padding=self.weight.shape[-1] // 2,
        )

    def folded(self, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Return the kernel (O, I, k, k) and the bias (O,) of the plain convolution that it is."""
        scale = condition @ self.scale
        return self.weight * scale[:, None, None, None], condition @ self.offset


class Transformer(nn.Module):
    """Paints pictures in any mix of its styles.

    Parameters
    ----------
    styles
        How many styles it knows.
    width
        Channels at full size; two and four times as many at half and a quarter of it.
    blocks
        Residual blocks (He et al. 2016) at a quarter of the size.

    Attributes
    ----------
    receptive_field
        How many pixels beyond its own a pixel of the result depends on, at most.
    """

    def __init__(self, styles: int, width: int = 16, blocks: int = 5) -> None:
        super().__init__()
        self.styles, self.width, self.blocks = styles, width, blocks
        conditions = styles * _CONDITIONS

        def convolution(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Module:
            return ConditionalConvolution(inputs, outputs, kernel, conditions, stride)

        w = width
        self.down = nn.ModuleList(
            [convolution(3, w, 9), convolution(w, 2 * w, 3, 2), convolution(2 * w, 4 * w, 3, 2)]
        )
        self.first = nn.ModuleList(convolution(4 * w, 4 * w) for _ in range(blocks))
        self.second = nn.ModuleList(convolution(4 * w, 4 * w) for _ in range(blocks))
        self.up = nn.ModuleList([convolution(4 * w, 2 * w), convolution(2 * w, w)])
        self.last = convolution(w, 3, 9)
        # At the stride of each: 9 x 9 kernels twice, 3 x 3 kernels, and up to a step of the upsampling.
        self.receptive_field = 4 + 1 + 2 + 2 * blocks * 4 + 4 + 2 + 4 + STRIDE
        with torch.no_grad():
            for each in self.second:
                each.scale[::_CONDITIONS] = 0.2  # type: ignore[index,union-attr]
            self.last.scale[::_CONDITIONS] = 0.2  # type: ignore[index,union-attr]

    def condition(
        self, shares: Sequence[float] | Tensor, strength: float, stroke_size: float
    ) -> Tensor:
        """Return the condition of a mix.

        Parameters
        ----------
        shares
            Of the styles, (styles,), relative to one another.
        strength
            From 0, a hint, to 1, all style.
        stroke_size
            Relative to what the style was learned at; 0.5 to 2.
        """
        of = torch.as_tensor(shares, dtype=torch.float32)
        of = of / of.sum()
        numbers = torch.tensor([1.0, 2 * strength - 1, math.log2(stroke_size)])
        return torch.outer(of, numbers).flatten().to(self.last.weight.device)  # type: ignore[arg-type,union-attr]

    def forward(self, pictures: Tensor, condition: Tensor) -> Tensor:
        """Paint pictures.

        Parameters
        ----------
        pictures
            (N, 3, H, W) in [0, 1], in the type to convolve in; H and W multiples of `STRIDE`.
        condition
            From :meth:`condition`.

        Returns
        -------
        Tensor
            (N, 3, H, W) float32 in (0, 1).
        """
        maps = 4 * pictures - 2
        for each in self.down:
            maps = functional.relu(each(maps, condition))
        for first, second in zip(self.first, self.second, strict=True):
            maps = maps + second(functional.relu(first(maps, condition)), condition)
        for each in self.up:
            # Nearest, and a convolution: transposed ones leave grids (Odena et al. 2016).
            maps = functional.interpolate(maps, scale_factor=2)
            maps = functional.relu(each(maps, condition))
        return torch.sigmoid(self.last(maps, condition).float())
