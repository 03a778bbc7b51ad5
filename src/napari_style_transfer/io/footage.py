"""The frames of a movie that are painted, and when each is shown. Loads no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.clip import Clip
from napari_style_transfer.io.movies import Movie, open_movie

#: Seconds that two times may differ by and be the same.
_SAME = 1e-6


@dataclass(frozen=True, eq=False)
class Footage:
    """The frames of a movie that are painted.

    Attributes
    ----------
    movie
        The movie.
    clip
        What is wanted of it.
    frames
        The numbers of the frames.
    """

    movie: Movie
    clip: Clip
    frames: tuple[int, ...]

    @classmethod
    def of(cls, source: Any, clip: Clip | None = None) -> Footage:
        """Open a movie and choose its frames.

        Raises
        ------
        InputError
            If it cannot be opened, or there is no such frame.
        """
        movie, clip = open_movie(source), clip or Clip()
        stop = float("inf") if clip.stop is None else clip.stop
        within = [
            number
            for number, second in enumerate(movie.times)
            if clip.start - _SAME <= second < stop - _SAME
        ]
        if not within:
            to = "" if clip.stop is None else f" to {clip.stop:g}"
            raise InputError(
                f"{source} has no frame from {clip.start:g}{to} s; its frames appear from "
                f"{movie.times[0]:.3f} to {movie.times[-1]:.3f} s."
            )
        return cls(movie, clip, tuple(within[:: clip.every]))

    @property
    def start(self) -> float:
        """The second of the movie that is the second 0 of the result."""
        return float(self.movie.times[self.frames[0]]) if self.clip.start else 0.0

    def timing(self, places: Sequence[int] | None = None) -> dict[str, Any]:
        """Return what :func:`~napari_style_transfer.io.movies.save_movie` is to know of some frames.

        Parameters
        ----------
        places
            Their places among `frames`, ascending; all where None.
        """
        places = range(len(self.frames)) if places is None else places
        movie, clip = self.movie, self.clip
        common: dict[str, Any] = {"pixel_aspect": movie.pixel_aspect}
        if clip.rate is not None:
            times = [place / clip.rate for place in places]
            return common | {"times": times, "end": len(self.frames) / clip.rate}
        after = self.frames[-1] + clip.every
        end = float(movie.times[after]) if after < len(movie) else movie.end
        if clip.stop is not None:
            end = min(end, clip.stop)
        return common | {
            "times": [float(movie.times[self.frames[place]]) - self.start for place in places],
            "end": end - self.start,
            "sound": movie.path if movie.has_sound else None,
            "sound_start": self.start,
            "time_base": movie.time_base,
        }
