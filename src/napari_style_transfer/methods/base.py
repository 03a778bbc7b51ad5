"""What every method takes and gives: a request and controls in, steps out. Loads no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from napari_style_transfer.progress import Picture, Step
from napari_style_transfer.settings import Settings
from napari_style_transfer.spec import ImageSource, Regions, Style, styles_of
from napari_style_transfer.steering import Steering

#: One style or several.
StyleSource = ImageSource | Style | Sequence[ImageSource | Style]


@dataclass(frozen=True, eq=False)
class Request:
    """What is asked for.

    Attributes
    ----------
    content
        What to paint: an array or a path, as :func:`~napari_style_transfer.stylize` takes it.
    styles
        The styles, at least one of them with a share.
    settings
        The parameters.
    init
        A picture to start from; what `settings.start` says if None.
    init_mask
        (h, w) float32 in [0, 1]: how much of the start is `init`, and not what `settings.start` says;
        all of it if None. Of the rest, `init` gives the fine strokes only.
    init_weights
        (h, w) float32, at least 0: how firmly each pixel is held to `init`; not at all if None.
    regions
        Where each style goes; everywhere if None.
    references
        Pictures of the scene that the content belongs to: their colours and statistics serve for all of
        it. The content's own where there are none.
    bits
        Of each value of the last step's picture: 8 for uint8, 16 for uint16.
    """

    content: ImageSource
    styles: tuple[Style, ...]
    settings: Settings = field(default_factory=Settings)
    init: ImageSource | None = None
    init_mask: npt.NDArray[np.float32] | None = None
    init_weights: npt.NDArray[np.float32] | None = None
    regions: Regions | None = None
    references: tuple[ImageSource, ...] = ()
    bits: Literal[8, 16] = 8

    @classmethod
    def of(cls, content: ImageSource, style: StyleSource, **fields: Any) -> Request:
        """Return the request for one style or several; raises InputError if none has a share."""
        return cls(content, styles_of(style), **fields)

    def replace(self, **changes: Any) -> Request:
        """Return a copy with some fields changed."""
        return replace(self, **changes)


def _never() -> bool:
    return False


@dataclass(frozen=True, eq=False)
class Controls:
    """What acts on a run while it is on.

    Attributes
    ----------
    steering
        Changes settings, styles and regions, and pauses.
    stop
        Asked after each evaluation; once it answers true, the next step is the last.
    preview_interval
        Seconds, at least, between steps that carry a picture; infinite for none but the last.
    """

    steering: Steering = field(default_factory=Steering)
    stop: Callable[[], bool] = _never
    preview_interval: float = 0.3


@dataclass(frozen=True, eq=False)
class Neighbour:
    """A slice before, from which the next one may take something over.

    Attributes
    ----------
    content
        Reads it: (H, W), or (H, W, 1 | 3 | 4).
    picture
        (h, w, 3) uint8 or uint16, its result.
    """

    content: Callable[[], Any]
    picture: Picture


class Method(Protocol):
    """A way from a request to pictures.

    An instance keeps what its runs share, such as the network; use one for many runs.
    """

    def run(self, request: Request, controls: Controls) -> Iterator[Step]:
        """Check the request at the call, and paint as the result is iterated over.

        Raises
        ------
        ContentError
            If the content cannot be painted.
        InputError
            If another picture or a parameter cannot be used.
        """
        ...

    def following(
        self, request: Request, neighbour: Neighbour, anchors: Sequence[Neighbour] = ()
    ) -> Request:
        """Return the request for a slice whose neighbour has its result.

        Parameters
        ----------
        request
            What is asked for.
        neighbour
            The slice before.
        anchors
            Slices of the same scene long before it, the latest first; for steady slices.

        Raises
        ------
        InputError
            If one of the two contents cannot be used.
        """
        ...

    def evaluations(self, request: Request, follows: bool = False) -> int:
        """Return how many evaluations a run takes at most.

        Parameters
        ----------
        request
            What is asked for; its content need not be there yet.
        follows
            Whether the slice will follow a neighbour; then about how many, as this depends on both
            contents.
        """
        ...
