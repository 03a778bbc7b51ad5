"""What a file of a picture holds, before it is brought to [0, 1] and sRGB. Loads no torch."""

from __future__ import annotations

import contextlib
import errno
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from napari_style_transfer.errors import InputError, StyleTransferError

#: Pixels that are read at most: Pillow's limit, for every format.
MOST_PIXELS = 2 * (Image.MAX_IMAGE_PIXELS or 89_478_485)

#: EXIF tag of the orientation.
ORIENTATION = 0x0112
#: TIFF tags: bits of a sample, and what the samples are.
_BITS, _PHOTOMETRIC = 258, 262


@dataclass(frozen=True, eq=False)
class Raster:
    """The pixels of a file, upright, in the file's own type and colours.

    Attributes
    ----------
    values
        (H, W) where `space` is ``"grey"``, (H, W, 3) for ``"rgb"``, (H, W, 4) uint8 for ``"cmyk"``
        (0 is no ink).
    space
        What the channels are.
    alpha
        (H, W), the opacity, of the same type as `values`; None for an opaque picture. Colours are
        not multiplied by it.
    profile
        The embedded ICC profile, if any.
    full
        The value of full intensity where the type does not say it, such as 4095 for 12 bits.
    """

    values: npt.NDArray[Any]
    space: Literal["grey", "rgb", "cmyk"]
    alpha: npt.NDArray[Any] | None = None
    profile: bytes | None = None
    full: int | None = None

    def turned(self, orientation: Any) -> Raster:
        """Return it turned upright, as an EXIF orientation (1 to 8) says."""
        return replace(
            self,
            values=_turn(self.values, orientation),
            alpha=None if self.alpha is None else _turn(self.alpha, orientation),
        )


def _turn(array: npt.NDArray[Any], orientation: Any) -> npt.NDArray[Any]:
    """Turn and mirror an array by an EXIF orientation; other values than 2 to 8 change nothing."""
    if orientation in (5, 6, 7, 8):
        array = np.swapaxes(array, 0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return array


@contextlib.contextmanager
def reading(path: str | os.PathLike[str], what: str = "the picture") -> Iterator[None]:
    """Turn whatever goes wrong while a file is read into one sentence that gives the reason.

    Decoders raise nearly anything at damaged files, and warn of tags that do not matter.
    """
    name = f"{what} {os.fspath(path)}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except StyleTransferError:
        raise
    except FileNotFoundError:
        raise InputError(f"There is no file {os.fspath(path)}.") from None
    except UnidentifiedImageError:
        raise InputError(
            f"Cannot read {name}: it is damaged, or not a picture of a kind that is read; "
            "save it as PNG, JPEG or TIFF."
        ) from None
    except Image.DecompressionBombError:
        raise InputError(
            f"Cannot read {name}: it has more than {MOST_PIXELS // 10**6} million pixels; make it "
            "smaller first."
        ) from None
    except MemoryError:
        raise InputError(f"Cannot read {name}: there is too little memory for it.") from None
    except OSError as error:
        # What comes of a place in the file that cannot be is no fault of the system's.
        reason = error.strerror if error.errno not in (None, errno.EINVAL) else "it is damaged"
        raise InputError(f"Cannot read {name}: {reason}.") from None
    except Exception:
        if "\0" in os.fspath(path):
            raise InputError(f"There is no file {os.fspath(path)!r}.") from None
        raise InputError(f"Cannot read {name}: it is damaged.") from None


def of_pillow(image: Image.Image, *, indexed: bool = False, profile: bytes | None = None) -> Raster:
    """Return the pixels of an open Pillow image.

    Parameters
    ----------
    image
        Of any mode.
    indexed
        Give the indices of a palette, not its colours.
    profile
        The colour profile, if it was read otherwise.
    """
    image.load()
    raster = _channels(image, indexed)
    embedded = image.info.get("icc_profile") if profile is None else profile
    if embedded and image.mode not in ("LAB", "HSV"):  # Pillow has made these RGB already
        raster = replace(raster, profile=bytes(embedded))
    return raster.turned(_orientation(image))


def _channels(image: Image.Image, indexed: bool) -> Raster:
    mode = image.mode
    if mode.startswith("I;16") or (mode == "I" and image.format in ("PNG", "PPM")):
        return _grey(image, np.asarray(image).astype(np.uint16))
    if mode in ("I", "F"):
        return _grey(image, np.asarray(image))
    if mode == "CMYK":
        return Raster(np.asarray(image), "cmyk")
    if indexed and mode in ("1", "L", "P"):
        return Raster(np.asarray(image), "grey")
    if indexed and mode in ("LA", "PA"):
        return Raster(np.asarray(image.getchannel(0)), "grey")
    if image.has_transparency_data:
        rgba = np.asarray(image.convert("RGBA"))
        return Raster(rgba[..., :3], "rgb", rgba[..., 3])
    if mode in ("1", "L"):
        return Raster(np.asarray(image.convert("L")), "grey")
    return Raster(np.asarray(image.convert("RGB")), "rgb")


def _grey(image: Image.Image, values: npt.NDArray[Any]) -> Raster:
    """Return grey levels; of a TIFF with more than 8 bits Pillow ignores how many, and its zero."""
    tags = getattr(image, "tag_v2", {})
    bits = tags.get(_BITS, (16,))[0]
    full = 2**bits - 1 if values.dtype == np.uint16 and bits < 16 else None
    if tags.get(_PHOTOMETRIC) == 0:
        values = white_is_zero(values, full)
    return Raster(values, "grey", full=full)


def white_is_zero(values: npt.NDArray[Any], full: int | None = None) -> npt.NDArray[Any]:
    """Return grey levels whose zero is white as those whose zero is black."""
    if values.dtype.kind == "b":
        return ~values
    if values.dtype.kind == "u":
        top = np.iinfo(values.dtype).max if full is None else full
        return np.asarray(values.dtype.type(top) - values)
    return np.asarray(1 - values) if values.dtype.kind == "f" else values


def _orientation(image: Image.Image) -> Any:
    try:
        return image.getexif().get(ORIENTATION)
    except Exception:  # damaged EXIF data: the pixels are sound
        return None
