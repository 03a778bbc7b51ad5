"""Movies written by FFmpeg, through PyAV: pictures encoded one at a time, sound copied. Loads PyAV."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.pictures import over_white
from napari_style_transfer.io.pyav import load_av
from napari_style_transfer.io.sound import Sound
from napari_style_transfer.io.timing import Span
from napari_style_transfer.progress import Picture

#: FFmpeg's name of the container of each suffix.
_CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
#: Nearly lossless (x264 and VP9 go from 0, lossless, to 51 and 63). Without B-frames, since an MP4 that has
#: them cannot say how long the last of them stays where times are uneven.
_H264 = {"crf": "16", "bf": "0"}
_VP9 = {"crf": "18", "b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1"}
#: All usual rates and milliseconds are multiples of it.
_TIME_BASE = Fraction(1, 120_000)
#: FFmpeg's numbers: BT.709 for matrix, primaries and curve; limited range; full range.
_BT709, _LIMITED, _FULL = 1, 1, 2


def write_video(
    part: Path,
    suffix: str,
    pictures: Iterable[tuple[Picture, Span]],
    *,
    sound: Path | None,
    sound_start: float,
    pixel_aspect: Fraction,
    time_base: Fraction | None,
) -> None:
    """Write a movie in the format of a suffix; see :func:`~napari_style_transfer.io.movies.save_movie`.

    Parameters
    ----------
    part
        The file to write.
    suffix
        ``.mp4``, ...
    pictures
        (H, W, 3 | 4) uint8 of one size, each with the seconds at which it appears and goes.
    sound, sound_start, pixel_aspect, time_base
        As for ``save_movie``.
    """
    av = load_av()
    try:
        # Through a file of Python's: FFmpeg says nothing of a disk that is full when the file is closed.
        with open(part, "wb") as file, av.open(file, "w", format=_CONTAINERS[suffix]) as container:
            encoder = _Encoder(av, container, suffix, pixel_aspect, time_base or _TIME_BASE)
            heard = None
            for picture, span in pictures:
                if encoder.stream is None:
                    encoder.begin(picture, span)
                    heard = None if sound is None else Sound(sound, container, suffix, sound_start)
                container.mux(encoder.encode(picture, span))
                if heard is not None:
                    container.mux(heard.until(span[1]))
            container.mux(encoder.end())
            if heard is not None:
                container.mux(heard.end())
    except av.error.FFmpegError as error:
        reason = error if isinstance(error, OSError) else error.__context__
        if isinstance(reason, OSError):  # of the file, which PyAV wraps
            raise reason from None
        raise InputError(f"The movie cannot be encoded: {error.strerror}.") from None


class _Encoder:
    """Encodes pictures as the video of a container.

    Parameters
    ----------
    av, container
        PyAV, and what is written.
    suffix
        Of the file.
    pixel_aspect
        Width of a pixel relative to its height.
    time_base
        Seconds of which all times are multiples.
    """

    def __init__(
        self, av: Any, container: Any, suffix: str, pixel_aspect: Fraction, time_base: Fraction
    ) -> None:
        self._av, self._container = av, container
        self._vp9 = suffix == ".webm"
        self._aspect, self._base = pixel_aspect, time_base
        self._durations: dict[int, int] = {}  # of the pictures that are in the encoder
        self.stream: Any = None

    def begin(self, picture: Picture, span: Span) -> None:
        """Set the encoder up for pictures like the first one."""
        name, options = ("libvpx-vp9", _VP9) if self._vp9 else ("libx264", _H264)
        rate = Fraction(1 / (span[1] - span[0])).limit_denominator(1001)
        stream = self._container.add_stream(
            name, rate=max(rate, Fraction(1)), options=dict(options)
        )
        height, width = self._even(picture).shape[:2]
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base = stream.time_base = self._base
        context.sample_aspect_ratio = self._aspect
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED
        self.stream = stream

    def encode(self, picture: Picture, span: Span) -> list[Any]:
        """Take a picture and return the packets that are ready."""
        if picture.shape[2] == 4:
            picture = np.rint(over_white(picture / np.float32(255)) * 255).astype(np.uint8)
        whole = np.ascontiguousarray(self._even(picture))
        frame = self._av.VideoFrame.from_ndarray(whole, format="rgb24").reformat(
            format="yuv420p",
            dst_colorspace=_BT709,
            src_color_range=_FULL,
            dst_color_range=_LIMITED,
            interpolation=self._av.video.reformatter.Interpolation.BICUBIC
            | self._av.video.reformatter.Interpolation.ACCURATE_RND
            | self._av.video.reformatter.Interpolation.FULL_CHR_H_INP,
            threads=1,
        )
        start, stop = (round(Fraction(second) / self._base) for second in span)
        frame.pts, frame.time_base = start, self._base
        self._durations[start] = stop - start
        return self._timed(self.stream.encode(frame))

    def end(self) -> list[Any]:
        """Return the last packets."""
        return [] if self.stream is None else self._timed(self.stream.encode())

    def _timed(self, packets: list[Any]) -> list[Any]:
        """Set how long each packet lasts, of which encoders know nothing where the rate varies."""
        for packet in packets:
            packet.duration = self._durations.pop(packet.pts, packet.duration)
        return packets

    def _even(self, picture: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return a picture as the encoder takes it: H.264 only with even sides."""
        if self._vp9:
            return picture
        height, width = picture.shape[:2]
        return np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
