"""TIFF pages, read by their tags with tifffile, or Pillow for a compression tifffile lacks.

Loads no torch. Compressions other than Deflate, PackBits and LZMA, and the predictor for
floating-point numbers, need the package imagecodecs.
"""

from __future__ import annotations

import logging
import os
import struct
from dataclasses import dataclass, replace
from typing import Any

import tifffile
from PIL import Image, UnidentifiedImageError

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.raster import (
    MOST_PIXELS,
    ORIENTATION,
    Raster,
    of_pillow,
)
from napari_style_transfer.io.tiff_samples import name_of, raster_of, unread_colours

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

#: What is wrong with a file is said in an exception, not on standard error as well.
logging.getLogger("tifffile").addHandler(logging.NullHandler())
_log = logging.getLogger(__name__)

_PROFILE = 34675
#: Bytes that a byte of these compressions can hold at most, with a margin: none, LZW, Deflate, PackBits.
_MOST_RATIO = {1: 1, 5: 4096, 8: 1100, 32946: 1100, 32773: 128}
#: Colours that Pillow, with libtiff, makes RGB: YCbCr and CIE L*a*b*.
_BY_PILLOW = (6, 8)


@dataclass(frozen=True)
class Directory:
    """One entry of the file's chain of pages.

    Attributes
    ----------
    position
        Its place in the chain, from 0.
    full
        Whether it is a picture of its own: not a reduced copy, a thumbnail, or a mask.
    """

    position: int
    full: bool


class CutShort(InputError):
    """A TIFF whose end is missing."""

    def __init__(self, path: str | os.PathLike[str], pages: int) -> None:
        super().__init__(f"Cannot read {path}: it is cut short after page {pages}.")
        self.pages = pages


def pages(file: tifffile.TiffFile, path: str | os.PathLike[str]) -> list[int]:
    """Return the places in the chain of the pages that are pictures of their own.

    Reduced copies (a pyramid, a thumbnail) and masks are left out, unless the file holds nothing else.

    Raises
    ------
    CutShort
        If the chain breaks off.
    """
    chain = _chain(file, path)
    full = [entry.position for entry in chain if entry.full]
    return full or [entry.position for entry in chain]


def read(
    path: str | os.PathLike[str], position: int | None = None, *, indexed: bool = False
) -> Raster:
    """Read a page.

    Parameters
    ----------
    path
        The file.
    position
        Its place in the chain; the only page if None.
    indexed
        Give the indices of a palette, not its colours.

    Raises
    ------
    InputError
        If the file holds several pages and none is named, or is of a kind that is not read.
    """
    with tifffile.TiffFile(path) as file:
        if position is None:
            found = pages(file, path)
            if len(found) > 1:
                raise InputError(
                    f"The file {path} holds {len(found)} pages; save the one to paint as its own file."
                )
            position = found[0]
        page = file.pages[position]
        assert isinstance(page, tifffile.TiffPage)
        _check_size(page, file.filehandle.size, path)
        if int(page.photometric) in _BY_PILLOW:
            return _by_pillow(path, position, unread_colours(page))
        try:
            array = page.asarray()
        except (ValueError, NotImplementedError) as error:
            if "imagecodecs" not in str(error):
                raise
            raster = _by_pillow(path, position, _missing_codec(page), indexed=indexed)
            if page.dtype is not None and raster.values.dtype.itemsize < page.dtype.itemsize:
                _log.warning("%s is read in 8 bits: %s.", path, _missing_codec(page))
            return raster
        raster = raster_of(page, array.reshape(page.shaped), indexed, path)
    profile = _value(page, _PROFILE)
    if isinstance(profile, bytes):
        raster = replace(raster, profile=profile)
    return raster.turned(_value(page, ORIENTATION))


def _chain(file: tifffile.TiffFile, path: str | os.PathLike[str]) -> list[Directory]:
    """Follow the chain of pages to its end; tifffile is content with where it breaks off."""
    handle, tiff = file.filehandle, file.tiff

    def unpack(form: str, data: bytes, at: int = 0) -> int:
        return int(struct.unpack_from(form, data, at)[0])

    handle.seek(tiff.offsetsize)
    offset = unpack(tiff.offsetformat, handle.read(tiff.offsetsize))
    seen: dict[int, Directory] = {}
    while offset and offset not in seen:
        try:
            handle.seek(offset)
            tags = unpack(tiff.tagnoformat, handle.read(tiff.tagnosize))
            data = handle.read(tags * tiff.tagsize + tiff.offsetsize)
            following = unpack(tiff.offsetformat, data, tags * tiff.tagsize)
        except struct.error:
            if not seen:
                raise
            raise CutShort(path, len(seen)) from None
        full = True
        for at in range(0, tags * tiff.tagsize, tiff.tagsize):
            code = unpack(f"{tiff.byteorder}H", data, at)
            # NewSubfileType: bit 0 a reduced copy, bit 2 a mask. SubfileType: 2 a reduced copy.
            if code in (254, 255):
                wide = code == 254 and unpack(f"{tiff.byteorder}H", data, at + 2) == 4
                place = at + tiff.tagsize - tiff.tagoffsetthreshold
                kind = unpack(f"{tiff.byteorder}{'I' if wide else 'H'}", data, place)
                full &= not (kind & 0b101) if code == 254 else kind != 2
        seen[offset] = Directory(len(seen), full)
        offset = following
    return list(seen.values())


def _value(page: tifffile.TiffPage, code: int) -> Any:
    tag = page.tags.get(code)
    return None if tag is None else tag.value


def _check_size(page: tifffile.TiffPage, size: int, path: str | os.PathLike[str]) -> None:
    """Refuse a page whose data cannot be what its tags say, before memory is asked for.

    Parameters
    ----------
    page
        The page.
    size
        Of the file, in bytes.
    path
        The file's name.
    """
    _, depth, height, width, _ = (page.shaped + (0,) * 5)[:5]
    if not page.shaped or page.dtype is None:
        raise ValueError("the page has no pixels, or of no known type")
    if depth != 1:
        raise InputError(f"Cannot read {path}: a page is a volume; save its slices as pages.")
    if height * width > MOST_PIXELS:
        raise Image.DecompressionBombError
    if any(
        start + count > size
        for start, count in zip(page.dataoffsets, page.databytecounts, strict=False)
    ):
        raise ValueError("the pixels are cut short")
    packed = page.nbytes * page.bitspersample // (8 * page.dtype.itemsize)
    if packed > _MOST_RATIO.get(int(page.compression), MOST_PIXELS) * size:
        raise ValueError("the pixels are fewer than the tags say")


def _missing_codec(page: tifffile.TiffPage) -> str:
    if page.predictor == 3:
        what = "a predictor for floating-point numbers"
    elif page.compression == 1:
        what = f"{page.bitspersample} bits for a value"
    else:
        what = f"{name_of(page.compression)} compression"
    return (
        f"it uses {what}, which needs the package imagecodecs: "
        "pip install 'napari-style-transfer[codecs]'"
    )


def _by_pillow(
    path: str | os.PathLike[str], position: int, reason: str, *, indexed: bool = False
) -> Raster:
    """Read a page with Pillow; `reason` says why not with tifffile, if neither can."""
    try:
        with Image.open(path) as image:
            image.seek(position)
            known = image.mode not in ("I;16", "I", "F") or _value_of(image, 284) != 2
            if known:
                return of_pillow(image, indexed=indexed)
    except (UnidentifiedImageError, SyntaxError, KeyError):
        pass  # a type that Pillow does not know
    raise InputError(f"Cannot read the picture {path}: {reason}.")


def _value_of(image: Image.Image, code: int) -> Any:
    return getattr(image, "tag_v2", {}).get(code)
