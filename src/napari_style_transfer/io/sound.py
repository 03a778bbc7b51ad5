"""The sound of a movie, taken along to another: copied where the format takes it. Loads PyAV."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from napari_style_transfer.io.pyav import load_av
from napari_style_transfer.io.raster import reading

#: Sound that is copied as it is, by the suffix of the file; and in what the rest is encoded anew.
_COPIED = {
    ".mp4": {"aac", "mp3", "ac3", "eac3", "alac", "flac", "opus"},
    ".mov": {"aac", "mp3", "ac3", "eac3", "alac"},
    ".mkv": {"aac", "mp3", "ac3", "eac3", "alac", "flac", "opus", "vorbis", "dts", "truehd"},
    ".webm": {"opus", "vorbis"},
}
_COPIED[".m4v"] = _COPIED[".mp4"]
_PCM = {".mov", ".mkv"}


class Sound:
    """The tracks of sound of a file, as packets of another.

    Parameters
    ----------
    path
        Whose sound.
    output
        The container that is written; gets a stream for each track.
    suffix
        Of its file.
    start
        The second of the sound at the second 0 of the output.

    Raises
    ------
    InputError
        If the file cannot be read.
    """

    def __init__(self, path: Path, output: Any, suffix: str, start: float) -> None:
        self._av = load_av()
        with reading(path, "the sound of"):
            self._input = self._av.open(path)
        self._start = Fraction(start) + Fraction(self._input.start_time or 0, self._av.time_base)
        self._cut = start > 0
        tracks = self._input.streams.audio
        self._tracks = {each.index: self._track(each, output, suffix) for each in tracks}
        self._packets = self._read(tracks)
        self._next = next(self._packets, None)

    def until(self, end: float) -> Iterator[Any]:
        """Give the packets that begin before a second of the output."""
        while self._next is not None and self._next[0] < end:
            yield from self._tracks[self._next[1].stream_index](self._next[1])
            self._next = next(self._packets, None)

    def end(self) -> Iterator[Any]:
        """Give what encoders still hold, and close the file."""
        for track in self._tracks.values():
            yield from track(None)
        self._input.close()

    def _read(self, tracks: Any) -> Iterator[tuple[float, Any]]:
        """Read the packets from the start on, each with its second."""
        if not tracks:
            return
        try:
            if self._cut:
                self._input.seek(max(0, int(self._start * self._av.time_base)))
            for packet in self._input.demux(*tracks):
                if not packet.size or packet.pts is None:
                    continue
                second = float(packet.pts * packet.time_base - self._start)
                if second >= 0 or not self._cut:
                    yield second, packet
        except self._av.error.FFmpegError:
            return  # damaged from here on

    def _track(self, stream: Any, output: Any, suffix: str) -> Any:
        name = stream.codec_context.name
        if name in _COPIED[suffix] or (name.startswith("pcm_") and suffix in _PCM):
            return _Copy(output.add_stream_from_template(stream), self._start)
        return _Encoded(
            self._av, stream, output, "libopus" if suffix == ".webm" else "aac", self._start
        )


class _Copy:
    """A track that is copied."""

    def __init__(self, stream: Any, start: Fraction) -> None:
        self._stream, self._start = stream, start

    def __call__(self, packet: Any) -> list[Any]:
        """Return a packet of the input as one of the output; None at the end."""
        if packet is None:
            return []
        shift = round(self._start / packet.time_base)
        packet.pts -= shift
        packet.dts = packet.pts if packet.dts is None else packet.dts - shift
        packet.stream = self._stream
        return [packet]


class _Encoded:
    """A track that is decoded and encoded anew."""

    def __init__(self, av: Any, stream: Any, output: Any, codec: str, start: Fraction) -> None:
        self._av, self._start = av, start
        self._rate = 48_000
        self._stream = output.add_stream(codec, rate=self._rate)
        layout = stream.codec_context.layout
        self._stream.codec_context.layout = layout if layout.nb_channels <= 2 else "stereo"
        self._stream.codec_context.bit_rate = 192_000
        self._resampler: Any = None

    def __call__(self, packet: Any) -> list[Any]:
        """Return the packets that are ready after one of the input; None at the end."""
        context = self._stream.codec_context
        if self._resampler is None:
            if not context.is_open:
                context.open()
            self._resampler = self._av.AudioResampler(
                context.format, context.layout, self._rate, context.frame_size or None
            )
        if packet is None:
            frames = [*self._resampler.resample(None), None]
        else:
            try:
                decoded = packet.decode()
            except self._av.error.FFmpegError:
                return []
            frames = [ready for each in decoded for ready in self._resample(each)]
        return [ready for frame in frames for ready in self._stream.encode(frame)]

    def _resample(self, frame: Any) -> list[Any]:
        frame.pts = None if frame.pts is None else frame.pts - round(self._start / frame.time_base)
        return list(self._resampler.resample(frame))
