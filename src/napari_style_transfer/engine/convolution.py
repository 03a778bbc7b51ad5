"""A frozen 3 × 3 convolution with its rectification, and the way back, as fast as the device does them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_style_transfer.engine.winograd import Winograd

#: Channels in and out from which Winograd's products outweigh the way to their basis and back.
_WINOGRAD_CHANNELS = 128


class Convolution(nn.Conv2d):
    """One layer of the network, padded by zeros to keep the map's size.

    Parameters
    ----------
    weight, bias
        (O, I, 3, 3) and (O,).
    winograd
        What float32 maps on a CPU are convolved with where it pays, shared by the layers; None for
        torch's own convolution.
    """

    bias: Tensor  # never absent

    def __init__(self, weight: Tensor, bias: Tensor, winograd: Winograd | None) -> None:
        super().__init__(weight.shape[1], weight.shape[0], 3, padding=1, device="meta")
        self.load_state_dict({"weight": weight, "bias": bias}, assign=True)
        self._winograd = winograd if min(weight.shape[:2]) >= _WINOGRAD_CHANNELS else None
        self._winograd_values: Tensor | None = None

    def rectified(self, x: Tensor) -> Tensor:
        """Convolve and rectify a (1, I, H, W) map."""
        if self._winograd is not None and on_cpu(x, torch.float32):
            return self._winograd.rectified(x, self._values(), self.bias)
        if (on_cpu(x, torch.bfloat16) or on_cpu(x, torch.float32)) and _FUSED is not None:
            fused: Tensor = _FUSED(
                x, self.weight, self.bias, [1, 1], [1, 1], [1, 1], 1, "relu", [], ""
            )
            return fused
        result: Tensor = self(x)
        return result.relu_()

    def back(self, gradient: Tensor) -> Tensor:
        """Return the gradient for the map, from that for its convolution."""
        if self._winograd is not None and on_cpu(gradient, torch.float32):
            return self._winograd.back(gradient, self._values())
        return functional.conv_transpose2d(gradient, self.weight, padding=1)

    def _values(self) -> Tensor:
        if self._winograd_values is None:
            self._winograd_values = Winograd.values_of(self.weight)
        return self._winograd_values


def on_cpu(x: Tensor, dtype: torch.dtype) -> bool:
    """Return whether a map is of that type and on the CPU."""
    return x.dtype is dtype and x.device.type == "cpu"


def _fused_convolution() -> Callable[..., Tensor] | None:
    """Return oneDNN's convolution that rectifies before it writes; not every build has it."""
    try:
        fused: Callable[..., Tensor] = torch.ops.mkldnn._convolution_pointwise.default
    except AttributeError:
        return None
    return fused


_FUSED = _fused_convolution()
