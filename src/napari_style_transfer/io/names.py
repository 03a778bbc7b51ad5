"""Names of picture files: which can be written. Loads nothing but the standard library."""

from __future__ import annotations

import os
from pathlib import Path

from napari_style_transfer.errors import InputError

#: Suffixes that can be written; those whose format has transparency, 16 bits, several pages.
SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
ALPHA_SUFFIXES = DEEP_SUFFIXES = (".png", ".tif", ".tiff")
TIFF_SUFFIXES = (".tif", ".tiff")

#: How long a file's name may be where the system does not say.
_NAME_LIMIT = 255


def check_output(path: str | Path) -> Path:
    """Return `path` if a picture can be written there, before any work is done.

    Raises
    ------
    InputError
        If its suffix names no format that is written, its name is too long, or its folder is missing
        or read-only.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"Cannot write {path.name!r}: its name must end in {', '.join(SUFFIXES)}.")
    if os.path.isdir(path):
        raise InputError(f"Cannot write {path}: it is a folder; give the name of a file.")
    check_folder(path)
    check_length(path)
    return path


def check_folder(path: Path) -> None:
    """Raise :class:`InputError` if nothing can be written into the folder of `path`."""
    if not os.path.isdir(path.parent):
        raise InputError(f"Cannot write {path}: there is no folder {path.parent}.")
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"Cannot write into the folder {path.parent}.")


def check_length(path: Path) -> None:
    """Raise :class:`InputError` if a name is longer than its folder allows."""
    limit, length = name_limit(path.parent), name_length(path.name)
    if length > limit:
        raise InputError(
            f"The file name {path.name[:40]}...{path.suffix} is too long: {length} bytes, where "
            f"{limit} are allowed; choose a shorter one."
        )


def name_limit(folder: Path) -> int:
    """Return how long the name of a file in `folder` may be, as :func:`name_length` counts."""
    try:
        return os.pathconf(folder, "PC_NAME_MAX")
    except (AttributeError, OSError, ValueError):  # Windows has no such function
        return _NAME_LIMIT


def name_length(name: str) -> int:
    """Return how long a name is: bytes, but in Windows units of UTF-16."""
    if os.name == "nt":
        return len(name.encode("utf-16-le", "surrogatepass")) // 2
    return len(os.fsencode(name))
