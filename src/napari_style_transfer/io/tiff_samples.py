"""The samples of a TIFF page as colours, palette and opacity, by the page's tags. Loads no torch.

Source: Adobe, TIFF Revision 6.0 (1992), sections 4 to 6, 16 and 18.
"""

from __future__ import annotations

import os
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import tifffile

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.raster import Raster, white_is_zero

#: Kinds of extra samples: opacity by which the colours are multiplied, or not.
_ASSOCIATED, _UNASSOCIATED = 1, 2
_CHANNELS = {"rgb": 3, "cmyk": 4}


def name_of(value: Any) -> str:
    """Return what tifffile calls the value of a tag; the number where it has no name for it."""
    return str(getattr(value, "name", value)).replace("_", " ")


def unread_colours(page: tifffile.TiffPage) -> str:
    """Return a clause for a page whose colours no reader knows."""
    return (
        f"it is damaged, or its colours ({name_of(page.photometric)}) are of a kind that is not read; "
        "save it as RGB"
    )


def raster_of(
    page: tifffile.TiffPage, array: npt.NDArray[Any], indexed: bool, path: str | os.PathLike[str]
) -> Raster:
    """Return a page's pixels: which sample is what, by the page's tags.

    Parameters
    ----------
    page
        Its tags.
    array
        (planes, 1, H, W, samples), as stored.
    indexed
        Give the indices of a palette, not its colours.
    path
        The file's name, for messages.

    Raises
    ------
    InputError
        If the samples are no colours that are read.
    """
    array = np.moveaxis(array[:, 0], 0, -2)  # (H, W, planes, samples), one of the two being 1
    samples = array.reshape(*array.shape[:2], -1)
    photometric = int(page.photometric)
    bits = page.bitspersample
    full = 2**bits - 1 if samples.dtype.kind == "u" and bits < 8 * samples.itemsize else None
    if photometric == 3:
        indices = samples[..., 0]
        if indexed:
            return Raster(indices, "grey")
        return Raster(_palette(page)[indices], "rgb", _alpha(page, samples, 1)[0])
    count = samples.shape[2]
    if photometric not in (0, 1, 2, 5):
        raise InputError(f"Cannot read the picture {path}: {unread_colours(page)}.")
    space: Literal["grey", "rgb", "cmyk"]
    if photometric == 2 or (photometric == 1 and count in (3, 4)):
        space = "rgb"
    elif photometric == 5:
        space = "cmyk"
    else:
        space = "grey"
    colours = _CHANNELS.get(space, 1)
    if count < colours:
        raise ValueError("there are fewer channels than the colours have")
    alpha, associated = _alpha(page, samples, colours)
    if space == "grey" and count > 1 and alpha is None:
        raise InputError(
            f"The picture {path} has {count} channels; it must have 1, 3 or 4. Save one as its own file."
        )
    values = samples[..., 0] if space == "grey" else samples[..., :colours]
    if photometric == 0:
        values = white_is_zero(values, full)
    if alpha is not None and associated:
        values = _unmultiplied(values, alpha)
    if space == "cmyk":
        return Raster(
            _as_bytes(values, full), "cmyk", alpha if alpha is None else _as_bytes(alpha, full)
        )
    return Raster(values, space, alpha, full=full)


def _palette(page: tifffile.TiffPage) -> npt.NDArray[np.uint8]:
    """Return the colours of a palette, (N, 3); the file has 16 bits, of which the high ones count."""
    colours = np.asarray(page.colormap).T
    return (colours >> 8 if colours.max() > 255 else colours).astype(np.uint8)


def _alpha(
    page: tifffile.TiffPage, samples: npt.NDArray[Any], colours: int
) -> tuple[npt.NDArray[Any] | None, bool]:
    """Return the opacity among the samples after the colours, and whether they are multiplied by it.

    Samples that are said to be something else are left out. Of a picture that does not say, a fourth
    sample after RGB is the opacity, as for Pillow and napari.
    """
    kinds = [int(kind) for kind in page.extrasamples]
    if not kinds and colours == 3 and samples.shape[2] == 4:
        kinds = [_UNASSOCIATED]
    for place, kind in enumerate(kinds, start=colours):
        if kind in (_ASSOCIATED, _UNASSOCIATED) and place < samples.shape[2]:
            return samples[..., place], kind == _ASSOCIATED
    return None, False


def _unmultiplied(values: npt.NDArray[Any], alpha: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return colours that were multiplied by their opacity as they were before."""
    top = np.iinfo(values.dtype).max if values.dtype.kind in "iu" else 1
    divisor = np.maximum(alpha if values.ndim == 2 else alpha[..., None], 1 if top > 1 else 1e-6)
    whole = np.minimum(values.astype(np.float64) * (top / divisor), top)
    return np.asarray(np.rint(whole) if top > 1 else whole, values.dtype)


def _as_bytes(values: npt.NDArray[Any], full: int | None) -> npt.NDArray[np.uint8]:
    """Return inks or opacity in 8 bits, as Pillow has CMYK."""
    if values.dtype == np.uint8 and full is None:
        return np.asarray(values)
    if values.dtype.kind == "f":
        top: float = 1
    else:
        top = np.iinfo(values.dtype).max if full is None else full
    whole: npt.NDArray[np.uint8] = np.rint(np.clip(values / top, 0, 1) * 255).astype(np.uint8)
    return whole
