"""Movies as FFmpeg reads them, through PyAV: frames at random, exactly. Loads PyAV when one is opened."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.frames import FrameReader
from napari_style_transfer.io.movies import Movie
from napari_style_transfer.io.pyav import load_av
from napari_style_transfer.io.raster import Raster, reading


@dataclass(frozen=True)
class _Shown:
    """What the decoder gave for a time: a frame, or None where it is damaged.

    `torn` says that something was lost between it and the one before.
    """

    number: int
    frame: Any
    torn: bool


class Video(Movie):
    """A movie in a file that FFmpeg reads. See :func:`~napari_style_transfer.io.movies.open_movie`.

    When it is opened, all packets are looked at, and the first frame is decoded. A frame is found by a
    jump to the key frame before it; one after another they are decoded without jumps. What is decoded
    after damage is taken for damaged up to the next key frame.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._av = load_av()
        self._before: _Shown | None = None
        self._current: _Shown | None = None
        with reading(path, "the movie"):
            self._open()
            self._find_frames()
            self._rewind()
            self._look_at_first()

    def close(self) -> None:
        """Give the file back; frames can be read no more."""
        with self._lock:
            self._container.close()

    def _raster(self, number: int) -> Raster:
        with reading(self.path, f"frame {number + 1} of"):
            return self._reader.read(self._frame(number))

    # ---- what there is ---------------------------------------------------------------------------

    def _open(self) -> None:
        try:
            self._container = self._av.open(self.path)
        except self._av.error.InvalidDataError:
            raise InputError(
                f"Cannot read the movie {self.path}: it is damaged, cut short, or no movie."
            ) from None
        streams = self._container.streams
        cover = self._av.stream.Disposition.attached_pic
        pictures = [each for each in streams.video if not each.disposition & cover]
        if not pictures:
            found = ", ".join(sorted({each.type for each in streams})) or "nothing"
            raise InputError(f"Cannot read the movie {self.path}: it has no video, only {found}.")
        self._stream = pictures[0]
        self._stream.thread_type = "AUTO"
        self.has_sound = bool(streams.audio)

    def _find_frames(self) -> None:
        """Find when each frame appears, and which are key frames, from the packets."""
        stream = self._stream
        durations: dict[int, int] = {}  # of each frame, by the time at which it appears
        jumps: dict[int, int] = {}  # where to jump to for each key frame
        whole = 0
        for packet in self._packets():
            time = packet.dts if packet.pts is None else packet.pts
            if not packet.size or packet.is_corrupt or time is None:
                continue
            whole += 1
            if packet.is_keyframe:
                jumps[time] = time if packet.dts is None else min(time, packet.dts)
            if not packet.is_discard:
                durations[time] = packet.duration or 0
        if not durations:
            raise InputError(f"Cannot read the movie {self.path}: it has no frames.")
        self._ticks = sorted(durations)
        #: Of the key frames: the frame's number, and where to jump to.
        self._keys = [
            (bisect.bisect_left(self._ticks, time), jumps[time]) for time in sorted(jumps)
        ]
        assert stream.time_base is not None  # every container gives one
        self.time_base = stream.time_base
        start = Fraction(self._container.start_time or 0, self._av.time_base)
        seconds = [float(tick * self.time_base - start) for tick in self._ticks]
        last = float(durations[self._ticks[-1]] * self.time_base)
        if not last:
            last = float(1 / (stream.average_rate or 25))
        self.times, self.end = np.array(seconds), seconds[-1] + last
        if whole < stream.frames:
            there = f"{whole} of its {stream.frames} frames are there"
            self.damage = f"The movie {self.path} is cut short: {there}."

    def _look_at_first(self) -> None:
        """Find the size and the way up from the first frame that can be decoded."""
        frame = next((each.frame for each in self._decoder if each.frame is not None), None)
        if frame is None:
            raise InputError(f"Cannot read the movie {self.path}: no frame of it can be decoded.")
        self._reader = FrameReader(frame)
        self.shape = (len(self.times), *self._reader.shape, 3)
        aspect = Fraction(self._stream.sample_aspect_ratio or 1)
        self.pixel_aspect = 1 / aspect if self._reader.transposes else aspect
        self._rewind()

    # ---- frames ----------------------------------------------------------------------------------

    def _frame(self, number: int) -> Any:
        """Decode up to a frame and return it."""
        if not self._is_near(number):
            self._jump(number)
        while self._current is None or self._current.number < number:
            self._before, self._current = self._current, next(self._decoder)
        if self._current.number == number:
            frame = self._current.frame
        elif self._before is None or self._current.torn:
            frame = None
        else:  # it has no picture of its own: as in a player, the one before stays
            frame = self._before.frame
        if frame is None:
            raise InputError(f"Cannot read frame {number + 1} of {self.path}: it is damaged.")
        return frame

    def _is_near(self, number: int) -> bool:
        """Return whether the decoder is at a frame, or comes to it soonest by going on."""
        current = -1 if self._current is None else self._current.number
        if current >= number:
            before = number if self._before is None else self._before.number
            return current == number or before < number
        place = self._key_before(number)
        return place < 0 or self._keys[place][0] <= current + 1

    def _key_before(self, number: int) -> int:
        """Return the place among the key frames of the last one up to a frame; -1 for none."""
        return bisect.bisect_right(self._keys, number, key=lambda key: key[0]) - 1

    def _jump(self, number: int) -> None:
        """Go to a key frame before a frame, or to the start."""
        place = self._key_before(number)
        for _, time in reversed(self._keys[max(0, place - 1) : place + 1]):
            try:
                self._container.seek(time, stream=self._stream)
            except self._av.error.FFmpegError:
                break
            self._decoder = self._decode(begun=False)
            self._before, self._current = None, next(self._decoder)
            if self._current.number <= number:
                return
        self._rewind()

    def _rewind(self) -> None:
        """Go to the start; by opening the file anew, since not every format can be jumped in."""
        self._container.close()
        self._open()
        self._decoder = self._decode(begun=True)
        self._before = self._current = None

    def _decode(self, *, begun: bool) -> Iterator[_Shown]:
        """Decode from here on; where it has not `begun`, from the next key frame on."""
        number, broken, torn = -1, False, False
        for packet in self._packets():
            try:
                frames = packet.decode()
            except self._av.error.FFmpegError:
                broken = torn = True
                continue
            for frame in frames:
                begun = begun or frame.key_frame
                if not begun:
                    continue
                number = self._number(frame.pts, number)
                broken = frame.is_corrupt or (broken and not frame.key_frame)
                yield _Shown(number, None if broken else frame, torn)
                torn = False
        yield _Shown(len(self), None, torn)

    def _packets(self) -> Iterator[Any]:
        """Read the packets, as far as the file can be read."""
        try:
            yield from self._container.demux(self._stream)
        except self._av.error.FFmpegError:
            return

    def _number(self, time: int | None, before: int) -> int:
        """Return a frame's number by its time, or by the one before it where it has none."""
        return before + 1 if time is None else bisect.bisect_right(self._ticks, time) - 1
