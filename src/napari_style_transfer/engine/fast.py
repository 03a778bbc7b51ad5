"""A picture painted in one pass of the network, whole or in exact tiles."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from napari_style_transfer.engine.device import describe, is_out_of_memory
from napari_style_transfer.engine.networks.transformer import (
    STRIDE,
    ConditionalConvolution,
    Statistics,
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
#: Of a large picture, the statistics are taken from so many parts along each side, each of so many pixels.
_SAMPLES, _SAMPLED = 3, 352


#: Paints (N, 3, H, W) float32 pictures in [0, 1] whose sides are multiples of `STRIDE`.
Paint = Callable[[Tensor], Tensor]


class Conditioned:
    """A network ready to paint under one condition, on a device.

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
        self.halo = -(-transformer.receptive_field // STRIDE) * STRIDE
        self.device, self.dtype = device, dtype
        network = copy.deepcopy(transformer).to(device).to(memory_format=torch.channels_last)
        self._network, self._condition = network.eval(), condition.to(device)

    @torch.inference_mode()
    def paint(self, pictures: Tensor) -> Tensor:
        """Paint pictures, each normalised by its own statistics; as :data:`Paint`."""
        painted: Tensor = self._network(self._ready(pictures), self._condition)
        return painted

    @torch.inference_mode()
    def statistics(self, parts: Callable[[], Tensor]) -> Statistics:
        """Return those of a frozen network, else of parts of a picture, (N, 3, H, W), taken together."""
        if self._network.frozen:
            return self._network.frozen_statistics(self._condition)
        return self._network.statistics(self._ready(parts()), self._condition)

    @torch.inference_mode()
    def folded(self, statistics: Statistics) -> Paint:
        """Return what paints with these statistics, by plain convolutions: a tile as the whole."""
        given = iter(statistics)
        kernels = {}
        for each in self._network.convolutions():
            weight, bias = each.folded(self._condition, next(given) if each.normalized else None)
            weight = weight.to(self.dtype, memory_format=torch.channels_last)
            kernels[each] = weight, bias.to(self.dtype)

        def convolve(convolution: ConditionalConvolution, maps: Tensor) -> Tensor:
            return convolution.plain(maps, *kernels[convolution])

        @torch.inference_mode()
        def paint(pictures: Tensor) -> Tensor:
            return self._network.paint(self._ready(pictures), convolve)

        return paint

    def _ready(self, pictures: Tensor) -> Tensor:
        return pictures.to(self.device, self.dtype, memory_format=torch.channels_last)


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
    scene
        Paints every frame of its scene, by the same statistics; None to paint by the picture's own.
    """

    network: Conditioned
    source: Source
    tile_size: int
    note: str
    scene: Paint | None = None

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
            tiles = cut_tiles(source.shape, self.tile_size, STRIDE, network.halo)
            if self.scene is not None:
                paint = self.scene
            elif len(tiles) == 1:
                paint = network.paint
            else:
                paint = paint_scene(network, [source])
            for tile in tiles:
                complete = complete and not stop()
                part = paint_tile(paint, source, tile) if complete else source.read(*tile.owned)
                result[tile.owned] = to_array(part, bits)
        except RuntimeError as error:
            if isinstance(error, StyleTransferError) or not is_out_of_memory(error):
                raise
            raise OutOfMemoryError(
                f"There is too little memory on {self.device} to paint {max(source.shape)} px; choose "
                "smaller tiles, or another device."
            ) from error
        return result, complete


def paint_scene(network: Conditioned, frames: Sequence[Source]) -> Paint:
    """Return what paints pictures by the statistics of some frames, taken together.

    Parameters
    ----------
    network
        What paints.
    frames
        Of the same shape.
    """
    parts = [_parts(frame) for frame in frames]
    return network.folded(network.statistics(lambda: torch.cat(parts)))


def _parts(source: Source) -> Tensor:
    """Return a picture, or parts spread evenly over a large one."""
    height, width = source.shape
    side = _SAMPLED if height * width > _SAMPLES**2 * _SAMPLED**2 else max(height, width)
    parts = [
        source.read(rows, columns)
        for rows in _spread(height, min(side, height))
        for columns in _spread(width, min(side, width))
    ]
    return _whole_strides(torch.cat(parts))


def _spread(length: int, side: int) -> list[slice]:
    """Return parts of `side` spread evenly over a length: one that is all of it, or several."""
    if side == length:
        return [slice(0, length)]
    starts = (round(n * (length - side) / (_SAMPLES - 1)) for n in range(_SAMPLES))
    return [slice(start, start + side) for start in starts]


def _whole_strides(picture: Tensor) -> Tensor:
    """Return a picture whose sides are multiples of the network's stride, its last pixels repeated."""
    height, width = picture.shape[-2:]
    return functional.pad(picture, (0, -width % STRIDE, 0, -height % STRIDE), mode="replicate")


def paint_tile(paint: Paint, source: Source, tile: Tile) -> Tensor:
    """Return what a tile owns, as it is in the picture painted whole.

    Parameters
    ----------
    paint
        Paints it.
    source
        As for :class:`Pass`.
    tile
        Cut with the network's halo, at multiples of `STRIDE`.

    Returns
    -------
    Tensor
        (1, 3, h, w) float32 in (0, 1).
    """
    return paint(_whole_strides(source.read(*tile.seen)))[(..., *tile.within)]
