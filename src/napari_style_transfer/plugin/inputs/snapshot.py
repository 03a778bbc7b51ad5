"""What a napari image layer shows, frozen on the main thread and turned into pixels off it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_style_transfer.errors import InputError
from napari_style_transfer.plugin.inputs.slicing import (
    Cutter,
    LazySlice,
    is_lazy,
    read,
    shown_point,
)

if TYPE_CHECKING:
    from napari.layers import Image

#: Entries of the table that maps normalised intensities to colours; 16 bit, so that even a steep
#: gamma is right to the last of the result's 8 bits.
_TABLE_SIZE = 65_536


@dataclass(frozen=True)
class Snapshot:
    """One layer as it was on screen when Run was pressed.

    Attributes
    ----------
    name
        The layer's name, for messages.
    values
        (H, W), or (H, W, 3|4) where `rgb`: a copy of the slice shown, or where the layer is lazy, what
        becomes that slice once it is read as an array.
    rgb
        Whether the last axis of `values` holds colours.
    limits
        The intensities that are shown darkest and brightest.
    table
        (N, 4) uint8: colours from the darkest to the brightest intensity, gamma included.
    nan
        (4,) uint8: colour of a pixel that is not a number.
    """

    name: str
    values: Any
    rgb: bool
    limits: tuple[float, float]
    table: npt.NDArray[np.uint8]
    nan: npt.NDArray[np.uint8]

    @classmethod
    def of_picture(cls, name: str, picture: npt.NDArray[np.uint8]) -> Snapshot:
        """Return what a layer of an (H, W, 3) uint8 picture shows."""
        return cls(name, picture, True, (0, 255), _grey_table(1.0), np.zeros(4, np.uint8))

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) of the picture."""
        height, width = self.values.shape[:2]
        return int(height), int(width)

    @cached_property
    def picture(self) -> npt.NDArray[np.uint8]:
        """What :meth:`pixels` returns, made once: the very same array each time."""
        return self.pixels()

    def pixels(self) -> npt.NDArray[np.uint8]:
        """Return the (H, W, 3) uint8 picture on screen, or (H, W, 4) where it is see-through.

        Raises
        ------
        InputError
            If the layer cannot be read, or none of its pixels is a finite number.
        """
        values = read(self.values, self.name)
        if values.dtype.kind == "f" and not np.isfinite(values).any():
            raise InputError(f"Layer '{self.name}' shows no finite pixel; choose another slice.")
        picture = self._colours(values) if self.rgb else self._mapped(values)
        if picture.shape[-1] == 4 and (picture[..., 3] == 255).all():
            picture = picture[..., :3]
        return np.ascontiguousarray(picture)

    def _mapped(self, values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        """Give grey `values` the colours of the layer's colormap."""
        picture = self.table[self._indices(values)]
        if values.dtype.kind == "f":
            picture[np.isnan(values)] = self.nan
        return picture

    def _colours(self, values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        """Show RGB(A) `values` as napari does: limits and gamma act on colours, not on alpha."""
        picture: npt.NDArray[np.uint8] = np.empty(values.shape, np.uint8)
        as_it_is = self.limits == (0, 255) and np.array_equal(self.table, _grey_table(1.0))
        if values.dtype == picture.dtype and as_it_is:
            return values.astype(np.uint8, copy=False)
        picture[..., :3] = self.table[self._indices(values[..., :3]), 0]
        if values.shape[-1] == 4:
            alpha = np.nan_to_num(values[..., 3].astype(np.float32))
            if values.dtype.kind in "iu" and values.dtype.itemsize <= 2:
                alpha /= np.iinfo(values.dtype).max
            picture[..., 3] = np.rint(np.clip(alpha, 0, 1) * 255)
        return picture

    def _indices(self, values: npt.NDArray[Any]) -> npt.NDArray[np.uint16]:
        """Return where in the table each of `values` falls; NaN falls on the darkest."""
        low, high = self.limits
        # float32 holds 16-bit integers exactly; wider ones need more to keep narrow limits apart.
        position: npt.NDArray[np.floating[Any]]
        position = values.astype(np.float32 if values.dtype.itemsize <= 2 else np.float64)
        position[np.isnan(position)] = low
        position = np.clip(
            (position - low) * ((_TABLE_SIZE - 1) / (high - low)), 0, _TABLE_SIZE - 1
        )
        indices: npt.NDArray[np.uint16] = np.rint(position).astype(np.uint16)
        return indices


def snapshot(layer: Image, needed: float) -> Snapshot:
    """Freeze what `layer` shows; call it on the main thread.

    Parameters
    ----------
    layer
        An image layer of a viewer.
    needed
        Long side in pixels that the picture should have; a multiscale layer is read at its smallest
        level that has as many, else at its largest.

    Raises
    ------
    InputError
        If the layer shows nothing that can be painted; the message says why.
    """
    cutter = cutter_of(layer, needed)
    point = shown_point(layer)
    # Lazy data is computed off the main thread, everything else is copied now.
    lazy = is_lazy(cutter.data)
    return shown_as(layer, LazySlice(cutter, point) if lazy else np.array(cutter.cut(point)))


def cutter_of(layer: Image, needed: float) -> Cutter:
    """Freeze how `layer` is cut, if its slices can be used; call it on the main thread.

    Parameters
    ----------
    layer, needed
        As of :func:`snapshot`.

    Raises
    ------
    InputError
        If the layer holds nothing that can be painted; the message says why.
    """
    if 0 in layer.level_shapes:
        raise InputError(f"Layer '{layer.name}' is empty; choose another layer.")
    cutter = Cutter.of(layer, needed)
    if np.dtype(layer.dtype).kind not in "buif":
        raise InputError(
            f"Layer '{layer.name}' holds {layer.dtype} values; convert them to real numbers."
        )
    if layer.rgb and cutter.data.shape[-1] not in (3, 4):
        channels = cutter.data.shape[-1]
        raise InputError(f"Layer '{layer.name}' has {channels} colour channels, not 3 or 4.")
    return cutter


def shown_as(layer: Image, values: Any) -> Snapshot:
    """Return `values`, as :class:`Snapshot` has them, in the colours in which `layer` shows its own."""
    low, high = (float(limit) for limit in layer.contrast_limits)
    return Snapshot(
        name=layer.name,
        values=values,
        rgb=layer.rgb,
        limits=(low, high if high > low else low + 1),
        table=_grey_table(layer.gamma) if layer.rgb else _colour_table(layer),
        nan=_to_uint8(layer.colormap.nan_color).reshape(4),
    )


@lru_cache(maxsize=4)
def _grey_table(gamma: float) -> npt.NDArray[np.uint8]:
    grey = np.linspace(0, 1, _TABLE_SIZE) ** gamma
    return _to_uint8(np.column_stack([grey, grey, grey, np.ones_like(grey)]))


def _colour_table(layer: Image) -> npt.NDArray[np.uint8]:
    return _to_uint8(layer.colormap.map(np.linspace(0, 1, _TABLE_SIZE) ** layer.gamma))


def _to_uint8(colours: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    return np.rint(np.clip(np.asarray(colours, np.float64), 0, 1) * 255).astype(np.uint8)
