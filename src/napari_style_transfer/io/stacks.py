"""The pages of a stack in files: a folder, a glob pattern, a movie or a TIFF of several pages."""

from __future__ import annotations

import functools
import glob
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from napari_style_transfer.errors import InputError, StyleTransferError
from napari_style_transfer.io import tiff
from napari_style_transfer.io.clip import Clip
from napari_style_transfer.io.decode import decode
from napari_style_transfer.io.footage import Footage
from napari_style_transfer.io.movies import is_movie
from napari_style_transfer.io.names import SUFFIXES, TIFF_SUFFIXES
from napari_style_transfer.io.pictures import (
    Colours,
    ValueRange,
    full_scale,
    has_full_scale,
    hint_of,
    picture_of,
    split_alpha,
)
from napari_style_transfer.io.raster import Raster, reading

#: What is taken for a picture in a folder.
_PICTURES = {*SUFFIXES, ".bmp", ".gif", ".jp2", ".pbm", ".pgm", ".ppm", ".tga", ".webp"}


@dataclass(frozen=True)
class Page:
    """One slice of a stack on disk.

    Attributes
    ----------
    source
        The file that it is in.
    label
        What to call it in messages.
    name
        The name of the file that it is painted to, within a folder.
    read
        Reads it.
    """

    source: Path
    label: str
    name: str
    read: Callable[[], Raster]


class Pages(Sequence[Colours]):
    """The slices of a stack on disk, each read when it is asked for.

    An item is (H, W, 3) or, with opacity, (H, W, 4), float32 in [0, 1], sRGB, as from
    :func:`~napari_style_transfer.read_picture`. Pages may differ in shape.

    All pages share one range of values. It is that of their type for bool, unsigned 8-bit and 16-bit
    integers and floating point. For signed integers and those of 32 and 64 bits it is 0..255 if no page
    has a greater value, else 0..65535; so when the first such page is asked for, all are looked at.

    Parameters
    ----------
    pages
        Where they come from.
    value_range
        The values that become 0 and 1, in place of all that.
    footage
        The frames that they are, if they are from a movie.
    """

    def __init__(
        self,
        pages: Sequence[Page],
        value_range: ValueRange | None = None,
        footage: Footage | None = None,
    ) -> None:
        self.pages = pages
        self.footage = footage
        self._value_range = value_range

    @property
    def noun(self) -> str:
        """What one of them is called: page, or frame of a movie."""
        return "page" if self.footage is None else "frame"

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.pages)

    def __getitem__(self, position: Any) -> Any:
        """Read one page, or several for a slice."""
        if isinstance(position, slice):
            return Pages(self.pages[position], self._value_range)
        page = self.pages[position]
        raster = page.read()
        if self._value_range is None and _is_vague(raster):
            raster = replace(raster, full=self._full)
        return picture_of(raster, self._value_range, page.label)

    def alpha(self, position: int) -> Colours | None:
        """Read the opacity of one page, (H, W) in [0, 1]; None if it is opaque."""
        return split_alpha(self[position])[1]

    def range_hint(self) -> str | None:
        """Return :func:`~napari_style_transfer.io.pictures.range_hint` for the first page."""
        return hint_of(self.pages[0].read(), self.pages[0].label)

    @functools.cached_property
    def _full(self) -> int:
        """Full intensity of those pages whose type does not say it."""
        return max(filter(None, map(_full_of, self.pages)), default=255)


def read_stack(
    source: str | os.PathLike[str],
    *,
    value_range: ValueRange | None = None,
    clip: Clip | None = None,
) -> Pages:
    """Find the pages of a stack; each is read when it is asked for.

    Parameters
    ----------
    source
        A folder, whose pictures are taken in the natural order of their names (page 2 before page
        10), a glob pattern, a TIFF, a movie, or an animated GIF, WebP or PNG. Reduced copies, thumbnails
        and masks in a TIFF are no pages.
    value_range
        The values that become 0 and 1; where None, see
        :class:`~napari_style_transfer.io.stacks.Pages` for the rule.
    clip
        Which frames of a movie; all where None.

    Returns
    -------
    Pages
        A sequence of pictures, as from :func:`~napari_style_transfer.read_picture`.

    Raises
    ------
    InputError
        If there is nothing to read; for a page that cannot be read, when it is asked for.
    """
    source = os.fspath(source)
    path = Path(source)
    if _exists(path, Path.is_file):
        if not is_movie(path):
            return Pages(_tiff_pages(path), value_range)
        footage = Footage.of(path, clip)
        return Pages(_movie_pages(footage), value_range, footage)
    if _exists(path, Path.is_dir):
        found = [
            each
            for each in path.iterdir()
            if each.suffix.lower() in _PICTURES and not each.name.startswith(".") and each.is_file()
        ]
        nothing = f"The folder {source} holds no pictures."
    else:
        found = _matches(source)
        nothing = f"No file matches {source}."
    if not found:
        raise InputError(nothing)
    return Pages(_file_pages(sorted(found, key=natural_key)), value_range)


def is_stack(source: str) -> bool:
    """Return whether `source` is a folder, a glob pattern, a movie, or a TIFF of several pages."""
    path = Path(source)
    if not _exists(path, Path.is_file):
        return _exists(path, Path.is_dir) or glob.has_magic(source)
    if is_movie(path):
        return True
    if path.suffix.lower() not in TIFF_SUFFIXES:
        return False
    try:
        return len(_tiff_pages(path)) > 1
    except tiff.CutShort as error:
        return error.pages > 1
    except InputError:
        return False


def natural_key(path: Path) -> list[tuple[int, int, str]]:
    """Return a sorting key by which ``page 2`` comes before ``page 10``."""
    parts = re.split(r"(\d+)", str(path))
    key = [(0, int(part), "") if part.isdecimal() else (1, 0, part.casefold()) for part in parts]
    return [*key, (2, 0, str(path))]


def _exists(path: Path, kind: Callable[[Path], bool]) -> bool:
    """Return whether there is such a path; one with an impossible name is not there."""
    try:
        return kind(path)
    except (OSError, ValueError):
        return False


def _matches(pattern: str) -> list[Path]:
    try:
        found = map(Path, glob.glob(pattern, recursive=True))
        return [path for path in found if path.is_file()]
    except (OSError, ValueError, re.error):
        return []


def _is_vague(raster: Raster) -> bool:
    """Return whether a page's type says nothing of its range."""
    kind = raster.values.dtype
    return raster.full is None and kind.kind in "iu" and not has_full_scale(kind)


def _full_of(page: Page) -> int | None:
    """Return the full intensity that a page of a vague type asks for; None for other pages."""
    try:
        raster = page.read()
    except StyleTransferError:  # said when it is its turn
        return None
    if not _is_vague(raster) or not raster.values.size:
        return None
    return full_scale(raster.values.dtype, float(raster.values.max()))


def _file_pages(paths: list[Path]) -> list[Page]:
    pages = []
    taken: dict[str, Path] = {}
    for path in paths:
        suffix = path.suffix if path.suffix.lower() in SUFFIXES else ".png"
        name = path.stem + suffix
        other = taken.setdefault(name.casefold(), path)
        if other is not path:
            raise InputError(f"{other} and {path} would both be painted to {name}; rename one.")
        pages.append(Page(path, str(path), name, partial(decode, path)))
    return pages


def _tiff_pages(path: Path) -> list[Page]:
    """Return the pages of a TIFF, or the planes of one that holds them all as one page."""
    try:
        with reading(path), tifffile.TiffFile(path) as file:
            readers: list[Callable[[], Raster]] = [
                partial(_read_page, path, position, number)
                for number, position in enumerate(tiff.pages(file, path), start=1)
            ]
            series = file.series[0] if len(readers) == 1 and len(file.pages) == 1 else None
            shape = file.pages.first.shape
            # ImageJ writes stacks of more than 4 GB so.
            if series is not None and series.shape != shape and series.dataoffset is not None:
                count = len(_planes(path, shape))
                readers = [partial(_plane, path, shape, place) for place in range(count)]
    except tiff.CutShort:
        raise
    except InputError as error:
        if "damaged" not in str(error):
            raise
        raise InputError(f"Cannot read {path}: it is damaged or no TIFF.") from None
    digits = len(str(len(readers)))
    return [
        Page(path, f"Page {number} of {path}", f"{path.stem}-{number:0{digits}}.png", read)
        for number, read in enumerate(readers, start=1)
    ]


def _movie_pages(footage: Footage) -> list[Page]:
    movie = footage.movie
    digits = len(str(len(movie)))
    return [
        Page(
            movie.path,
            f"Frame {number + 1} of {movie.path}",
            f"{movie.path.stem}-{number + 1:0{digits}}.png",
            partial(movie.raster, number),
        )
        for number in footage.frames
    ]


def _read_page(path: Path, position: int, number: int) -> Raster:
    """Read the page at a place of the chain, the `number`-th in messages."""
    with reading(path, f"page {number} of"):
        return tiff.read(path, position)


def _planes(path: Path, shape: tuple[int, ...]) -> Any:
    """Map the planes of a TIFF, each of some shape, into memory."""
    return tifffile.memmap(path, mode="r").reshape(-1, *shape)


def _plane(path: Path, shape: tuple[int, ...], place: int) -> Raster:
    """Read a plane of a memory map."""
    array = np.array(_planes(path, shape)[place])
    return Raster(array, "grey" if array.ndim == 2 else "rgb")
