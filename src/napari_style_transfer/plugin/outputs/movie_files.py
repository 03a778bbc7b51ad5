"""Stacks as movies: painted ones with their recipe beside them, others as they are shown."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.movies import save_movie
from napari_style_transfer.io.names import check_movie_output
from napari_style_transfer.plugin.inputs.movies import MovieNote
from napari_style_transfer.plugin.inputs.snapshot import shown_as
from napari_style_transfer.plugin.outputs.files import Painted, describe, is_painted
from napari_style_transfer.progress import Picture
from napari_style_transfer.recipe import saving_recipe
from napari_style_transfer.stack.base import rgba

#: What of a layer's attributes says how its values are shown.
_LOOK = ("name", "rgb", "multiscale", "contrast_limits", "gamma", "colormap")


def write_movie(path: str, data: Any, attributes: Mapping[str, Any]) -> list[str]:
    """Write an image layer of pictures along one axis as a movie; an npe2 writer.

    A layer that was painted is written as it was painted, of its slices those that are done, and its
    recipe beside it. Others are written as they are shown, with their contrast limits and colormap, along
    the first of their axes. Times, sound and the shape of a pixel are those of the movie that the layer
    came from, where it knows one; otherwise there are 25 pictures a second.

    Parameters
    ----------
    path
        Ends in the suffix of a movie that can be written.
    data
        The layer's data.
    attributes
        The layer's attributes, with its metadata.

    Returns
    -------
    list of str
        The files written.

    Raises
    ------
    InputError
        If a file cannot be written, the recipe would replace another, or the pictures lie along several
        axes.
    """
    movie = check_movie_output(path)
    metadata = attributes.get("metadata", {})
    if not is_painted(metadata):
        shown = _Shown(data, attributes)
        place = _axis(shown.leading, movie)
        length = shown.leading[place] if shown.leading else 1
        _save(movie, shown.pictures(), range(length), length, metadata)
        return [str(movie)]
    painted = Painted.of(data, metadata)
    leading = painted.array.shape[:-3]
    indices = [index for index in np.ndindex(*leading) if index not in painted.missing]
    if not indices:
        raise InputError(f"Cannot write {movie}: no slice of this layer is painted yet.")
    place = _axis([len({*places}) for places in zip(*indices, strict=True)], movie)
    numbers = [index[place] for index in indices] if leading else range(1)
    colours = 3 if painted.is_opaque() else 4
    pictures = (
        picture[..., :colours]
        for index, picture in painted.pictures()
        if index not in painted.missing
    )
    with saving_recipe(movie, describe(painted, data, attributes)) as side:
        _save(movie, pictures, numbers, leading[place] if leading else 1, metadata)
    return [str(movie), str(side)]


class _Shown:
    """The slices of a layer that was not painted, as it is shown: in its colours and contrast.

    Parameters
    ----------
    data, attributes
        As the writer gets them.

    Attributes
    ----------
    leading
        Lengths of the axes before those of the pictures.
    """

    def __init__(self, data: Any, attributes: Mapping[str, Any]) -> None:
        from napari.layers import Image

        kept = {name: attributes[name] for name in _LOOK if name in attributes}
        layer = Image(data, **kept)
        self._data = layer.data[0] if layer.multiscale else layer.data
        self._has_opacity = layer.rgb and self._data.shape[-1] == 4
        self._appearance = shown_as(layer, None)
        shape = self._data.shape
        self.leading = tuple(int(n) for n in shape[: -3 if layer.rgb else -2])

    def pictures(self) -> Iterator[Picture]:
        """Return each picture, (H, W, 3) or where the layer has opacity (H, W, 4)."""
        for index in np.ndindex(*self.leading):
            picture = replace(self._appearance, values=self._data[index]).pixels()
            if not self._has_opacity:
                yield picture[..., :3]
            else:
                yield picture if picture.shape[-1] == 4 else rgba(picture, None)


def _axis(lengths: Sequence[int], movie: Path) -> int:
    """Return the axis along which there are several pictures; the first if there is none."""
    several = [axis for axis, length in enumerate(lengths) if length > 1]
    if len(several) > 1:
        counts = " x ".join(str(lengths[axis]) for axis in several)
        raise InputError(
            f"Cannot write {movie.name}: a movie runs along one axis, and this layer has {counts} "
            "pictures; save it as a TIFF."
        )
    return several[0] if several else 0


def _save(
    movie: Path,
    pictures: Iterable[Picture],
    numbers: Sequence[int],
    length: int,
    metadata: Mapping[str, Any],
) -> None:
    """Write pictures that are the frames `numbers` of a layer of `length`."""
    note = MovieNote.of_metadata(metadata)
    if note is None or len(note.times) != length:
        save_movie(movie, pictures, rate=None if note is None else note.rate)
        return
    times, last = [note.times[number] for number in numbers], numbers[-1] + 1
    end = note.times[last] if last < length else note.end
    sound = Path(note.path) if note.has_sound and os.path.isfile(note.path) else None
    save_movie(
        movie,
        pictures,
        times=[time - times[0] for time in times],
        end=end - times[0],
        sound=sound,
        sound_start=times[0],
        pixel_aspect=Fraction(note.pixel_aspect),
        time_base=Fraction(note.time_base),
    )
