"""The network that paints a picture in one pass (Johnson, Alahi & Fei-Fei 2016), for several styles.

Its maps are normalised to mean 0 and variance 1 (Ulyanov, Vedaldi & Lempitsky 2017). Each channel gets a
scale and an offset, which styles, strength and stroke size choose: conditional instance normalisation
(Dumoulin, Shlens & Kudlur 2017).

Means and variances can also be *given* (differs from both): those of a whole picture for its tiles, or, in
a *frozen* network, those of the contents that it learned from. Then all is folded into plain convolutions,
and a pixel depends on its receptive field alone: tiles are exact, and what comes into sight elsewhere in a
frame changes nothing here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

#: Sides of pictures that the network takes are multiples of this: two convolutions halve the size.
STRIDE = 4
#: Numbers that a strength and a stroke size become for each style: 1, and both on a scale around 0.
CONDITIONS = 3
EPSILON = 1e-5
#: In the condition, strengths go from minus this to plus this. Little is learned of them in minutes: with 1
#: the strength was hardly seen, and with 4 the picture fell apart.
SPREAD = 2.0
#: Pixels by which a picture is mirrored at its borders, where less left lines along them: the convolutions'
#: own padding is zeros. A multiple of `STRIDE`.
MARGIN = 28

#: Means and variances of the channels of each normalised convolution, (C,), in the network's order.
Statistics = tuple[tuple[Tensor, Tensor], ...]


class ConditionalConvolution(nn.Module):
    """A convolution whose channels are normalised, then scaled and offset by a condition.

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
    normalized
        Whether to normalise.
    frozen
        Whether means and variances are kept, for each style, as part of its state.
    """

    mean: Tensor
    variance: Tensor

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        conditions: int,
        stride: int = 1,
        normalized: bool = True,
        frozen: bool = False,
    ) -> None:
        super().__init__()
        self.stride, self.normalized = stride, normalized
        if frozen and normalized:
            styles = conditions // CONDITIONS
            self.register_buffer("mean", torch.zeros(styles, outputs))
            self.register_buffer("variance", torch.ones(styles, outputs))
        self.weight = nn.Parameter(torch.empty(outputs, inputs, kernel, kernel))
        self.scale = nn.Parameter(torch.zeros(conditions, outputs))
        self.offset = nn.Parameter(torch.zeros(conditions, outputs))
        if not self.weight.is_meta:  # there is nothing to fill, and torch would load its compiler
            nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        with torch.no_grad():
            self.scale[::CONDITIONS] = 1

    def convolve(self, maps: Tensor) -> Tensor:
        """Convolve (N, C, h, w) maps, and no more."""
        weight = self.weight.to(maps.dtype)
        padding = self.weight.shape[-1] // 2
        return functional.conv2d(maps, weight, stride=self.stride, padding=padding)

    def plain(self, maps: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Convolve maps by what :meth:`folded` returned."""
        padding = weight.shape[-1] // 2
        weight, bias = weight.to(maps.dtype), bias.to(maps.dtype)
        return functional.conv2d(maps, weight, bias, self.stride, padding)

    def forward(self, maps: Tensor, condition: Tensor) -> Tensor:
        """Convolve maps and normalise each picture's, under a condition of (conditions,)."""
        maps = self.convolve(maps)
        scale = (condition @ self.scale).to(maps.dtype)
        offset = (condition @ self.offset).to(maps.dtype)
        if self.normalized:
            return functional.instance_norm(maps, weight=scale, bias=offset, eps=EPSILON)
        return torch.addcmul(offset[:, None, None], maps, scale[:, None, None])

    def affine(
        self, condition: Tensor, statistics: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, Tensor]:
        """Return scale and offset (O,) of each channel once its mean and variance are given.

        Parameters
        ----------
        condition
            From :meth:`Transformer.condition`.
        statistics
            Mean and variance of each channel; None where nothing is normalised.
        """
        scale, offset = condition @ self.scale, condition @ self.offset
        if statistics is not None:
            mean, variance = statistics
            scale = scale * (variance + EPSILON).rsqrt()
            offset = offset - scale * mean
        return scale, offset

    def folded(
        self, condition: Tensor, statistics: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, Tensor]:
        """Return kernel (O, I, k, k) and bias (O,) of the plain convolution that it then is."""
        scale, offset = self.affine(condition, statistics)
        return self.weight * scale[:, None, None, None], offset


#: Applies a convolution of the network to maps.
Convolve = Callable[[ConditionalConvolution, Tensor], Tensor]


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
    frozen
        Whether the statistics are fixed, those of no picture.

    Attributes
    ----------
    receptive_field
        How many pixels beyond its own a pixel of the result depends on, at most, once the statistics
        are given.
    """

    def __init__(self, styles: int, width: int = 16, blocks: int = 5, frozen: bool = False) -> None:
        super().__init__()
        self.styles, self.width, self.blocks, self.frozen = styles, width, blocks, frozen
        conditions = styles * CONDITIONS

        def convolution(
            inputs: int, outputs: int, kernel: int = 3, stride: int = 1, normalized: bool = True
        ) -> ConditionalConvolution:
            return ConditionalConvolution(
                inputs, outputs, kernel, conditions, stride, normalized, frozen
            )

        w = width
        self.down = nn.ModuleList(
            [convolution(3, w, 9), convolution(w, 2 * w, 3, 2), convolution(2 * w, 4 * w, 3, 2)]
        )
        self.first = nn.ModuleList(convolution(4 * w, 4 * w) for _ in range(blocks))
        self.second = nn.ModuleList(convolution(4 * w, 4 * w) for _ in range(blocks))
        self.up = nn.ModuleList([convolution(4 * w, 2 * w), convolution(2 * w, w)])
        self.last = convolution(w, 3, 9, normalized=False)
        # At the stride of each: 9 x 9 kernels twice, 3 x 3 kernels, and up to a step of the upsampling.
        self.receptive_field = 4 + 1 + 2 + 2 * blocks * 4 + 4 + 2 + 4 + STRIDE
        with torch.no_grad():
            self.last.scale[::CONDITIONS] = 0.2

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
        numbers = torch.tensor([1.0, SPREAD * (2 * strength - 1), math.log2(stroke_size)])
        return torch.outer(of, numbers).flatten().to(self.last.weight.device)

    def forward(self, pictures: Tensor, condition: Tensor) -> Tensor:
        """Paint pictures, each normalised on its own unless the network is frozen.

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
        if not self.frozen:
            return self.paint(pictures, lambda convolution, maps: convolution(maps, condition))
        given = iter(self.frozen_statistics(condition))
        kernels = {
            each: each.folded(condition, next(given) if each.normalized else None)
            for each in self.convolutions()
        }
        return self.paint(
            pictures, lambda convolution, maps: convolution.plain(maps, *kernels[convolution])
        )

    def frozen_statistics(self, condition: Tensor) -> Statistics:
        """Return the statistics of a frozen network, mixed as the styles are."""
        shares = condition[::CONDITIONS]
        return tuple(
            (shares @ each.mean, shares @ each.variance)
            for each in self.convolutions()
            if each.normalized
        )

    def convolutions(self) -> list[ConditionalConvolution]:
        """Return its convolutions in the order in which a picture passes them."""
        blocks = [each for pair in zip(self.first, self.second, strict=True) for each in pair]
        return [*self.down, *blocks, *self.up, self.last]

    @torch.no_grad()
    def statistics(self, pictures: Tensor, condition: Tensor) -> Statistics:
        """Return the statistics of pictures, parts of one or frames of one scene, taken together."""
        found: list[tuple[Tensor, Tensor]] = []

        def convolve(convolution: ConditionalConvolution, maps: Tensor) -> Tensor:
            maps = convolution.convolve(maps)
            measured = None
            if convolution.normalized:
                variance, mean = torch.var_mean(maps.float(), (0, 2, 3), correction=0)
                measured = mean, variance
                found.append(measured)
            scale, offset = convolution.affine(condition, measured)
            scale, offset = scale.to(maps.dtype), offset.to(maps.dtype)
            return torch.addcmul(offset[:, None, None], maps, scale[:, None, None])

        self.paint(pictures, convolve)
        return tuple(found)

    def paint(self, pictures: Tensor, convolve: Convolve) -> Tensor:
        """Paint pictures by the convolutions as `convolve` applies them; otherwise as :meth:`forward`."""
        # A picture cannot be mirrored by more than there is of it.
        top, left = (min(MARGIN, (side - 1) // STRIDE * STRIDE) for side in pictures.shape[-2:])
        maps = functional.pad(pictures, (left, left, top, top), mode="reflect")
        height, width = pictures.shape[-2:]
        maps = self.layers(maps, convolve)[..., top : top + height, left : left + width]
        return torch.sigmoid(maps.float())

    def layers(self, pictures: Tensor, convolve: Convolve) -> Tensor:
        """Return what the last convolution gives, (N, 3, H, W), for pictures with their margin."""
        maps = 4 * pictures - 2
        for each in self.down:
            maps = functional.relu(convolve(each, maps))  # type: ignore[arg-type]
        for first, second in zip(self.first, self.second, strict=True):
            maps = maps + convolve(second, functional.relu(convolve(first, maps)))  # type: ignore[arg-type]
        for each in self.up:
            # Nearest, and a convolution: transposed ones leave grids (Odena et al. 2016).
            maps = functional.interpolate(maps, scale_factor=2)
            maps = functional.relu(convolve(each, maps))  # type: ignore[arg-type]
        return convolve(self.last, maps)
