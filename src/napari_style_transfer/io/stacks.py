"""The pages of a stack in files: a folder, a glob pattern or a TIFF of several pages."""

from __future__ import annotations

import glob
import logging
import re
import struct
import warnings
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image, UnidentifiedImageError

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.pictures import SUFFIXES, load_image, pixels_of

TIFF_SUFFIXES = (".tif", ".tiff")
#: What is taken for a picture in a folder.
_PICTURES = {*SUFFIXES, ".bmp", ".gif", ".jp2", ".pbm", ".pgm", ".ppm", ".tga", ".webp"}
#: What reading a damaged file raises, in Pillow and in tifffile.
_DAMAGED = (
    OSError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error, zlib.error,
    tifffile.TiffFileError, Image.DecompressionBombError,
)  # fmt: skip


# What is wrong with a file is said in an exception, not on standard error as well.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


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
        Reads it: (H, W), or (H, W, 3 | 4).
    """

    source: Path
    label: str
    name: str
    read: Callable[[], npt.NDArray[Any]]


class Pages(Sequence[npt.NDArray[Any]]):
    """The slices of a stack on disk, each read when it is asked for.

    Attributes
    ----------
    pages
        Where they come from.
    """

    def __init__(self, pages: Sequence[Page]) -> None:
        self.pages = pages

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.pages)

    def __getitem__(self, position: Any) -> Any:
        """Read one page."""
        return self.pages[position].read()


def is_stack(source: str) -> bool:
    """Return whether `source` is a folder, a glob pattern, or a TIFF of several pages."""
    path = Path(source)
    if not path.is_file():
        return path.is_dir() or glob.has_magic(source)
    if path.suffix.lower() not in TIFF_SUFFIXES:
        return False
    try:
        return len(_tiff_pages(path)) > 1
    except _CutShort as error:
        return error.pages > 1
    except InputError:
        return False


def open_pages(source: str) -> Pages:
    """Find the pages of a stack; they are read later.

    Parameters
    ----------
    source
        A folder, whose pictures are taken in the natural order of their names (page 2 before page
        10), a glob pattern, or a TIFF.

    Raises
    ------
    InputError
        If there is nothing to paint.
    """
    path = Path(source)
    if path.is_file():
        return Pages(_tiff_pages(path))
    if path.is_dir():
        found = [
            each
            for each in path.iterdir()
            if each.suffix.lower() in _PICTURES and not each.name.startswith(".") and each.is_file()
        ]
        nothing = f"The folder {source} holds no pictures."
    else:
        found = [Path(each) for each in glob.glob(source, recursive=True) if Path(each).is_file()]
        nothing = f"No file matches {source}."
    if not found:
        raise InputError(nothing)
    return Pages(_file_pages(sorted(found, key=natural_key)))


def natural_key(path: Path) -> list[tuple[int, int, str]]:
    """Return a sorting key by which ``page 2`` comes before ``page 10``."""
    parts = re.split(r"(\d+)", str(path))
    key = [(0, int(part), "") if part.isdecimal() else (1, 0, part.casefold()) for part in parts]
    return [*key, (2, 0, str(path))]


def _file_pages(paths: list[Path]) -> list[Page]:
    pages = []
    taken: dict[str, Path] = {}
    for path in paths:
        suffix = path.suffix if path.suffix.lower() in SUFFIXES else ".png"
        name = path.stem + suffix
        other = taken.setdefault(name.casefold(), path)
        if other is not path:
            raise InputError(f"{other} and {path} would both be painted to {name}; rename one.")
        pages.append(Page(path, str(path), name, partial(load_image, path)))
    return pages


class _CutShort(InputError):
    """A TIFF whose end is missing."""

    def __init__(self, path: Path, pages: int) -> None:
        super().__init__(f"Cannot read {path}: it is cut short after page {pages}.")
        self.pages = pages


def _tiff_pages(path: Path) -> list[Page]:
    """Return the pages of a TIFF, or the planes of one that holds them all as one page."""
    try:
        with tifffile.TiffFile(path) as file:
            readers = [partial(_read_page, path, i) for i in range(_count_pages(file, path))]
            series = file.series[0] if len(readers) == 1 else None
            shape = file.pages.first.shape
        # ImageJ writes stacks of more than 4 GB so.
        if series is not None and series.shape != shape and series.dataoffset is not None:
            planes = tifffile.memmap(path, mode="r").reshape(-1, *shape)
            readers = [partial(np.array, plane) for plane in planes]
    except InputError:
        raise
    except _DAMAGED:
        raise InputError(f"Cannot read {path}: it is damaged or no TIFF.") from None
    digits = len(str(len(readers)))
    return [
        Page(path, f"Page {number} of {path}", f"{path.stem}-{number:0{digits}}.png", read)
        for number, read in enumerate(readers, start=1)
    ]


def _count_pages(file: tifffile.TiffFile, path: Path) -> int:
    """Follow the chain of pages to its end; tifffile is content with where it breaks off."""
    handle, tiff = file.filehandle, file.tiff

    def read(place: int, size: int, form: str) -> int:
        handle.seek(place)
        return int(struct.unpack(form, handle.read(size))[0])

    offset = read(tiff.offsetsize, tiff.offsetsize, tiff.offsetformat)
    seen: set[int] = set()
    while offset and offset not in seen:
        try:
            tags = read(offset, tiff.tagnosize, tiff.tagnoformat)
            after = offset + tiff.tagnosize + tags * tiff.tagsize
            following = read(after, tiff.offsetsize, tiff.offsetformat)
        except struct.error:
            if not seen:
                raise
            raise _CutShort(path, len(seen)) from None
        seen.add(offset)
        offset = following
    return len(seen)


def _read_page(path: Path, index: int) -> npt.NDArray[Any]:
    """Read a page as :func:`load_image` reads a picture."""
    try:
        try:
            with warnings.catch_warnings(), Image.open(path) as image:
                warnings.simplefilter("ignore")  # of tags that do not matter here
                image.seek(index)
                return pixels_of(image)
        except (UnidentifiedImageError, SyntaxError):  # a type that Pillow does not know
            with tifffile.TiffFile(path) as file:
                page = file.pages[index]
                array = np.asarray(page.asarray())
                return np.moveaxis(array, 0, -1) if page.axes == "SYX" else array
    except _DAMAGED:
        raise InputError(f"Cannot read page {index + 1} of {path}: it is damaged.") from None
