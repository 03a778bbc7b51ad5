"""The way back through a convolution in 8-bit integers, four times as fast on a CPU with VNNI.

After Jacob et al. (2018, section 2): a value v is kept as the integer q of v ≈ scale · (q - zero). The
scale of a gradient is that of its largest value, found anew each time, and the scale of a kernel that of
its own; the products are summed exactly, and come out in bfloat16. A gradient bears that: it keeps its
direction to a cosine of 0.999 or so. Activations do not: in integers of theirs the loss jumps from one
picture to the next, and late in a run L-BFGS takes half as many evaluations again, or stalls.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor, nn

from napari_style_transfer.engine.cpu.allocator import Allocate, allocate_map
from napari_style_transfer.engine.cpu.convolution import Convolution, WinogradConvolution

#: The largest integer of a kernel and, with zero at 128, of a gradient.
_LARGEST, _ZERO = 127, 128
#: Values that are turned into integers at a time, and that a convolution gives: so many the caches hold.
_TOGETHER, _GIVEN_TOGETHER = 1 << 18, 1 << 22


class Int8Backward(nn.Module):
    """A layer on a CPU whose way back is in integers.

    Parameters
    ----------
    layer
        Convolves and rectifies.
    weight
        Its kernels, (O, I, 3, 3) float32.
    """

    def __init__(self, layer: Convolution | WinogradConvolution, weight: Tensor) -> None:
        super().__init__()
        self.layer = layer
        turned_round = weight.flip(2, 3).transpose(0, 1)
        self._scales = turned_round.abs().amax(dim=(1, 2, 3)).div_(_LARGEST).clamp_(min=1e-12)
        integers = (turned_round / self._scales.view(-1, 1, 1, 1)).round_().to(torch.int8)
        self._packed = torch.ops.onednn.qconv_prepack(
            integers.contiguous(), self._scales, 1.0, 0, [1, 1], [0, 1], [1, 1], 1, None
        )
        self._zeros = torch.zeros(len(self._scales), dtype=torch.int32)

    def rectified(self, x: Tensor, empty: Allocate = allocate_map) -> Tensor:
        """Convolve and rectify a (1, I, H, W) map, as the layer does."""
        return self.layer.rectified(x, empty)

    def back(self, gradient: Tensor, empty: Allocate = allocate_map) -> Tensor:
        """Return the gradient for the map, in bfloat16, from the (1, O, H, W) one for its convolution.

        `empty` makes it.
        """
        _, _, height, width = gradient.shape
        integers, scale = _quantize(gradient, empty)
        channels = len(self._scales)
        result = empty(gradient, (1, channels, height, width), torch.bfloat16)
        rows = max(1, _GIVEN_TOGETHER // (width * channels))
        for top in range(0, height, rows):
            bottom = min(top + rows, height)
            result[:, :, top:bottom] = torch.ops.onednn.qconv2d_pointwise(
                integers[:, :, top : bottom + 2], scale, _ZERO, self._packed, self._scales, self._zeros,
                None, [1, 1], [0, 1], [1, 1], 1, 1.0, 0, torch.bfloat16, "none", [], "",
            )  # fmt: skip
        return result


@functools.cache
def works() -> bool:
    """Return whether this build of torch convolves integers, by trying: it is an operator of its own."""
    weight = torch.tensor([[-3.0, 1.0], [0.5, 2.0]]).view(2, 2, 1, 1).expand(2, 2, 3, 3)
    gradient = torch.tensor([1.0, -2.0]).view(1, 2, 1, 1)
    layer = Convolution(weight, torch.zeros(2))
    try:
        found = Int8Backward(layer, weight).back(gradient)
    except (AttributeError, RuntimeError):
        return False
    return torch.allclose(found.float(), layer.back(gradient), rtol=0.05)


def _quantize(gradient: Tensor, empty: Allocate) -> tuple[Tensor, float]:
    """Return the integers of a (1, C, H, W) map with a row of zeros above and below, and their scale."""
    _, channels, height, width = gradient.shape
    values = gradient.permute(0, 2, 3, 1).reshape(-1)
    least, largest = torch.aminmax(values)
    scale = max(float(largest), -float(least)) / _LARGEST or 1.0
    padded = empty(gradient, (1, channels, height + 2, width), torch.uint8)
    padded[:, :, 0] = padded[:, :, height + 1] = _ZERO
    integers = padded.permute(0, 2, 3, 1)[0, 1:-1].view(-1)
    floats, words = torch.empty(_TOGETHER), torch.empty(_TOGETHER, dtype=torch.int16)
    to_nearest = torch.tensor(_ZERO + 0.5)
    for start in range(0, len(values), _TOGETHER):
        part = values[start : start + _TOGETHER]
        scaled, whole = floats[: len(part)].copy_(part), words[: len(part)]
        torch.add(to_nearest, scaled, alpha=1 / scale, out=scaled)
        # Straight to bytes takes four times as long.
        integers[start : start + len(part)] = whole.copy_(scaled)
    return padded, scale
