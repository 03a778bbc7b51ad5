"""Pictures translated by a network, whole or in tiles that show no seams."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from napari_style_transfer.engine.networks.generator import STRIDE, Generator

#: Pixels around what a tile owns on which it depends: a multiple of the stride that is at least the
#: receptive field's half.
HALO = 44
#: Side of the tiles on each kind of device, in pixels.
_SIDES: dict[str, int] = {"cpu": 1024, "other": 2048}


@torch.no_grad()
def translate(
    generator: Generator,
    picture: Tensor,
    *,
    dtype: torch.dtype = torch.float32,
    tile_size: int = 0,
    stop: Callable[[], bool] = lambda: False,
) -> Tensor:
    """Return a translated picture; what is not done when stopped is the picture's own.

    Parameters
    ----------
    generator
        On the device where to compute.
    picture
        (C, H, W) float32, about 0 to 1. Beyond its borders it is mirrored.
    dtype
        Of the network's maps.
    tile_size
        Side in pixels of the parts in which it is translated, a multiple of 4; the result is the same. 0
        chooses it.
    stop
        Asked before each tile.

    Returns
    -------
    Tensor
        (C, H, W) float32 on the CPU.
    """
    device = next(generator.parameters()).device
    side = tile_size or _SIDES.get(device.type) or _SIDES["other"]
    height, width = picture.shape[1:]
    seen = _mirrored(picture)
    result = picture.float().clone()
    for top in range(0, height, side):
        for left in range(0, width, side):
            if stop():
                return result
            rows, columns = min(side, height - top), min(side, width - left)
            part = seen[
                :,
                top : top + HALO + _whole(rows) + HALO,
                left : left + HALO + _whole(columns) + HALO,
            ]
            part = part[None].to(device, memory_format=torch.channels_last)
            with torch.autocast(device.type, dtype, enabled=dtype is not torch.float32):
                made = generator(part)[0].float().cpu()
            result[:, top : top + rows, left : left + columns] = made[
                :, HALO : HALO + rows, HALO : HALO + columns
            ]
    return result


def _whole(length: int) -> int:
    """Return a length in whole strides."""
    whole: int = -(-length // STRIDE) * STRIDE
    return whole


def _mirrored(picture: Tensor) -> Tensor:
    """Return a picture with a halo around it, its sides in whole strides."""
    for axis in (1, 2):
        length = picture.shape[axis]
        places = torch.arange(-HALO, _whole(length) + HALO)
        # A triangle wave over the picture's places: also for pictures smaller than the halo.
        period = max(1, 2 * (length - 1))
        places = places % period
        places = torch.minimum(places, period - places).clamp_max(length - 1)
        picture = picture.index_select(axis, places)
    return picture
