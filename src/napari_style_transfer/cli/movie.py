"""What the command does with a movie beside painting its pages: look at it before, and write it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from napari_style_transfer.cli.report import complain
from napari_style_transfer.errors import InputError
from napari_style_transfer.geometry import result_shape
from napari_style_transfer.io.clip import Clip
from napari_style_transfer.io.decode import size_of
from napari_style_transfer.io.movies import save_movie
from napari_style_transfer.io.names import ANIMATION_SUFFIXES
from napari_style_transfer.io.stacks import Pages
from napari_style_transfer.io.timing import even, spans
from napari_style_transfer.methods.base import Method
from napari_style_transfer.settings import Settings
from napari_style_transfer.stack.folder import FolderResult

#: Frames per second of pictures that are no movie.
_RATE = 25.0


def check_movie(
    output: Path, pages: Pages, clip: Clip | None, settings: Settings, method: Method | None
) -> None:
    """Refuse what would make no movie, before anything is painted.

    Raises
    ------
    InputError
        If the format cannot show pictures so fast, or the painted pictures would differ in size.
    """
    timing = _timing(output, pages, clip, range(len(pages)))
    if "times" in timing:
        spans(output, timing["times"], timing["end"])
    else:
        even(output, timing["rate"])
    if pages.footage is not None:
        if pages.footage.movie.has_sound and not timing.get("sound"):
            complain(f"The sound is left out: {_why_silent(output)}.")
        return
    sources = list(dict.fromkeys(page.source for page in pages.pages))
    own_size = getattr(method, "own_size", False)
    first: tuple[int, int] | None = None
    for source in sources if len(sources) > 1 else []:
        if (shape := size_of(source)) is None:
            continue  # it is said when its turn comes
        shape = shape if own_size else result_shape(shape, settings.size)
        first = first or shape
        if shape != first:
            raise InputError(
                f"The pictures of a movie have one size, and {source} differs from {sources[0]}; make them "
                "alike, or name a folder for the output."
            )


def write_movie(
    output: Path,
    result: FolderResult,
    pages: Pages,
    clip: Clip | None,
    stop: threading.Event,
) -> None:
    """Write the pages that are done as a movie.

    Raises
    ------
    InputError
        If it cannot be written.
    KeyboardInterrupt
        If it was stopped.
    """
    places = sorted(place for (place,) in result.done)
    timing = _timing(output, pages, clip, places)
    if not save_movie(output, result.pictures(), **timing, stop=stop.is_set):
        raise KeyboardInterrupt


def _timing(output: Path, pages: Pages, clip: Clip | None, places: Any) -> dict[str, Any]:
    """Return when the pages at some places are shown, and what sound goes along."""
    if pages.footage is None:
        rate = _RATE if clip is None or clip.rate is None else clip.rate
        return {"rate": rate}
    timing = pages.footage.timing(places)
    if output.suffix.lower() in ANIMATION_SUFFIXES:
        timing["sound"] = None
    return timing


def _why_silent(output: Path) -> str:
    if output.suffix.lower() in ANIMATION_SUFFIXES:
        return f"a {output.suffix[1:].upper()} has none"
    return "at another rate it would not fit the pictures"
