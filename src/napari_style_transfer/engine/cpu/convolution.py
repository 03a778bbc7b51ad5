"""Frozen 3 × 3 convolutions with their rectification, and the way back, as fast as the device does them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_style_transfer.engine.cpu.allocator import Allocate, allocate_map
from napari_style_transfer.engine.cpu.winograd import Winograd

#: Values of kernels of which a copy, turned round, is kept: of layers whose maps outweigh them.
_FEW_KERNELS = 1 << 20


class WinogradConvolution(nn.Module):
    """A layer of float32 maps on a CPU; keeps its kernels' values at Winograd's points alone.

    Parameters
    ----------
    weight, bias
        (O, I, 3, 3) and (O,).
    winograd
        What convolves, shared by the layers.
    """

    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor, winograd: Winograd) -> None:
        super().__init__()
        self._values = winograd.values_of(weight)  # no buffer, which would become float32
        self.register_buffer("bias", bias)
        self._winograd = winograd

    def rectified(self, x: Tensor, empty: Allocate = allocate_map) -> Tensor:
        """Convolve and rectify a (1, I, H, W) map; `empty` makes the result."""
        return self._winograd.rectified(x, self._values, self.bias, empty)

    def back(self, gradient: Tensor, empty: Allocate = allocate_map) -> Tensor:
        """Return the gradient for the map, from that for its convolution; `empty` makes it."""
        return self._winograd.back(gradient, self._values, empty)


class Convolution(nn.Conv2d):
    """A layer of any maps on any device, padded by zeros to keep the map's size.

    Parameters
    ----------
    weight, bias
        (O, I, 3, 3) and (O,).
    """

    bias: Tensor  # never absent

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__(weight.shape[1], weight.shape[0], 3, padding=1, device="meta")
        self.load_state_dict({"weight": weight, "bias": bias}, assign=True)
        self._turned_round: Tensor | None = None

    def rectified(self, x: Tensor, empty: Allocate = allocate_map) -> Tensor:
        """Convolve and rectify a (1, I, H, W) map; `empty` makes the result."""
        if _fuses(x):
            return _fused(x, self.weight, self.bias, "relu", empty)
        result: Tensor = self(x)
        return result.relu_()

    def back(self, gradient: Tensor, empty: Allocate = allocate_map) -> Tensor:
        """Return the gradient for the map, from that for its convolution; `empty` makes it."""
        if _fuses(gradient) and self.weight.numel() <= _FEW_KERNELS:
            return _fused(gradient, self._turned(), None, None, empty)
        return functional.conv_transpose2d(gradient, self.weight, padding=1)

    def _turned(self) -> Tensor:
        """Return the kernels, turned round, with which a convolution is the way back of this one."""
        if self._turned_round is None:
            turned = self.weight.flip(2, 3).transpose(0, 1)
            self._turned_round = turned.contiguous(memory_format=torch.channels_last)
        return self._turned_round


def on_cpu(x: Tensor, dtype: torch.dtype) -> bool:
    """Return whether a map is of that type and on the CPU."""
    return x.dtype is dtype and x.device.type == "cpu"


def _fuses(x: Tensor) -> bool:
    return _FUSED is not None and (on_cpu(x, torch.bfloat16) or on_cpu(x, torch.float32))


def _fused(
    x: Tensor, weight: Tensor, bias: Tensor | None, after: str | None, empty: Allocate
) -> Tensor:
    """Convolve into a map that `empty` makes, and do what comes `after` before that is written."""
    assert _FUSED is not None
    result = empty(x, (1, weight.shape[0], *x.shape[2:]))
    # It adds to what is there; other variants give memory of their own.
    _FUSED(result.zero_(), x, weight, bias, [1, 1], [1, 1], [1, 1], 1, "add", 1.0, after, [], None)
    return result


def _fused_convolution() -> Callable[..., Tensor] | None:
    """Return oneDNN's convolution that rectifies before it writes; not every build has it."""
    try:
        fused: Callable[..., Tensor] = torch.ops.mkldnn._convolution_pointwise_.binary
    except AttributeError:
        return None
    return fused


_FUSED = _fused_convolution()
