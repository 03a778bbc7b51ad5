"""The backward pass of a convolution in 8-bit integers, four times as fast on a CPU with VNNI.

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
from torch.nn import functional

from napari_style_transfer.engine.cpu.allocator import Allocate, allocate_map
from napari_style_transfer.engine.cpu.convolution import FusedConvolution, WinogradConvolution
from napari_style_transfer.engine.cpu.probe import agrees, sample

#: The largest integer of a kernel and, with zero at 128, of a gradient.
_LARGEST, _ZERO = 127, 128
#: Values that are turned into integers at a time, and that a convolution gives: so many the caches hold.
_TOGETHER, _GIVEN_TOGETHER = 1 << 18, 1 << 22


class Int8Backward(nn.Module):
    """A layer whose backward pass is in integers.

    Parameters
    ----------
    layer
        Convolves and rectifies.
    weight
        Its kernels, (O, I, 3, 3) float32.
    """

    def __init__(self, layer: FusedConvolution | WinogradConvolution, weight: Tensor) -> None:
        super().__init__()
        self.layer = layer
        flipped = weight.flip(2, 3).transpose(0, 1)
        self._scales = flipped.abs().amax(dim=(1, 2, 3)).div_(_LARGEST).clamp_(min=1e-12)
        integers = (flipped / self._scales.view(-1, 1, 1, 1)).round_().to(torch.int8)
        self._packed = torch.ops.onednn.qconv_prepack(
            integers.contiguous(), self._scales, 1.0, 0, [1, 1], [0, 1], [1, 1], 1, None
        )
        self._zeros = torch.zeros(len(self._scales), dtype=torch.int32)

    def rectified(self, x: Tensor, allocate: Allocate = allocate_map) -> Tensor:
        """Convolve and rectify (N, I, H, W) maps, as the layer does."""
        return self.layer.rectified(x, allocate)

    def backward(self, gradient: Tensor, allocate: Allocate = allocate_map) -> Tensor:
        """Return the gradient for the maps in bfloat16, from the (N, O, H, W) one for the convolution's."""
        pictures, _, height, width = gradient.shape
        channels = len(self._scales)
        result = allocate(gradient, (pictures, channels, height, width), torch.bfloat16)
        rows = max(1, _GIVEN_TOGETHER // (width * channels))
        for picture in range(pictures):
            integers, scale = _quantize(gradient[picture : picture + 1], allocate)
            for top in range(0, height, rows):
                bottom = min(top + rows, height)
                result[picture : picture + 1, :, top:bottom] = torch.ops.onednn.qconv2d_pointwise(
                    integers[:, :, top : bottom + 2], scale, _ZERO, self._packed, self._scales,
                    self._zeros, None, [1, 1], [0, 1], [1, 1], 1, 1.0, 0, torch.bfloat16, "none", [],
                    "",
                )  # fmt: skip
        return result


@functools.cache
def works() -> bool:
    """Return whether this build of torch convolves integers rightly here, by trying."""
    weight, gradient = sample(16, 8, 3, 3), sample(2, 16, 9, 7, seed=1)
    layer = FusedConvolution(weight, torch.zeros(16))
    expected = functional.conv_transpose2d(gradient, weight, padding=1)
    return agrees(
        "convolution of 8-bit integers",
        lambda: Int8Backward(layer, weight).backward(gradient),
        expected,
        0.03,
    )


def _quantize(gradient: Tensor, allocate: Allocate) -> tuple[Tensor, float]:
    """Return the integers of a (1, C, H, W) map with a row of zeros above and below, and their scale."""
    _, channels, height, width = gradient.shape
    values = gradient.permute(0, 2, 3, 1).reshape(-1)
    least, largest = torch.aminmax(values)
    scale = max(float(largest), -float(least)) / _LARGEST or 1.0
    padded = allocate(gradient, (1, channels, height + 2, width), torch.uint8)
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
