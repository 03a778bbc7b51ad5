"""A picture painted in one pass of the network, whole or in exact tiles."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_style_transfer.engine.device import describe, is_out_of_memory
from napari_style_transfer.engine.networks.transformer import (
    STRIDE,
    ConditionalConvolution,
    Transformer,
)
from napari_style_transfer.engine.resample import resized_part
from napari_style_transfer.engine.tensors import to_array
from napari_style_transfer.engine.tiles import Tile, cut_tiles
from napari_style_transfer.errors import OutOfMemoryError, StyleTransferError
from napari_style_transfer.geometry import Shape
from napari_style_transfer.io.pictures import over_white
from napari_style_transfer.io.windows import PictureWindows
from napari_style_transfer.progress import Picture

#: Side in pixels of the tiles that large pictures are painted in, on a CPU and on other devices: larger
#: ones are hardly faster. A tile of the CPU's needs some 0.5 GB.
_SIDES = {"cpu": 1024, "other": 2048}


class Folded(nn.Module):
    """A network ready to paint under one condition: kernels folded, and on a device.

    Parameters
    ----------
    transformer
        The network, which is left as it is.
    condition
        From :meth:`Transformer.condition`.
    device, dtype
        Where and in which type to convolve.

    Attributes
    ----------
    halo
        Pixels around a tile that it must see, a multiple of `STRIDE`.
    """

    def __init__(
        self, transformer: Transformer, condition: Tensor, device: torch.device, dtype: torch.dtype
    ) -> None:
        super().__init__()
        self.halo = -(-transformer.receptive_field // STRIDE) * STRIDE
        self.device, self.dtype = device, dtype
        self._condition = condition.to(device)
        with torch.inference_mode():
            # A folded convolution takes the place of each; all else is copied.
            memo = {
                id(module): _FoldedConvolution(module, condition, device, dtype)
                for module in transformer.modules()
                if isinstance(module, ConditionalConvolution)
            }
            self._network = copy.deepcopy(transformer, memo).eval()

    @torch.inference_mode()
    def forward(self, pictures: Tensor) -> Tensor:
        """Paint (N, 3, H, W) float32 pictures in [0, 1]; sides are multiples of `STRIDE`."""
        pictures = pictures.to(self.device, self.dtype, memory_format=torch.channels_last)
        painted: Tensor = self._network(pictures, self._condition)
        return painted


class _FoldedConvolution(ConditionalConvolution):
    """A conditional convolution under one condition."""

    def __init__(
        self,
        convolution: ConditionalConvolution,
        condition: Tensor,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        nn.Module.__init__(self)
        self.stride = convolution.stride
        weight, bias = convolution.folded(condition)
        weight = weight.to(device, dtype, memory_format=torch.channels_last)
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.bias = nn.Parameter(bias.to(device, dtype), requires_grad=False)

    def folded(self, _condition: Tensor) -> tuple[Tensor, Tensor]:
        """Return what was folded."""
        return self.weight, self.bias


@dataclass(frozen=True)
class Source:
    """A content at the size of its result, read part by part.

    Attributes
    ----------
    picture
        The content.
    shape
        (H, W) of the result, to which it is resized.
    """

    picture: PictureWindows
    shape: Shape

    def read(self, rows: slice, columns: slice) -> Tensor:
        """Return a part as (1, 3, h, w) float32 in [0, 1]; transparency is laid over white."""
        if self.shape == self.picture.shape:
            return self._part(rows, columns)
        return resized_part(self._part, self.picture.shape, self.shape, rows, columns)

    def _part(self, rows: slice, columns: slice) -> Tensor:
        colours = over_white(self.picture.read(rows, columns))
        return torch.from_numpy(np.ascontiguousarray(colours.transpose(2, 0, 1)))[None]


def choose_tile_size(shape: Shape, device: torch.device) -> int:
    """Return the side in pixels of the tiles for a picture, or 0 to paint it whole."""
    side = _SIDES.get(device.type, _SIDES["other"])
    return 0 if shape[0] * shape[1] <= side**2 else side


@dataclass(frozen=True)
class Pass:
    """A picture about to be painted.

    Attributes
    ----------
    network
        What paints.
    source
        The content.
    tile_size
        Side in pixels of the tiles; 0 for none.
    note
        A sentence for the user, or "".
    """

    network: Folded
    source: Source
    tile_size: int
    note: str

    @property
    def device(self) -> str:
        """Where it is painted, for people."""
        return describe(self.network.device)

    @property
    def precision(self) -> str:
        """In which type it is convolved: float32 or bfloat16."""
        return str(self.network.dtype).removeprefix("torch.")

    def paint(
        self, bits: Literal[8, 16] = 8, stop: Callable[[], bool] = lambda: False
    ) -> tuple[Picture, bool]:
        """Paint the picture.

        Parameters
        ----------
        bits
            Of each value of the result.
        stop
            Asked before each tile; once it answers true, what is left is the content.

        Returns
        -------
        picture, complete
            (H, W, 3) uint8 or uint16, and whether all of it is painted.

        Raises
        ------
        OutOfMemoryError
            If the device has too little memory.
        """
        network, source = self.network, self.source
        result = np.empty((*source.shape, 3), np.uint8 if bits == 8 else np.uint16)
        complete = True
        try:
            for tile in cut_tiles(source.shape, self.tile_size, STRIDE, network.halo):
                complete = complete and not stop()
                part = paint_tile(network, source, tile) if complete else source.read(*tile.owned)
                result[tile.owned] = to_array(part, bits)
        except RuntimeError as error:
            if isinstance(error, StyleTransferError) or not is_out_of_memory(error):
                raise
            raise OutOfMemoryError(
                f"There is too little memory on {self.device} to paint {max(source.shape)} px; choose "
                "smaller tiles, or another device."
            ) from error
        return result, complete


def paint_tile(network: Folded, source: Source, tile: Tile) -> Tensor:
    """Return what a tile owns, as it is in the picture painted whole.

    Parameters
    ----------
    network, source
        As for :class:`Pass`.
    tile
        Cut with the network's halo, at multiples of `STRIDE`.

    Returns
    -------
    Tensor
        (1, 3, h, w) float32 in (0, 1).
    """
    part = source.read(*tile.seen)
    height, width = part.shape[-2:]
    part = functional.pad(part, (0, -width % STRIDE, 0, -height % STRIDE), mode="replicate")
    painted: Tensor = network(part)
    return painted[(..., *tile.within)]
