"""Names of files that are written: which can be. Loads nothing but the standard library."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.pyav import check_av

#: Suffixes that can be written; those whose format has transparency, and 16 bits; and several pages.
SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
DEEP_SUFFIXES = (".png", ".tif", ".tiff")
TIFF_SUFFIXES = (".tif", ".tiff")

#: Suffixes of movies that PyAV reads, of pictures that may be animated, and of movies that are written.
MOVIE_SUFFIXES = (
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mts", ".m2ts", ".wmv", ".ogv",
    ".3gp",
)  # fmt: skip
ANIMATION_SUFFIXES = (".gif", ".webp", ".apng", ".png")
MOVIE_OUTPUTS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".gif", ".webp", ".apng")

#: How long a file's name may be where the system does not say.
_NAME_LIMIT = 255


def check_output(path: str | os.PathLike[str], bits: Literal[8, 16] = 8) -> Path:
    """Return `path` if a picture can be written there, before any work is done.

    Parameters
    ----------
    path
        The file.
    bits
        Of each value.

    Raises
    ------
    InputError
        If its suffix names no format that is written, or none that has so many bits; if its name is
        impossible or too long; or if its folder is missing or read-only.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"Cannot write {path.name!r}: its name must end in {', '.join(SUFFIXES)}.")
    if bits == 16 and suffix not in DEEP_SUFFIXES:
        raise InputError(
            f"Cannot write {path.name!r}: JPEG has no 16 bits; choose {', '.join(DEEP_SUFFIXES)}."
        )
    check_name(path)
    if os.path.isdir(path):
        raise InputError(f"Cannot write {path}: it is a folder; give the name of a file.")
    check_folder(path)
    return path


def check_movie_output(path: str | os.PathLike[str]) -> Path:
    """Return `path` if a movie can be written there, before any work is done.

    Raises
    ------
    InputError
        If its suffix names no format that is written, PyAV is missing for it, its name is impossible or
        too long, or its folder is missing or read-only.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in MOVIE_OUTPUTS:
        raise InputError(
            f"Cannot write the movie {path.name!r}: its name must end in {', '.join(MOVIE_OUTPUTS)}."
        )
    check_name(path)
    if os.path.isdir(path):
        raise InputError(f"Cannot write {path}: it is a folder; give the name of a file.")
    check_folder(path)
    if suffix not in ANIMATION_SUFFIXES:
        check_av()
    return path


def check_folder(path: Path) -> None:
    """Raise :class:`InputError` if nothing can be written into the folder of `path`."""
    if not os.path.isdir(path.parent):
        raise InputError(f"Cannot write {path}: there is no folder {path.parent}.")
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"Cannot write into the folder {path.parent}.")


def check_name(path: Path) -> None:
    """Refuse a name that no file can have, before the work rather than after it.

    Raises
    ------
    InputError
        If the name has a null character, or is too long for the file system.
    """
    if "\0" in str(path):
        raise InputError(f"Cannot write {str(path)!r}: a name cannot have a null character.")
    limit, length = name_limit(path.parent), name_length(path.name)
    if length > limit:
        raise InputError(
            f"Cannot write {path}: its name has {length} bytes, and the file system allows {limit}; "
            "choose a shorter name."
        )


def name_limit(folder: Path) -> int:
    """Return how long the name of a file in `folder` may be, as :func:`name_length` counts."""
    try:
        return os.pathconf(folder, "PC_NAME_MAX")
    except (AttributeError, OSError, ValueError):  # not on Windows; not for every file system
        return _NAME_LIMIT


def name_length(name: str) -> int:
    """Return how long a name is: bytes, but in Windows units of UTF-16."""
    if os.name == "nt":
        return len(name.encode("utf-16-le", "surrogatepass")) // 2
    return len(os.fsencode(name))
