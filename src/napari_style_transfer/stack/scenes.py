"""The scenes of a stack whose first axis is time, and what a frame takes over from earlier ones."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from napari_style_transfer.errors import InputError
from napari_style_transfer.stack.plan import Index

#: Frames between two whose results serve as anchors.
_ANCHOR_EVERY = 16
#: Frames of a scene whose colours and statistics serve for all of it, at most.
_REFERENCES = 5


class Scenes:
    """The frames of a stack, divided where there are cuts.

    Parameters
    ----------
    scenes
        The frames of each scene in their order.
    """

    def __init__(self, scenes: Iterable[tuple[Index, ...]]) -> None:
        self._scenes: dict[Index, tuple[Index, ...]] = {}
        for scene in scenes:
            self._scenes |= dict.fromkeys(scene, scene)

    @classmethod
    def find(
        cls, indices: Iterable[Index], read: Callable[[Index], Any], stop: Callable[[], bool]
    ) -> Scenes:
        """Look at all frames for cuts.

        Parameters
        ----------
        indices
            The chosen slices. Those that differ in the first number only are the frames of one movie.
        read
            Reads a slice; raises InputError if it cannot be read.
        stop
            Asked before each slice is read; once it answers true, no more are looked at.
        """
        frames = sorted(indices, key=lambda index: (index[1:], index))
        movies = (tuple(movie) for _, movie in groupby(frames, key=lambda index: index[1:]))
        return cls(scene for movie in movies for scene in _divided(movie, read, stop))

    def earlier(self, index: Index) -> tuple[Index, ...]:
        """Return the frames of a frame's scene that come before it, the latest first."""
        scene = self._scenes[index]
        return scene[: scene.index(index)][::-1]

    def before(self, index: Index, painted: Collection[Index]) -> tuple[Index, ...]:
        """Return the frames whose results a frame takes over, as far as they are painted.

        The one before it comes first, then the anchors, the latest first: every sixteenth of the scene,
        and its first one. None for a scene's first frame.
        """
        scene = self._scenes[index]
        place = scene.index(index)
        neighbour = next((each for each in reversed(scene[:place]) if each in painted), None)
        if neighbour is None:
            return ()
        latest = (place - 1) // _ANCHOR_EVERY * _ANCHOR_EVERY
        anchors = (each for each in (scene[latest], scene[0]) if each in painted)
        return tuple(dict.fromkeys((neighbour, *anchors)))

    def references(self, index: Index) -> tuple[Index, ...]:
        """Return the frames whose colours and statistics serve for all of a frame's scene."""
        scene = self._scenes[index]
        places = np.linspace(0, len(scene) - 1, min(_REFERENCES, len(scene)))
        return tuple(scene[round(place)] for place in places)


def _divided(
    movie: Sequence[Index], read: Callable[[Index], Any], stop: Callable[[], bool]
) -> Iterator[tuple[Index, ...]]:
    """Yield the scenes of one movie."""
    from napari_style_transfer.engine.motion.scenes import change, find_cuts, thumbnail
    from napari_style_transfer.engine.tensors import to_tensor

    changes, last = list[float](), None
    for place, index in enumerate(movie):
        seen = None
        if not stop():
            with contextlib.suppress(InputError):  # it is said when it is its turn
                seen = thumbnail(to_tensor(read(index), "content"))
        if place:
            changes.append(change(seen, last))
        last = last if seen is None else seen
    cuts = find_cuts(changes)
    for start, end in zip(cuts, [*cuts[1:], len(movie)], strict=True):
        yield tuple(movie[start:end])
