"""Frozen 3 × 3 convolutions with their rectification, and their backward pass, on a CPU."""

from __future__ import annotations

import functools

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_style_transfer.engine.cpu.allocator import Allocate, allocate_map
from napari_style_transfer.engine.cpu.probe import agrees, sample
from napari_style_transfer.engine.cpu.winograd import Winograd

#: Values of kernels of which a flipped copy is kept: of layers whose maps outweigh them.
_FEW_KERNELS = 1 << 20


class WinogradConvolution(nn.Module):
    """A layer of float32 maps; keeps its kernels' values at Winograd's points alone.

    Parameters
    ----------
    weight, bias
        (O, I, 3, 3) and (O,).
    winograd
        The algorithm, with working memory that the layers share.
    """

    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor, winograd: Winograd) -> None:
        super().__init__()
        self._values = winograd.values_of(weight)  # no buffer, which would become float32
        self.register_buffer("bias", bias)
        self._winograd = winograd

    def rectified(self, x: Tensor, allocate: Allocate = allocate_map) -> Tensor:
        """Convolve and rectify (N, I, H, W) maps."""
        return self._winograd.rectified(x, self._values, self.bias, allocate)

    def backward(self, gradient: Tensor, allocate: Allocate = allocate_map) -> Tensor:
        """Return the gradient for the maps, from the (N, O, H, W) one for their convolution."""
        return self._winograd.backward(gradient, self._values, allocate)


class FusedConvolution(nn.Conv2d):
    """A layer of maps of any type, padded by zeros to keep the maps' size.

    By oneDNN's convolution that rectifies before it writes, where this build of torch has it.

    Parameters
    ----------
    weight, bias
        (O, I, 3, 3) and (O,).
    """

    bias: Tensor  # never absent

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__(weight.shape[1], weight.shape[0], 3, padding=1, device="meta")
        self.load_state_dict({"weight": weight, "bias": bias}, assign=True)
        self._flipped: Tensor | None = None

    def rectified(self, x: Tensor, allocate: Allocate = allocate_map) -> Tensor:
        """Convolve and rectify (N, I, H, W) maps."""
        if _fuses(x):
            return _fused(x, self.weight, self.bias, "relu", allocate)
        result: Tensor = self(x)
        return result.relu_()

    def backward(self, gradient: Tensor, allocate: Allocate = allocate_map) -> Tensor:
        """Return the gradient for the maps, from the (N, O, H, W) one for their convolution."""
        if _fuses(gradient) and self.weight.numel() <= _FEW_KERNELS:
            return _fused(gradient, self._flipped_kernels(), None, None, allocate)
        return functional.conv_transpose2d(gradient, self.weight, padding=1)

    def _flipped_kernels(self) -> Tensor:
        """Return the kernels with which a convolution is the backward pass of this one."""
        if self._flipped is None:
            flipped = self.weight.flip(2, 3).transpose(0, 1)
            self._flipped = flipped.contiguous(memory_format=torch.channels_last)
        return self._flipped


def _fuses(x: Tensor) -> bool:
    return x.dtype in (torch.bfloat16, torch.float32) and works()


def _fused(
    x: Tensor, weight: Tensor, bias: Tensor | None, after: str | None, allocate: Allocate
) -> Tensor:
    """Convolve, and do what comes `after` before the result is written."""
    result = allocate(x, (x.shape[0], weight.shape[0], *x.shape[2:]))
    # It adds to what is there; other variants give memory of their own.
    torch.ops.mkldnn._convolution_pointwise_.binary(
        result.zero_(), x, weight, bias, [1, 1], [1, 1], [1, 1], 1, "add", 1.0, after, [], None
    )
    return result


@functools.cache
def works() -> bool:
    """Return whether oneDNN's convolution that rectifies before it writes is right here, by trying."""

    def right(dtype: torch.dtype, tolerance: float) -> bool:
        x, weight = sample(2, 8, 9, 7, dtype=dtype), sample(16, 8, 3, 3, seed=1, dtype=dtype)
        bias = torch.linspace(-9, 9, 16)
        expected = functional.conv2d(x.float(), weight.float(), bias, padding=1).relu()
        bias = bias.to(dtype)
        return agrees(
            "the fused convolution",
            lambda: _fused(x, weight, bias, "relu", allocate_map),
            expected,
            tolerance,
        )

    return right(torch.float32, 1e-4) and right(torch.bfloat16, 0.02)
