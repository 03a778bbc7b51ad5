"""Pictures in their own type: every channel as the file has it.

Nothing is converted to sRGB or to [0, 1], as :func:`~napari_style_transfer.read_picture` does it. Loads no
torch.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from napari_style_transfer.errors import InputError
from napari_style_transfer.io import tiff
from napari_style_transfer.io.decode import decode, size_of
from napari_style_transfer.io.names import SUFFIXES
from napari_style_transfer.io.raster import reading
from napari_style_transfer.io.tiff_layout import Layout, layout_of

#: What is read and written.
MICROGRAPHS = (*SUFFIXES, ".bmp")


@dataclass(frozen=True, eq=False)
class Micrograph:
    """A picture in its own type.

    Attributes
    ----------
    planes
        (C, H, W), of any real type: its channels.
    colour
        Whether the planes are red, green and blue.
    alpha
        (H, W), its opacity; None if it has none.
    repeats
        How often the file has the plane: a grey picture may be stored as red, green and blue.
    layout
        How a TIFF has it, to write another one alike; None for other files.
    """

    planes: npt.NDArray[Any]
    colour: bool
    alpha: npt.NDArray[Any] | None = None
    repeats: int = 1
    layout: Layout | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) in pixels."""
        return self.planes.shape[1], self.planes.shape[2]

    def in_colour(self) -> Micrograph:
        """Return a grey picture that is stored as red, green and blue as a picture in colour."""
        if self.repeats == 1:
            return self
        planes = np.broadcast_to(self.planes, (self.repeats, *self.shape))
        return replace(self, planes=planes, colour=True, repeats=1)

    def array(self, planes: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return planes like this picture's, with its opacity, as (H, W) or (H, W, 3|4)."""
        stacked = self.stacked(planes)
        if len(stacked) == 2:
            stacked = stacked[[0, 0, 0, 1]]
        array = stacked[0] if len(stacked) == 1 else np.moveaxis(stacked, 0, 2)
        return np.ascontiguousarray(array)

    def stacked(self, planes: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return planes like this picture's, repeated as they were and with its opacity, (C, H, W)."""
        extra = [] if self.alpha is None else [_opacity(self.alpha, planes.dtype)[None]]
        return np.concatenate([*[planes] * self.repeats, *extra])


def read_micrograph(path: str | os.PathLike[str]) -> Micrograph:
    """Read a PNG, JPEG, BMP, or a TIFF of one picture in any number of channels.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    InputError
        If it cannot be read, is a volume or a stack, or holds what are no real numbers.
    """
    if _is_tiff(path):
        return _read_tiff(path)
    raster = decode(path)
    if raster.space == "cmyk":
        raise InputError(f"The picture {os.fspath(path)} is in CMYK; save it as RGB or grey.")
    values, what = raster.values, _named(path)
    if raster.space == "grey":
        return _checked(Micrograph(values[None], False, raster.alpha), what)
    return _checked(_of_rgb(np.moveaxis(values, 2, 0), raster.alpha, None), what)


def micrograph_of(values: npt.NDArray[Any], rgb: bool, what: str) -> Micrograph:
    """Return an array as a picture.

    Parameters
    ----------
    values
        (H, W), or (H, W, 3|4) where `rgb`.
    rgb
        Whether the last axis has red, green and blue, and perhaps opacity.
    what
        What it is called in a sentence, such as ``"Layer 'cells'"``.

    Raises
    ------
    InputError
        As for :func:`read_micrograph`.
    """
    if not rgb:
        return _checked(Micrograph(values[None], False), what)
    alpha = values[..., 3] if values.shape[2] == 4 else None
    return _checked(_of_rgb(np.moveaxis(values[..., :3], 2, 0), alpha, None), what)


def read_micrographs(path: str | os.PathLike[str]) -> list[Micrograph]:
    """Read a picture as :func:`read_micrograph`, or all pictures of a TIFF that is a stack.

    A stack's pictures have the layout of all of it.

    Raises
    ------
    InputError
        If it cannot be read, or holds what are no real numbers.
    """
    if not _is_tiff(path):
        return [read_micrograph(path)]
    with reading(path), tifffile.TiffFile(path) as file:
        layout = layout_of(file, path, stacks=True)
        pages = layout.pages(file.series[0].asarray().reshape(layout.shape))
    return [_page(planes, layout, path) for planes in pages]


def as_micrograph(picture: Any, name: str) -> Micrograph:
    """Return a picture in its own type.

    Parameters
    ----------
    picture
        A path; an array (H, W), (H, W, 3 | 4) of colours in 8 or 16 bits, or (C, H, W); or what is one
        already.
    name
        What it is called in messages.

    Raises
    ------
    InputError
        If it is none.
    """
    if isinstance(picture, Micrograph):
        return picture
    if isinstance(picture, str | os.PathLike):
        return read_micrograph(picture)
    array = np.asarray(picture)
    if array.dtype == bool:
        array = array.astype(np.uint8)
    if array.ndim not in (2, 3) or not array.size or array.dtype.kind not in "uif":
        raise InputError(
            f"{name} should be (H, W), (H, W, 3) or (C, H, W) of real numbers; its shape is "
            f"{array.shape}, its type {array.dtype}."
        )
    if array.ndim == 3 and not _has_colours(array):
        return _checked(Micrograph(array, False), name)
    return micrograph_of(array, array.ndim == 3, name)


def _has_colours(array: npt.NDArray[Any]) -> bool:
    """Return whether the last axis of (A, B, C) is one of colours."""
    return array.shape[-1] in (3, 4) and array.shape[0] > 4


def micrograph_shape(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Return the (H, W) of a picture from its header.

    Raises
    ------
    InputError
        As for :func:`read_micrograph`.
    """
    if _is_tiff(path):
        with reading(path), tifffile.TiffFile(path) as file:
            return layout_of(file, path).size
    size = size_of(path)
    return read_micrograph(path).shape if size is None else size


def _opacity(alpha: npt.NDArray[Any], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return an opacity in another type."""
    if alpha.dtype == dtype:
        return alpha
    one, two = (np.iinfo(each).max if each.kind in "iu" else 1.0 for each in (alpha.dtype, dtype))
    return (alpha / one * two).astype(dtype)


def _is_tiff(path: str | os.PathLike[str]) -> bool:
    with reading(path), open(path, "rb") as file:
        return file.read(4) in tiff.SIGNATURES


def _read_tiff(path: str | os.PathLike[str]) -> Micrograph:
    with reading(path), tifffile.TiffFile(path) as file:
        layout = layout_of(file, path)
        (planes,) = layout.pages(file.series[0].asarray().reshape(layout.shape))
    return _page(planes, layout, path)


def _page(planes: npt.NDArray[Any], layout: Layout, path: str | os.PathLike[str]) -> Micrograph:
    """Return one picture of a TIFF."""
    if not layout.rgb:
        return _checked(Micrograph(planes, False, layout=layout), _named(path))
    alpha = planes[3] if len(planes) == 4 else None
    return _checked(_of_rgb(planes[:3], alpha, layout), _named(path))


def _named(path: str | os.PathLike[str]) -> str:
    return f"The picture {os.fspath(path)}"


def _of_rgb(
    planes: npt.NDArray[Any], alpha: npt.NDArray[Any] | None, layout: Layout | None
) -> Micrograph:
    """Return red, green and blue planes; as one plane if they are the same."""
    if (planes == planes[:1]).all():
        return Micrograph(planes[:1], False, alpha, 3, layout)
    return Micrograph(planes, True, alpha, 1, layout)


def _checked(picture: Micrograph, what: str) -> Micrograph:
    """Refuse what has no pixels or no numbers that can be painted."""
    planes = picture.planes
    if not planes.size:
        raise InputError(f"{what} is empty: its shape is {planes.shape}.")
    if planes.dtype.kind not in "uif":
        raise InputError(f"{what} is of type {planes.dtype}; it must hold real numbers.")
    if planes.dtype.kind == "f" and not np.isfinite(planes).all():
        raise InputError(
            f"{what} has pixels that are not finite (NaN or infinite); replace them first."
        )
    return picture
