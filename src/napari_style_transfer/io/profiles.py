"""Colour management: from an embedded ICC profile to sRGB. Loads no torch.

8-bit pictures are converted by LittleCMS, which Pillow carries (perceptual intent). It knows no more
than 8 bits of colour there, so deeper pictures are converted here, in floating point, where their
profile is a matrix and curves (nearly all profiles of RGB and grey are). A profile of tables makes
deeper pictures 8-bit ones.

Source: ICC.1:2022 (profile version 4.4); "§" names its sections.
"""

from __future__ import annotations

import functools
import io
import logging
import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

_log = logging.getLogger(__name__)

#: Linear sRGB to XYZ, adapted to the white of D50 (IEC 61966-2-1, Bradford).
_SRGB_TO_XYZ = np.array(
    [
        [0.4360747, 0.3850649, 0.1430804],
        [0.2225045, 0.7168786, 0.0606169],
        [0.0139322, 0.0971045, 0.7141733],
    ]
)
#: Levels (of 255) by which a profile may differ from sRGB and is taken for it.
_SAME = 1.0
#: Rows that are converted at a time.
_ROWS = 256

Curve = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]


@functools.cache
def srgb_profile() -> bytes:
    """Return a profile of sRGB to be embedded, the same bytes each time."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    data[24:36] = struct.pack(">6H", 2024, 1, 1, 0, 0, 0)  # the date, which would be today's
    data[84:100] = bytes(16)  # a checksum that is optional, and would hold the date
    return bytes(data)


def to_srgb(
    values: npt.NDArray[Any], space: str, profile: bytes | None, name: str
) -> npt.NDArray[Any]:
    """Return the colours of a picture in sRGB.

    Parameters
    ----------
    values
        uint8, or float32 in [0, 1]: grey (H, W), RGB (H, W, 3) or, as uint8, CMYK (H, W, 4).
    space
        ``"grey"``, ``"rgb"`` or ``"cmyk"``.
    profile
        The embedded profile; sRGB where None. One that is damaged, or of other colours than the
        picture's, is ignored with a warning in the log.
    name
        What to call the picture there.

    Returns
    -------
    ndarray
        (H, W, 3), of the type of `values`; a view of them where nothing is to be done.
    """
    if profile is not None:
        try:
            with np.errstate(all="ignore"):  # a damaged curve, whose values are checked
                return _convert(values, space, profile)
        except Exception as error:  # a decoder of others' files
            _log.warning("The colour profile of %s is ignored: %s.", name, str(error).rstrip("."))
    if space == "cmyk":
        return np.asarray(Image.fromarray(values, "CMYK").convert("RGB"))
    return _as_rgb(values)


def _as_rgb(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return values if values.ndim == 3 else np.broadcast_to(values[..., None], (*values.shape, 3))


def _convert(values: npt.NDArray[Any], space: str, profile: bytes) -> npt.NDArray[Any]:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    has = str(source.profile.xcolor_space).strip()
    if has == "RGB" and space == "grey":
        values, space = _as_rgb(values), "rgb"
    if {"rgb": "RGB", "grey": "GRAY", "cmyk": "CMYK"}[space] != has:
        raise ValueError(f"it is one of {has}, but the picture is {space}")
    if values.dtype != np.uint8 and (exact := _matrix_profile(profile)) is not None:
        if _is_srgb(lambda x: _by_matrix(x, *exact), space, np.float32):
            return _as_rgb(values)
        return _by_matrix(values, *exact)
    mode = {"rgb": "RGB", "grey": "L", "cmyk": "CMYK"}[space]
    transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")

    def apply(pixels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        image = Image.fromarray(np.ascontiguousarray(pixels), mode)
        return np.asarray(ImageCms.applyTransform(image, transform))

    if space != "cmyk" and _is_srgb(apply, space, np.uint8):
        return _as_rgb(values)
    if values.dtype == np.uint8:
        return apply(values)
    return apply(np.rint(values * 255).astype(np.uint8)) / np.float32(255)


def _is_srgb(convert: Curve, space: str, dtype: Any) -> bool:
    """Return whether a conversion changes next to nothing, so that a picture is left to the bit."""
    if space == "rgb":
        steps = np.arange(0, 256, 15)
        pixels = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    else:
        pixels = np.arange(256)[None]
    full = 255 if dtype == np.uint8 else 1
    values = (pixels * (full / 255)).astype(dtype)
    change = np.abs(convert(values).astype(np.float64) - _as_rgb(values)) * (255 / full)
    return bool(change.max() <= _SAME)


def _by_matrix(
    values: npt.NDArray[Any], curves: Sequence[Curve], matrix: npt.NDArray[Any] | None
) -> npt.NDArray[np.float32]:
    """Convert floating-point values through curves and a matrix to linear sRGB, then encode them."""
    out = np.empty((*values.shape[:2], 3), np.float32)
    for top in range(0, len(values), _ROWS):
        part = values[top : top + _ROWS].astype(np.float64)
        if matrix is None:  # grey: the curve gives its share of white (§8.4.2)
            linear = _as_rgb(curves[0](part))
        else:
            linear = (
                np.stack([curve(part[..., i]) for i, curve in enumerate(curves)], -1) @ matrix.T
            )
        linear = np.clip(linear, 0, 1)
        low = linear * 12.92
        out[top : top + _ROWS] = np.where(
            linear <= 0.0031308, low, 1.055 * linear ** (1 / 2.4) - 0.055
        )
    if not np.isfinite(out).all():
        raise ValueError("its curves give no numbers")
    return out


def _matrix_profile(profile: bytes) -> tuple[list[Curve], npt.NDArray[Any] | None] | None:
    """Return the curves of a profile and its matrix to linear sRGB; None for a profile of tables."""
    count = struct.unpack_from(">I", profile, 128)[0]
    tags = {}
    for number in range(min(count, 200)):
        name, start, size = struct.unpack_from(">4sII", profile, 132 + 12 * number)
        tags[name] = profile[start : start + size]
    if b"A2B0" in tags:
        return None
    if b"kTRC" in tags:
        return [_curve(tags[b"kTRC"])], None
    columns = []
    for name in (b"rXYZ", b"gXYZ", b"bXYZ"):
        columns.append(np.array(struct.unpack_from(">3i", tags[name], 8)) / 65536)
    matrix = np.linalg.inv(_SRGB_TO_XYZ) @ np.stack(columns, axis=1)
    return [_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC")], matrix


def _curve(data: bytes) -> Curve:
    """Return a curve from encoded to linear values (§10.6 curveType, §10.18 parametricCurveType)."""
    if data[:4] == b"para":
        kind = struct.unpack_from(">H", data, 8)[0]
        given = np.array(struct.unpack_from(f">{(1, 3, 4, 5, 7)[kind]}i", data, 12)) / 65536
        return _parametric(kind, given.tolist())
    count = struct.unpack_from(">I", data, 8)[0]
    if count == 0:
        return lambda x: x
    if count == 1:
        gamma = struct.unpack_from(">H", data, 12)[0] / 256
        return lambda x: np.asarray(x**gamma)
    table = np.frombuffer(data, ">u2", count, 12) / 65535
    places = np.linspace(0, 1, count)
    return lambda x: np.interp(x, places, table)


def _parametric(kind: int, given: list[float]) -> Curve:
    """Return (a x + b)^g + e where x is at least d, and c x + f below it (§10.18, table 68)."""
    g, a, b, c, d, e, f = [*given, *[0.0] * (7 - len(given))]
    if kind == 0:
        a, d = 1.0, 0.0
    elif kind in (1, 2):  # a power above -b/a, a constant below it
        d = -b / a
        e = f = given[3] if kind == 2 else 0.0
        c = 0.0

    def curve(x: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.asarray(np.where(x >= d, np.maximum(a * x + b, 0) ** g + e, c * x + f))

    return curve
