"""The one reader of pictures: from files, arrays and Pillow images to sRGB in [0, 1]. Loads no torch."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.decode import decode, may_be_deep
from napari_style_transfer.io.profiles import to_srgb
from napari_style_transfer.io.raster import Raster, of_pillow, reading
from napari_style_transfer.progress import Picture

#: (H, W, 3 | 4) float32 in [0, 1], sRGB.
Colours = npt.NDArray[np.float32]
#: Values that become 0 and 1.
ValueRange = tuple[float, float]

#: The largest value of 12 bits, which many cameras give in 16.
_TWELVE_BITS = 4095


def read_picture(
    source: npt.ArrayLike | Image.Image | str | os.PathLike[str],
    *,
    value_range: ValueRange | None = None,
    name: str = "The picture",
) -> Colours:
    """Read a picture from a file, an array or a Pillow image.

    Values are scaled by their type: bool by 1, 8-bit integers by 255, 16-bit ones by 65535. Other
    integers are scaled by 255 if none is greater, else by 65535. Floating-point values must lie in
    [0, 1].

    Files are turned upright as their EXIF orientation says. Colours with an ICC profile are converted
    to sRGB: 8-bit ones by LittleCMS; deeper ones in floating point where the profile is a matrix and
    curves, else in 8 bits. A profile that is damaged is ignored with a warning in the log.

    Parameters
    ----------
    source
        A path; an array (H, W) or (H, W, 1 | 3 | 4); or a Pillow image of any mode. Grey becomes three
        equal channels, and a fourth channel is opacity.
    value_range
        The values that become 0 and 1, such as ``(0, 4095)`` for 12-bit data in 16-bit integers;
        what lies beyond is clipped. Opacity is always scaled by its type.
    name
        What to call it in messages.

    Returns
    -------
    ndarray
        (H, W, 3), or with opacity (H, W, 4), float32 in [0, 1], sRGB. Colours are not multiplied by
        the opacity.

    Raises
    ------
    InputError
        If it cannot be read as a picture; the message says why.
    """
    raster = read_raster(source, name)
    if isinstance(source, (str, os.PathLike)):
        name = f"{name} {os.fspath(source)}"
    return picture_of(raster, value_range, name)


def read_levels(path: str | os.PathLike[str]) -> Picture:
    """Read a picture from a file in whole levels: uint8, or uint16 where the file has more than 8 bits.

    Otherwise as :func:`read_picture`.
    """
    raster = decode(path)
    top = 255 if raster.values.dtype.itemsize == 1 else 65535
    picture = picture_of(raster, None, f"The picture {os.fspath(path)}")
    return np.rint(picture * top).astype(np.uint8 if top == 255 else np.uint16)


def over_white(picture: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return an (H, W, 3 | 4) picture in [0, 1] as (H, W, 3), laid over white by its opacity."""
    colours, alpha = split_alpha(picture)
    if alpha is None:
        return colours
    return np.asarray(colours * alpha[..., None] + (1 - alpha[..., None]))


def split_alpha(array: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None]:
    """Return the colours of an (H, W, 4) array and its (H, W) opacity, else the array and None."""
    if array.ndim == 3 and array.shape[2] == 4:
        return array[..., :3], array[..., 3]
    return array, None


def range_hint(source: npt.ArrayLike | str | os.PathLike[str]) -> str | None:
    """Return a sentence if a picture of 16 bits looks as if it held 12-bit data, else None.

    It does where its greatest value is at most 4095, and more than 8 bits hold.
    """
    if not isinstance(source, (str, os.PathLike)):
        return hint_of(read_raster(source), "The picture")
    if not may_be_deep(source):
        return None
    return hint_of(decode(source), f"The picture {os.fspath(source)}")


def hint_of(raster: Raster, name: str) -> str | None:
    """Return what :func:`range_hint` does for what was read; `name` for the sentence."""
    values = raster.values
    deep = values.dtype.kind == "u" and values.dtype.itemsize == 2 and raster.full is None
    if not deep or not values.size or not 255 < values.max() <= _TWELVE_BITS:
        return None
    return (
        f"{name} looks like 12-bit data in 16 bits and will be dark; give --range 0 {_TWELVE_BITS} "
        "to use its whole range."
    )


def read_raster(source: Any, name: str = "The picture") -> Raster:
    """Return what a file, an array or a Pillow image holds.

    Parameters
    ----------
    source
        As for :func:`read_picture`.
    name
        What to call it in messages.

    Raises
    ------
    InputError
        If it cannot be read as a picture.
    """
    if isinstance(source, (str, os.PathLike)):
        return decode(source)
    if isinstance(source, Image.Image):
        with reading(getattr(source, "filename", "") or "in memory"):
            return of_pillow(source)
    try:
        array = np.asarray(source)
    except MemoryError:
        raise
    except Exception as error:  # an array of someone else's, whose storage may be gone
        raise InputError(f"{name} cannot be read: {error}.") from None
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4):
        raise InputError(
            f"{name} has the shape {array.shape[: 2 if array.shape[-1:] == (1,) else None]}; "
            "it must be (height, width), or (height, width, channels) with 1, 3 or 4 channels."
        )
    if array.size == 0:
        raise InputError(f"{name} is empty: its shape is {array.shape}.")
    if array.shape[2] == 1:
        return Raster(array[..., 0], "grey")
    colours, alpha = split_alpha(array)
    return Raster(colours, "rgb", alpha)


def picture_of(raster: Raster, value_range: ValueRange | None, name: str) -> Colours:
    """Bring a raster to sRGB in [0, 1]; see :func:`read_picture`."""
    values = raster.values
    if not values.size:
        raise InputError(f"{name} is empty: its shape is {values.shape}.")
    if value_range is not None:
        values = scaled(values, value_range, name)
    elif values.dtype != np.uint8 or raster.full is not None:
        values = unit_range(values, name, raster.full)
    colours = to_srgb(values, raster.space, raster.profile, name)
    if colours.dtype == np.uint8:
        colours = np.divide(colours, 255, dtype=np.float32)
    if raster.alpha is None:
        return np.ascontiguousarray(colours, np.float32)
    whose = name.replace("The ", "the ", 1)
    alpha = unit_range(raster.alpha, f"The transparency of {whose}", raster.full)
    return np.concatenate([colours, alpha[..., None]], axis=2, dtype=np.float32)


def scaled(values: npt.NDArray[Any], value_range: ValueRange, name: str) -> Colours:
    """Return values in [0, 1]: the range's ends become 0 and 1, and what lies beyond is clipped.

    Raises
    ------
    InputError
        If the range is none, or the values are no finite numbers.
    """
    low, high = value_range
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise InputError(
            f"The range of values should be two numbers, the lower one first; got {low:g} and {high:g}."
        )
    check_numbers(values, name)
    return np.clip((values.astype(np.float64) - low) / (high - low), 0, 1).astype(np.float32)


def unit_range(array: npt.NDArray[Any], what: str, full: int | None = None) -> Colours:
    """Return an array's values in [0, 1], by its type's full scale, or by `full`."""
    scale = check_scale(array, what, full)
    if array.dtype.kind == "b":
        return array.astype(np.float32)
    unit: Colours = np.divide(array, scale, dtype=np.float32)
    return unit


def check_scale(array: npt.NDArray[Any], what: str, full: int | None = None) -> int:
    """Return what an array's values are divided by to lie in [0, 1]: its full scale, or `full`.

    Raises
    ------
    InputError
        If they are no finite numbers, or lie beyond.
    """
    low, high = check_numbers(array, what)
    if array.dtype.kind == "b":
        return 1
    if array.dtype.kind == "f":
        scale, allowed = 1, "0..1 for floating-point pictures"
    else:
        scale, allowed = full or full_scale(array.dtype, high), "0..255 or 0..65535 for integers"
    if low < 0 or high > scale:
        raise InputError(
            f"{what} has values from {low:g} to {high:g}; they must lie in {allowed}, so rescale it first."
        )
    return scale


def full_scale(dtype: np.dtype[Any], high: float) -> int:
    """Return the value of full intensity of integers: by their type if it has 8 or 16 bits unsigned.

    Other types say little of their range: it is 255 if `high`, their greatest value, is not greater,
    else 65535.
    """
    if has_full_scale(dtype):
        return 255 if dtype.itemsize == 1 else 65535
    return 255 if high <= 255 else 65535


def has_full_scale(dtype: np.dtype[Any]) -> bool:
    """Return whether integers of a type, in either byte order, have a full scale of their own."""
    return dtype.kind == "u" and dtype.itemsize <= 2


def check_numbers(array: npt.NDArray[Any], what: str) -> tuple[float, float]:
    """Return the least and the greatest value, which are finite.

    Raises
    ------
    InputError
        If they are not, or no real numbers.
    """
    if array.dtype.kind not in "buif":
        raise InputError(f"{what} is of type {array.dtype}; it must hold real numbers.")
    low, high = float(array.min()), float(array.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise InputError(
            f"{what} has pixels that are not finite (NaN or infinite); replace them first."
        )
    return low, high
