"""Files of every format that is read, as :class:`Raster`. Loads no torch."""

from __future__ import annotations

import io
import os
from pathlib import Path

from PIL import Image

from napari_style_transfer.errors import InputError
from napari_style_transfer.io import png, tiff
from napari_style_transfer.io.raster import (
    MOST_PIXELS,
    ORIENTATION,
    Raster,
    of_pillow,
    reading,
)

#: Pixels that a byte of these formats can hold at most, with a margin.
_MOST_RATIO = 2**14
_LIMITED = ("BMP", "GIF", "JPEG", "PNG", "PPM")


def decode(
    path: str | os.PathLike[str], *, indexed: bool = False, what: str = "the picture"
) -> Raster:
    """Read a file by what it holds, whatever its suffix says.

    Parameters
    ----------
    path
        The file. Of an animation the first picture is read.
    indexed
        Give the indices of a palette, not its colours.
    what
        What to call it in messages.

    Raises
    ------
    InputError
        If it cannot be read; the message says why.
    """
    with reading(path, what):
        with open(path, "rb") as file:
            start = file.read(8)
        if start == png.SIGNATURE:
            return _png(path, indexed)
        if start[:4] in tiff.SIGNATURES:
            return tiff.read(path, indexed=indexed)
        with Image.open(path) as image:
            _check_size(image, os.stat(path).st_size)
            return of_pillow(image, indexed=indexed)


def size_of(path: str | os.PathLike[str]) -> tuple[int, int] | None:
    """Return the (height, width) of a picture as it lies, from its header; None if it has none."""
    try:
        with reading(path), Image.open(path) as image:
            turned = image.getexif().get(ORIENTATION) in (5, 6, 7, 8)
            return (image.width, image.height) if turned else (image.height, image.width)
    except InputError:
        return None


def may_be_deep(path: str | os.PathLike[str]) -> bool:
    """Return whether a file may have more than 8 bits, from its first bytes."""
    try:
        with open(path, "rb") as file:
            start = file.read(25)
    except (OSError, ValueError):
        return False
    if start[:8] == png.SIGNATURE:
        return start[24:] == b"\x10"
    return start[:4] in tiff.SIGNATURES


def _png(path: str | os.PathLike[str], indexed: bool) -> Raster:
    """Read a PNG without its text, of which Pillow takes little."""
    data = Path(path).read_bytes()
    parts = png.parse(data)
    with Image.open(io.BytesIO(data if parts is None else parts.to_bytes())) as image:
        _check_size(image, len(data))
        if parts is None or not parts.deep_colour:
            return of_pillow(
                image, indexed=indexed, profile=None if parts is None else parts.profile
            )
        pixels = parts.decode()
        orientation = image.getexif().get(ORIENTATION)
    colours = pixels[..., 0] if pixels.shape[2] == 2 else pixels[..., :3]
    alpha = pixels[..., -1] if pixels.shape[2] in (2, 4) else None
    raster = Raster(colours, "grey" if colours.ndim == 2 else "rgb", alpha, parts.profile)
    return raster.turned(orientation)


def _check_size(image: Image.Image, size: int) -> None:
    """Refuse a picture that its file cannot hold, before memory is asked for; `size` in bytes."""
    pixels = image.width * image.height
    if pixels > MOST_PIXELS:
        raise Image.DecompressionBombError
    if image.format in _LIMITED and pixels > _MOST_RATIO * size:
        raise ValueError("the pixels are fewer than the header says")
