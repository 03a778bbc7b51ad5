"""A fast style as an ExecuTorch program, for the CPUs of phones by XNNPACK."""

from __future__ import annotations

import copy
import math
import warnings
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from napari_style_transfer.engine.networks.transformer import (
    CONDITIONS,
    EPSILON,
    MARGIN,
    SPREAD,
    STRIDE,
    ConditionalConvolution,
)
from napari_style_transfer.errors import InputError, StyleTransferError
from napari_style_transfer.geometry import Shape

if TYPE_CHECKING:
    from napari_style_transfer.fast_style import FastStyle


def executorch_program(
    fast_style: FastStyle, size: Shape, *, name: str = "", licence: str = ""
) -> bytes:
    """Return a fast style as an ExecuTorch program.

    Its method ``forward`` takes and gives what the ONNX model does, in the same order. The methods
    ``name``, ``licence`` and ``normalization`` give texts.

    Parameters
    ----------
    fast_style
        What is exported.
    size
        (H, W) of the pictures.
    name, licence
        What the program says of itself; the styles' names and the fast style's note if empty.

    Raises
    ------
    InputError
        If the package executorch is not installed.
    StyleTransferError
        If it cannot make the program.
    """
    try:
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
        from executorch.exir import to_edge_transform_and_lower
    except ImportError:
        raise InputError(
            "Writing .pte needs one more package: pip install 'napari-style-transfer[executorch]'."
        ) from None
    network = Uint8Transformer(fast_style, size).eval()
    texts = {
        "name": name or ", ".join(fast_style.names),
        "licence": licence or fast_style.info.note,
        "normalization": "frozen" if network.frozen else "live",
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what ExecuTorch says of its own parts
        try:
            exported = torch.export.export(network, network.example())
            program = to_edge_transform_and_lower(
                exported, partitioner=[XnnpackPartitioner()], constant_methods=texts
            )
            return bytes(program.to_executorch().buffer)
        except Exception as error:  # of a compiler of others, which raises what it likes
            raise StyleTransferError(f"ExecuTorch could not make the program: {error}") from error


class Uint8Transformer(nn.Module):
    """The network as other runtimes see it: uint8 pictures of one size in and out.

    Parameters
    ----------
    fast_style
        Whose network it is, which is left as it is.
    size
        (H, W) of the pictures.
    """

    rows: Tensor
    columns: Tensor

    def __init__(self, fast_style: FastStyle, size: Shape) -> None:
        super().__init__()
        self.network = copy.deepcopy(fast_style.transformer).float().cpu().requires_grad_(False)
        self.frozen, self._size = self.network.frozen, size
        self._margins, places = zip(*map(_mirrored, size), strict=True)
        self.register_buffer("rows", places[0])
        self.register_buffer("columns", places[1])

    def example(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return arguments of :meth:`forward`."""
        picture = torch.zeros(1, *self._size, 3, dtype=torch.uint8)
        return picture, torch.full((1,), 0.5), torch.ones(1), torch.ones(self.network.styles)

    def forward(
        self, picture: Tensor, strength: Tensor, stroke_size: Tensor, shares: Tensor
    ) -> Tensor:
        """Paint a (1, H, W, 3) uint8 picture; as :meth:`Transformer.forward`, all in one."""
        shares = shares / shares.sum()
        stroke_size = torch.log(stroke_size) / math.log(2)
        numbers = torch.cat([torch.ones(1), SPREAD * (2 * strength - 1), stroke_size])
        condition = (shares[:, None] * numbers).reshape(1, self.network.styles * CONDITIONS)

        def convolve(convolution: ConditionalConvolution, maps: Tensor) -> Tensor:
            maps = convolution.convolve(maps)
            scale, offset = (
                (condition @ each)[..., None, None]
                for each in (convolution.scale, convolution.offset)
            )
            if convolution.normalized and self.frozen:
                mean, variance = (
                    (shares[None] @ each)[..., None, None]
                    for each in (convolution.mean, convolution.variance)
                )
            elif convolution.normalized:
                mean = _mean(maps)
                variance = _mean((maps - mean).square())
            else:
                return maps * scale + offset
            return (maps - mean) * (scale * torch.rsqrt(variance + EPSILON)) + offset

        # Padded while it still is bytes: later, ExecuTorch's kernels find layouts that they do not mix.
        picture = picture.index_select(1, self.rows).index_select(2, self.columns)
        maps = self.network.layers(picture.permute(0, 3, 1, 2).float() / 255, convolve)
        (top, left), (height, width) = self._margins, self._size
        maps = torch.sigmoid(maps[..., top : top + height, left : left + width])
        return (255 * maps).round().permute(0, 2, 3, 1).to(torch.uint8)


def _mean(maps: Tensor) -> Tensor:
    """Return the mean of each map, of its rows' means: a sum of millions loses single precision."""
    return maps.mean(3, keepdim=True).mean(2, keepdim=True)


def _mirrored(side: int) -> tuple[int, Tensor]:
    """Return a side's margin, and where the pixels come from with it: as :meth:`Transformer.paint`."""
    margin = min(MARGIN, (side - 1) // STRIDE * STRIDE)
    places = np.pad(np.arange(-(-side // STRIDE) * STRIDE), margin, mode="reflect")
    return margin, torch.from_numpy(np.minimum(places, side - 1))
