"""Pictures in files and arrays: read, checked, written. Loads no torch."""

from __future__ import annotations

import io
import os
import struct
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image, ImageOps, UnidentifiedImageError

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.names import ALPHA_SUFFIXES, check_output
from napari_style_transfer.progress import Picture

#: What reading a damaged file raises.
_DAMAGED = (OSError, ValueError, struct.error)


def load_image(path: str | os.PathLike[str]) -> npt.NDArray[Any]:
    """Read a picture file, turned upright as its EXIF orientation says.

    Returns
    -------
    ndarray
        (H, W, 3) or, with transparency, (H, W, 4) uint8; 16-bit grey stays (H, W) uint16, and
        floating-point grey (H, W) float32.

    Raises
    ------
    InputError
        If there is no such file or it is no picture that can be read.
    """
    try:
        with Image.open(path) as file:
            pages = getattr(file, "n_frames", 1)
            if file.format == "TIFF" and pages > 1:
                raise InputError(
                    f"The file {path} holds {pages} pages; save the one to paint as its own file."
                )
            return pixels_of(ImageOps.exif_transpose(file))
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.") from None
    except UnidentifiedImageError:
        return _load_scientific_tiff(path)
    except (*_DAMAGED, SyntaxError, Image.DecompressionBombError) as error:
        reason = getattr(error, "strerror", None) or "it is damaged or not a picture"
        raise InputError(f"Cannot read the picture {path}: {reason}.") from None


def pixels_of(image: Image.Image) -> npt.NDArray[Any]:
    """Return the pixels of an open picture, as :func:`load_image` does."""
    if image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16)
    if image.mode in ("I", "F"):
        return np.asarray(image)
    return np.asarray(image.convert("RGBA" if image.has_transparency_data else "RGB"))


def _load_scientific_tiff(path: str | os.PathLike[str]) -> npt.NDArray[Any]:
    """Read a TIFF of a type that Pillow does not know, such as floating-point colour."""
    try:
        return np.asarray(tifffile.imread(path))
    except (*_DAMAGED, tifffile.TiffFileError):
        raise InputError(
            f"Cannot read the picture {path}: it is damaged or not a picture."
        ) from None


def save_image(path: str | Path, array: Picture) -> None:
    """Write a picture; what was at `path` before is replaced only when all of it is written.

    Parameters
    ----------
    path
        Ends in .png, .jpg, .jpeg, .tif or .tiff.
    array
        (H, W, 3) or (H, W, 4) uint8; transparency is dropped where the format has none.

    Raises
    ------
    InputError
        If it cannot be written, for example on a full disk.
    """
    path = check_output(path)
    if path.suffix.lower() not in ALPHA_SUFFIXES:
        array = array[..., :3]
    options: dict[str, Any] = {"quality": 95, "subsampling": 0}
    if path.suffix.lower().startswith(".tif"):
        options = {"compression": "tiff_lzw"}
    encoded = io.BytesIO()  # libraries that write themselves say less of what went wrong
    Image.fromarray(array).save(
        encoded, Image.registered_extensions()[path.suffix.lower()], **options
    )
    partial = None
    try:
        handle, partial = tempfile.mkstemp(dir=path.parent, suffix=path.suffix)
        with os.fdopen(handle, "wb") as file:
            file.write(encoded.getbuffer())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(partial, 0o666 & ~umask)
        os.replace(partial, path)
    except OSError as error:
        if partial is not None:
            Path(partial).unlink(missing_ok=True)
        raise InputError(f"Cannot write {path}: {error.strerror or error}.") from None


def split_alpha(array: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None]:
    """Return the colours of an (H, W, 4) array and its (H, W) transparency, else the array and None."""
    if array.ndim == 3 and array.shape[2] == 4:
        return array[..., :3], array[..., 3]
    return array, None


def unit_range(array: npt.NDArray[Any], what: str) -> npt.NDArray[np.float32]:
    """Return an array's values in [0, 1], by its type's full scale."""
    if array.dtype == np.bool_:
        return array.astype(np.float32)
    if not (np.issubdtype(array.dtype, np.integer) or np.issubdtype(array.dtype, np.floating)):
        raise InputError(f"{what} is of type {array.dtype}; it must hold real numbers.")
    low, high = float(array.min()), float(array.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise InputError(
            f"{what} has pixels that are not finite (NaN or infinite); replace them first."
        )
    if np.issubdtype(array.dtype, np.floating):
        scale, allowed = 1, "0..1 for floating-point pictures"
    elif array.dtype == np.uint8 or (array.dtype != np.uint16 and high <= 255):
        scale, allowed = 255, "0..255 or 0..65535 for integers"
    else:
        scale, allowed = 65535, "0..255 or 0..65535 for integers"
    if low < 0 or high > scale:
        raise InputError(
            f"{what} has values from {low:g} to {high:g}; they must lie in {allowed}, so rescale it first."
        )
    return (array / np.float32(scale)).astype(np.float32)
