"""Pictures in their own type, written in files of the kind that others were read from."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image

from napari_style_transfer.io import png
from napari_style_transfer.io.atomic import replacing, save_bytes
from napari_style_transfer.io.micrographs import Micrograph
from napari_style_transfer.io.names import TIFF_SUFFIXES

#: Types that ImageJ's TIFFs can have.
_IMAGEJ_TYPES = "uint8", "uint16", "float32"


def save_micrograph(
    path: str | os.PathLike[str], planes: npt.NDArray[Any], like: Micrograph
) -> None:
    """Write a picture as another one was read: kind of file by the suffix, type, channels and opacity.

    Parameters
    ----------
    path
        The file; what was there is replaced only when all is written.
    planes
        (C, H, W) as the other one's, of its type.
    like
        The other one.

    Raises
    ------
    InputError
        If it cannot be written, for example on a full disk.
    """
    save_micrographs(path, [planes], [like])


def save_micrographs(
    path: str | os.PathLike[str],
    pages: Sequence[npt.NDArray[Any]],
    like: Sequence[Micrograph],
) -> None:
    """Write pictures as :func:`~napari_style_transfer.io.micrographs.read_micrographs` has read others.

    Parameters
    ----------
    path
        The file; what was there is replaced only when all is written.
    pages
        (C, H, W) as the other ones', of any type that the file can hold.
    like
        The other ones. Their opacity is brought to the new type's range.

    Raises
    ------
    InputError
        If it cannot be written, for example on a full disk.
    """
    path, layout = Path(path), like[0].layout
    if layout is None and path.suffix.lower() in TIFF_SUFFIXES:
        (planes,) = pages
        array = np.moveaxis(planes, 0, 2) if like[0].colour else planes[0]
        with replacing(path) as part:
            tifffile.imwrite(
                part,
                np.ascontiguousarray(array),
                photometric="rgb" if like[0].colour else "minisblack",
                compression="zlib",
            )
        return
    if layout is None:
        save_bytes(path, _encoded(path.suffix.lower(), pages[0], like[0]))
        return
    whole = [other.stacked(planes) for planes, other in zip(pages, like, strict=True)]
    options = dict(layout.options)
    if options.get("imagej") and whole[0].dtype not in _IMAGEJ_TYPES:
        del options["imagej"]
    with replacing(path) as part:
        tifffile.imwrite(part, layout.array(np.stack(whole)), **options)


def _encoded(suffix: str, planes: npt.NDArray[Any], like: Micrograph) -> bytes:
    """Return the file of a picture that is no TIFF."""
    array = like.array(planes)
    if array.ndim == 3 and array.dtype == np.uint16:
        return png.encode(array)
    encoded = io.BytesIO()
    form = {".jpg": "JPEG", ".jpeg": "JPEG", ".bmp": "BMP"}.get(suffix, "PNG")
    options = {"quality": 95, "subsampling": 0} if form == "JPEG" else {}
    Image.fromarray(array).save(encoded, form, **options)
    return encoded.getvalue()
