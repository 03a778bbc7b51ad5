"""Movies as layers: decoded where one looks; and what a layer knows of the movie that it came from."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.movies import Movie, is_movie, open_movie
from napari_style_transfer.progress import Picture

if TYPE_CHECKING:
    from napari.layers import Layer

LayerData = tuple[Any, dict[str, Any], str]

#: Key under which the metadata of a layer hold its :class:`MovieNote`.
MOVIE_KEY = "napari_style_transfer_movie"
#: Frames that are decoded at once where one goes backwards, because each costs a jump to a key frame.
_BEHIND = 16
#: Bytes of decoded frames that are kept for each movie.
_KEPT = 2**27


class MovieNote(BaseModel):
    """The movie that a layer came from, kept with the layer and with what is painted from it.

    Attributes
    ----------
    path
        The file.
    times
        The second at which each frame appears.
    end
        The second at which the last frame goes.
    rate
        Frames per second, on average.
    has_sound
        Whether the file has a track of sound.
    pixel_aspect
        Width of a pixel relative to its height, as a fraction.
    time_base
        The file's unit of time in seconds, as a fraction.
    """

    model_config = ConfigDict(frozen=True)

    path: str
    times: tuple[float, ...]
    end: float
    rate: float
    has_sound: bool = False
    pixel_aspect: str = "1"
    time_base: str

    @classmethod
    def of_movie(cls, movie: Movie) -> MovieNote:
        """Return the note on a movie that is open."""
        return cls(
            path=str(movie.path.absolute()),
            times=tuple(movie.times.tolist()),
            end=movie.end,
            rate=movie.rate,
            has_sound=movie.has_sound,
            pixel_aspect=str(movie.pixel_aspect),
            time_base=str(movie.time_base),
        )

    @classmethod
    def of_metadata(cls, metadata: Mapping[str, Any]) -> MovieNote | None:
        """Return the note among the metadata of a layer, or None if there is none."""
        try:
            return cls.model_validate(metadata[MOVIE_KEY])
        except (KeyError, ValidationError):
            return None


def kept_of_movie(layer: Layer) -> dict[str, Any]:
    """Return what the metadata of a result keep of the movie that its content came from, if any."""
    return {MOVIE_KEY: layer.metadata[MOVIE_KEY]} if MOVIE_KEY in layer.metadata else {}


def get_reader(path: str | Sequence[str]) -> Callable[[Any], list[LayerData]] | None:
    """Return a reader of movies and animated pictures; an npe2 reader.

    A GIF or WebP of one picture is left to others.
    """
    paths = [path] if isinstance(path, str) else path
    return _read if all(is_movie(each) for each in paths) else None


def movie_layer(path: Path) -> LayerData:
    """Return a layer of a movie: (t, y, x, 3) uint8, one chunk a frame, decoded when it is needed.

    Raises
    ------
    InputError
        If the movie cannot be opened.
    """
    movie = open_movie(path)
    if movie.damage:
        from napari.utils.notifications import show_warning

        show_warning(movie.damage)
    note = MovieNote.of_movie(movie)
    attributes: dict[str, Any] = {
        "name": path.stem,
        "rgb": True,
        "axis_labels": ("t", "y", "x"),
        "metadata": {MOVIE_KEY: note.model_dump(mode="json")},
    }
    if movie.pixel_aspect != 1:
        attributes["scale"] = (1, 1, float(movie.pixel_aspect))
    return Frames(movie).lazy(), attributes, "image"


def _read(path: str | Sequence[str]) -> list[LayerData]:
    paths = [path] if isinstance(path, str) else path
    return [movie_layer(Path(each)) for each in paths]


class Frames:
    """The frames of a movie as an array for dask, with those kept that were decoded last.

    Forwards, a movie decodes one frame after another. Backwards it would begin each time at the key
    frame before, so several are decoded at once.

    Parameters
    ----------
    movie
        The movie.
    """

    def __init__(self, movie: Movie) -> None:
        self._movie = movie
        self.shape, self.ndim, self.dtype = movie.shape, movie.ndim, movie.dtype
        self._most = max(1, _KEPT // max(1, int(np.prod(movie.shape[1:]))))
        self._kept: OrderedDict[int, Picture] = OrderedDict()
        self._last = -1
        self._lock = threading.Lock()

    def __getitem__(self, index: tuple[Any, ...]) -> npt.NDArray[np.uint8]:
        """Return part of a frame, as dask asks for its chunks."""
        place, within = index[0], index[1:]
        if not isinstance(place, slice):
            one: npt.NDArray[np.uint8] = self.frame(int(place))[within]
            return one
        part = range(*place.indices(self.shape[0]))
        frames: npt.NDArray[np.uint8] = np.stack([self.frame(number)[within] for number in part])
        return frames

    def frame(self, number: int) -> Picture:
        """Return an (H, W, 3) uint8 frame.

        Raises
        ------
        InputError
            If it is damaged.
        """
        with self._lock:
            if number not in self._kept:
                first = number
                if self._last - _BEHIND < number < self._last:
                    first = max(0, number + 1 - min(_BEHIND, self._most))
                for each in range(first, number):
                    try:
                        self._keep(each)
                    except InputError:  # that one is damaged, not the one asked for
                        continue
                self._keep(number)
            self._last = number
            self._kept.move_to_end(number)
            return self._kept[number]

    def lazy(self) -> Any:
        """Return them as a dask array, one chunk a frame."""
        import dask.array

        meta = np.empty((0,) * self.ndim, np.uint8)
        return dask.array.from_array(  # type: ignore[no-untyped-call]
            self,
            chunks=(1, *self.shape[1:]),
            name=False,
            asarray=False,
            inline_array=True,
            meta=meta,
        )

    def _keep(self, number: int) -> None:
        if number not in self._kept:
            self._kept[number] = self._movie[number]
        self._kept.move_to_end(number)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
