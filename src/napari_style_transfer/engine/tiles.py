"""Exact tiling: a picture seen part by part, with every feature as if it were seen whole.

A tile owns a rectangle of the picture and is cut with a halo that covers the receptive fields of what it
owns. Owned rectangles begin at multiples of the deepest layer's stride, so that the poolings of a tile
and of the whole picture meet the same pixels, and together they own each position of each layer once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor

from napari_style_transfer.engine.losses.base import Window
from napari_style_transfer.engine.networks.vgg import receptive_field, stride
from napari_style_transfer.geometry import Shape


@dataclass(frozen=True)
class Tile:
    """One part of a picture.

    Attributes
    ----------
    owned
        Rows and columns of the picture that are this tile's own.
    seen
        Those that the network gets to see: the owned ones and the halo.
    """

    owned: Window
    seen: Window

    def cut(self, picture: Tensor) -> Tensor:
        """Return the part of a (N, C, H, W) picture that is seen, as a view."""
        return picture[..., self.seen[0], self.seen[1]]

    @property
    def within(self) -> Window:
        """Rows and columns that are owned, of those that are seen."""
        rows, columns = (
            slice(owned.start - seen.start, owned.stop - seen.start)
            for owned, seen in zip(self.owned, self.seen, strict=True)
        )
        return rows, columns

    def window(self, layer: str) -> Window:
        """Return the rows and columns that this tile owns of the whole map of `layer`."""
        rows, columns = (_shrunk(side, stride(layer)) for side in self.owned)
        return rows, columns

    def own(self, features: Tensor, layer: str) -> Tensor:
        """Return what this tile owns of its (N, C, h, w) features at `layer`."""
        rows, columns = (_shrunk(side, stride(layer)) for side in self.within)
        return features[..., rows, columns]


def _shrunk(side: slice, factor: int) -> slice:
    return slice(side.start // factor, -(-side.stop // factor))


def tiles_of(shape: Shape, side: int, layers: Iterable[str], alignment: int = 1) -> list[Tile]:
    """Return the tiles of a picture of `shape` (H, W); one that sees it all, if it fits.

    Parameters
    ----------
    shape
        (H, W) of the picture.
    side
        Longest side in pixels that a tile may own, rounded down to whole multiples of what tiles are
        aligned to; 0 for no tiles.
    layers
        The layers that are looked at. The deepest decides how wide the halo is; tiles are aligned to
        its stride at least.
    alignment
        Pixels to multiples of which tiles are aligned, a power of two; see
        :class:`~napari_style_transfer.engine.networks.vgg.VGG19`.
    """
    layers = list(layers)
    grain = max(alignment, *map(stride, layers))
    halo = -(-max(map(receptive_field, layers)) // grain) * grain
    return cut_tiles(shape, side, grain, halo)


def cut_tiles(shape: Shape, side: int, grain: int, halo: int) -> list[Tile]:
    """Return the tiles of a picture of `shape` (H, W), in rows from the top.

    Parameters
    ----------
    shape
        (H, W) of the picture.
    side
        Longest side in pixels that a tile may own, rounded down to whole multiples of `grain`; 0 for no
        tiles.
    grain
        Pixels to multiples of which tiles are aligned.
    halo
        Pixels that are seen on each side of what is owned, a multiple of `grain`.
    """
    rows, columns = (_intervals(length, side, grain, halo) for length in shape)
    return [Tile((r[0], c[0]), (r[1], c[1])) for r in rows for c in columns]


def _intervals(length: int, side: int, grain: int, halo: int) -> list[tuple[slice, slice]]:
    """Return what is owned and what is seen along one axis."""
    side = max(side // grain, 1) * grain if 0 < side < length else length
    return [
        (slice(start, min(start + side, length)),
         slice(max(0, start - halo), min(start + side + halo, length)))
        for start in range(0, length, side)
    ]  # fmt: skip
