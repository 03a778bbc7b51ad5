"""Decoded frames of a movie as :class:`Raster`: matrix, range, depth and the way up. Loads no torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_style_transfer.io import hdr
from napari_style_transfer.io.raster import Raster

#: FFmpeg's numbers of colour matrices (AVColorSpace): RGB, BT.709, unspecified, BT.601 of 625 lines.
_RGB, _BT709, _UNSPECIFIED, _BT601 = 0, 1, 2, 5
_FULL_RANGE = 2  # AVColorRange

#: Lines and columns up to which a movie that names no matrix is taken for BT.601, as mpv takes it.
_SD_LINES, _SD_COLUMNS = 576, 1024


class FrameReader:
    """Brings the frames of one movie to RGB, upright and of one size.

    Parameters
    ----------
    first
        The first frame, by which size and turn are those of all.

    Attributes
    ----------
    shape
        (height, width) of a frame as it lies.
    transposes
        Whether the turn swaps height and width.
    """

    def __init__(self, first: Any) -> None:
        from av.video.reformatter import Interpolation, VideoReformatter

        self._reformatter = VideoReformatter()
        self._exact = (
            Interpolation.BICUBIC
            | Interpolation.ACCURATE_RND
            | Interpolation.FULL_CHR_H_INT
            | Interpolation.FULL_CHR_H_INP
        )
        self._height, self._width = first.height, first.width
        self._display = _display_matrix(first)
        (a, b), _ = self._display
        self.transposes = abs(b) > abs(a)
        upright = (self._height, self._width)
        self.shape: tuple[int, int] = upright[::-1] if self.transposes else upright

    def read(self, frame: Any) -> Raster:
        """Return a frame's pixels: uint8 sRGB, and opacity if it has any."""
        form = "rgb48le" if hdr.is_hdr(frame) else "rgb24"
        has_alpha = any(each.is_alpha for each in frame.format.components)
        if has_alpha:
            form = form.replace("rgb", "rgba").replace("48", "64").replace("24", "")
        converted = self._reformatter.reformat(
            frame,
            width=self._width,
            height=self._height,
            format=form,
            src_colorspace=_matrix(frame),
            dst_color_range=_FULL_RANGE,
            interpolation=self._exact,
            threads=1,
        )
        pixels: npt.NDArray[Any] = converted.to_ndarray()
        alpha = pixels[..., 3] if has_alpha else None
        if pixels.dtype == np.uint16:
            alpha = None if alpha is None else (alpha >> 8).astype(np.uint8)
            pixels = hdr.to_srgb(pixels[..., :3], frame)
        alpha = None if alpha is None else np.ascontiguousarray(self._upright(alpha))
        return Raster(np.ascontiguousarray(self._upright(pixels[..., :3])), "rgb", alpha)

    def _upright(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Turn and mirror rows and columns as the display matrix says: x' = ax + cy, y' = bx + dy."""
        (a, b), (c, d) = self._display
        if self.transposes:
            array, a, d = np.swapaxes(array, 0, 1), c, b
        array = array[:, ::-1] if a < 0 else array
        return array[::-1] if d < 0 else array


def _display_matrix(frame: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the part of a frame's display matrix that turns, ((a, b), (c, d))."""
    side = frame.side_data.get("DISPLAYMATRIX")
    if side is None:
        return (1, 0), (0, 1)
    a, b, _, c, d, *_ = np.frombuffer(side, np.int32).tolist()
    return (a, b), (c, d)


def _matrix(frame: Any) -> int:
    """Return the number of the matrix by which a frame's YUV becomes RGB."""
    if frame.colorspace != _UNSPECIFIED:
        return int(frame.colorspace)
    is_sd = frame.height <= _SD_LINES and frame.width <= _SD_COLUMNS
    return _BT601 if is_sd else _BT709
