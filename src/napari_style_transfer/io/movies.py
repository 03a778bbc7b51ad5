"""Movies and animated pictures: opened to read their frames one at a time, and written. Loads no torch."""

from __future__ import annotations

import functools
import operator
import os
import threading
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.atomic import replacing
from napari_style_transfer.io.names import (
    ANIMATION_SUFFIXES,
    MOVIE_SUFFIXES,
    check_movie_output,
)
from napari_style_transfer.io.pictures import over_white
from napari_style_transfer.io.raster import Raster
from napari_style_transfer.io.timing import Stopped, even, spans, timed
from napari_style_transfer.progress import Picture


class Movie(Sequence[Picture]):
    """A movie's frames, each decoded when it is asked for. From any thread.

    An item is (H, W, 3) uint8 sRGB, upright; what is transparent is laid over white. A slice is an
    array of several. Only the frame asked for last is kept.

    Attributes
    ----------
    path
        The file.
    shape
        (frames, height, width, 3).
    dtype, ndim
        uint8 and 4.
    times
        (frames,) seconds from the movie's start at which each frame appears, ascending.
    end
        The second at which the last frame goes.
    time_base
        The file's unit of time in seconds, of which all times are multiples.
    has_sound
        Whether the file has a track of sound.
    pixel_aspect
        Width of a pixel relative to its height, as the frames lie; 1 for nearly all movies.
    damage
        A sentence if the file is cut short: which frames are there. None for a sound one.
    """

    dtype = np.dtype(np.uint8)
    ndim = 4
    has_sound = False
    pixel_aspect = Fraction(1)
    damage: str | None = None

    path: Path
    shape: tuple[int, int, int, int]
    times: npt.NDArray[np.float64]
    end: float
    time_base: Fraction

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()

    @property
    def rate(self) -> float:
        """Frames per second, on average."""
        return len(self) / (self.end - float(self.times[0]))

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.times)

    def __getitem__(self, position: Any) -> Any:
        """Decode a frame, (H, W, 3) uint8, or for a slice several, (frames, H, W, 3).

        Raises
        ------
        IndexError
            If there is no such frame.
        InputError
            If it is damaged.
        """
        if isinstance(position, slice):
            chosen = [self[number] for number in range(len(self))[position]]
            return np.stack(chosen) if chosen else np.empty((0, *self.shape[1:]), self.dtype)
        raster = self.raster(range(len(self))[operator.index(position)])
        if raster.alpha is None:
            return raster.values
        rgba = np.concatenate([raster.values, raster.alpha[..., None]], axis=2)
        return np.rint(over_white(rgba / np.float32(255)) * 255).astype(np.uint8)

    def raster(self, number: int) -> Raster:
        """Decode a frame with its opacity.

        Raises
        ------
        InputError
            If it is damaged.
        """
        with self._lock:
            return self._raster(number)

    @abstractmethod
    def _raster(self, number: int) -> Raster: ...

    def close(self) -> None:
        """Give the file back; frames can be read no more."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how to open it in another process, once for all that is read of it there."""
        return _opened, (self.path.absolute(),)


@functools.lru_cache(maxsize=4)
def _opened(path: Path) -> Movie:
    return open_movie(path)


def open_movie(path: str | os.PathLike[str]) -> Movie:
    """Open a movie, or a GIF, WebP or PNG of several frames.

    Turned movies are upright. Colours are brought to RGB by the file's matrix and range; where it names
    no matrix, that is BT.709 for more than 576 lines or 1024 columns, else BT.601, as players take it.
    10 bits and more are rounded to 8; PQ and HLG (HDR) are mapped to the range of a common screen. Times
    are those of the file, even or uneven.

    Parameters
    ----------
    path
        The file. All but GIF, WebP and PNG need PyAV: ``pip install "napari-style-transfer[movie]"``.

    Returns
    -------
    Movie
        A sequence of (H, W, 3) uint8, of which each frame is decoded when it is asked for.

    Raises
    ------
    InputError
        If there is no such file, it holds no frame that can be decoded, or PyAV is missing.
    """
    path = Path(path)
    if path.suffix.lower() in ANIMATION_SUFFIXES:
        from napari_style_transfer.io.animations import Animation

        return Animation(path)
    from napari_style_transfer.io.video import Video

    return Video(path)


def is_movie(path: str | os.PathLike[str]) -> bool:
    """Return whether a file is a movie: by its suffix; GIF, WebP and PNG if they have several frames."""
    suffix = Path(path).suffix.lower()
    if suffix not in ANIMATION_SUFFIXES:
        return suffix in MOVIE_SUFFIXES
    from napari_style_transfer.io.animations import is_animated

    return is_animated(path)


def save_movie(
    path: str | os.PathLike[str],
    pictures: Iterable[Picture],
    *,
    times: Iterable[float] | None = None,
    rate: float | None = None,
    end: float | None = None,
    sound: str | os.PathLike[str] | None = None,
    sound_start: float = 0,
    pixel_aspect: Fraction = Fraction(1),
    time_base: Fraction | None = None,
    stop: Callable[[], bool] | None = None,
) -> bool:
    """Write a movie or an animated picture; what was at `path` is replaced only when all is written.

    MP4, M4V, MOV and MKV are H.264 at nearly lossless quality, with the chroma halved, as all players want
    it. It takes even sides only: of an odd one the last row or column is there twice. WebM is VP9. A GIF
    shows 256 colours and at most 50 frames a second.

    Parameters
    ----------
    path
        Ends in .mp4, .m4v, .mov, .mkv, .webm, .gif, .webp or .apng.
    pictures
        (H, W, 3) or (H, W, 4) uint8 or uint16, all of one size. They are taken one at a time; for GIF, WebP
        and APNG all are kept in memory. Opacity is kept where the format has it, else laid over white.
    times
        The second at which each picture appears, ascending, as many as `pictures`.
    rate
        Pictures per second, in place of `times`; 25 where both are None.
    end
        The second at which the last picture goes; if None it stays as long as the one before.
    sound
        A file whose sound goes along, copied as it is where the format takes it, else encoded anew. GIF,
        WebP and APNG have none.
    sound_start
        The second of the sound that is heard at the second 0 of the pictures.
    pixel_aspect
        Width of a pixel relative to its height.
    time_base
        A unit in seconds of which `times` are multiples; where None, times are rounded to 1/120000 s.
        MKV and WebM round to milliseconds.
    stop
        Asked after each picture; once it answers true, nothing is written.

    Returns
    -------
    bool
        Whether it was written, rather than stopped.

    Raises
    ------
    InputError
        If it cannot be written, for example on a full disk; if the pictures differ in size, are none, or
        are more or fewer than the times.
    """
    path = check_movie_output(path)
    suffix = path.suffix.lower()
    if times is not None and rate is not None:
        raise InputError("Give the times of a movie's pictures, or their rate, not both.")
    shown = even(path, 25.0 if rate is None else rate) if times is None else spans(path, times, end)
    in_time = timed(pictures, shown, path, stop or (lambda: False), sized=times is not None)
    try:
        with replacing(path) as part:
            if suffix in ANIMATION_SUFFIXES:
                from napari_style_transfer.io.animations import write_animation

                write_animation(part, suffix, in_time)
            else:
                from napari_style_transfer.io.video_writer import write_video

                write_video(
                    part,
                    suffix,
                    in_time,
                    sound=None if sound is None else Path(sound),
                    sound_start=sound_start,
                    pixel_aspect=pixel_aspect,
                    time_base=time_base,
                )
    except Stopped:
        return False
    return True
