"""An ONNX model of a fast style, traced by torch, with the inputs and output that the page expects."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_style_transfer.engine.networks.transformer import STRIDE, Transformer
from napari_style_transfer.fast_style import FastStyle

_INPUTS = ["picture", "strength", "stroke_size", "shares"]


class _Traced(nn.Module):
    def __init__(self, transformer: Transformer) -> None:
        super().__init__()
        self.transformer = transformer

    def forward(
        self, picture: Tensor, strength: Tensor, stroke_size: Tensor, shares: Tensor
    ) -> Tensor:
        numbers = torch.cat(
            [torch.ones(1), 2 * (2 * strength - 1), torch.log(stroke_size) / math.log(2)]
        )
        condition = torch.outer(shares / shares.sum(), numbers).flatten()
        maps = picture.permute(0, 3, 1, 2).float() / 255
        height, width = maps.shape[-2:]
        maps = functional.pad(maps, (0, -width % STRIDE, 0, -height % STRIDE), mode="replicate")
        painted = self.transformer(maps, condition)[..., :height, :width]
        return (255 * painted).round().to(torch.uint8).permute(0, 2, 3, 1)


def write_traced(fast_style: FastStyle, path: Path) -> None:
    """Write a model for pictures of 32 pixels or more on each side."""
    example = (
        torch.zeros(1, 64, 96, 3, dtype=torch.uint8),
        torch.tensor([0.5]),
        torch.tensor([1.0]),
        torch.ones(len(fast_style.names)),
    )
    sides = {1: "height", 2: "width"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Traced(fast_style.transformer), example, str(path), dynamo=False, opset_version=17,
            input_names=_INPUTS, output_names=["painted"],
            dynamic_axes={"picture": sides, "painted": sides},
        )  # fmt: skip
