"""The one writer of pictures. Loads no torch."""

from __future__ import annotations

import io
import os
from typing import Any

import numpy as np
import tifffile
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from napari_style_transfer.errors import InputError
from napari_style_transfer.io import png
from napari_style_transfer.io.atomic import save_bytes
from napari_style_transfer.io.names import check_output
from napari_style_transfer.io.profiles import srgb_profile
from napari_style_transfer.progress import Picture


def save_picture(path: str | os.PathLike[str], array: Picture) -> None:
    """Write a picture; what was at `path` before is replaced only when all of it is written.

    The file says that its colours are sRGB.

    Parameters
    ----------
    path
        Ends in .png, .jpg, .jpeg, .tif or .tiff.
    array
        (H, W, 3) or (H, W, 4), uint8, or for PNG and TIFF uint16. Opacity is left out where the
        format has none.

    Raises
    ------
    InputError
        If it cannot be written, for example on a full disk.
    """
    path = check_output(path, bits=16 if array.dtype == np.uint16 else 8)
    if array.dtype not in (np.uint8, np.uint16) or array.ndim != 3 or array.shape[2] not in (3, 4):
        raise InputError(
            f"Cannot write {path}: a picture is (height, width, 3 or 4) of uint8 or uint16, not "
            f"{array.shape} of {array.dtype}."
        )
    suffix = path.suffix.lower()
    if suffix in (".jpg", ".jpeg"):
        data = _encoded(
            array[..., :3], "JPEG", quality=95, subsampling=0, icc_profile=srgb_profile()
        )
    elif suffix == ".png" and array.dtype == np.uint16:
        data = png.encode(array)
    elif suffix == ".png":
        marks = PngInfo()
        marks.add(b"sRGB", b"\0")
        data = _encoded(array, "PNG", pnginfo=marks)
    else:
        encoded = io.BytesIO()
        with tifffile.TiffWriter(encoded) as writer:
            write_page(writer, array)
        data = encoded.getvalue()
    save_bytes(path, data)


def write_page(writer: tifffile.TiffWriter, picture: Picture, **options: Any) -> None:
    """Write a picture as the next page of a TIFF, compressed, with its profile.

    Parameters
    ----------
    writer
        Of the file.
    picture
        (H, W, 3) or (H, W, 4), uint8 or uint16.
    **options
        More for :meth:`tifffile.TiffWriter.write`.
    """
    writer.write(
        picture,
        photometric="rgb",
        compression="zlib",
        extrasamples=["unassalpha"] if picture.shape[2] == 4 else [],
        iccprofile=srgb_profile(),
        **{"metadata": None} | options,
    )


def _encoded(array: Picture, form: str, **options: Any) -> bytes:
    """Return the file that Pillow makes, in memory: it says less of what went wrong with a disk."""
    encoded = io.BytesIO()
    try:
        Image.fromarray(np.ascontiguousarray(array)).save(encoded, form, **options)
    except (OSError, ValueError) as error:
        raise InputError(
            f"A picture of {array.shape[1]} x {array.shape[0]} pixels cannot be saved as "
            f"{form}: {error}."
        ) from None
    return encoded.getvalue()
