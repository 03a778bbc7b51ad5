"""The user's own files of one kind, all in one folder."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import platformdirs

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.atomic import replacing

_SUFFIX = ".safetensors"
#: Letters of a file's name, at most.
_LONGEST = 60


def folder_of(kind: str) -> Path:
    """Return where the user's files of a kind are kept; it may not be there yet."""
    return Path(platformdirs.user_data_dir("napari-style-transfer", appauthor=False)) / kind


def files_in(folder: Path) -> list[Path]:
    """Return the files in a folder, the newest first."""
    try:
        found = [path for path in folder.iterdir() if path.suffix == _SUFFIX]
        return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)
    except OSError:
        return []


def new_file_in(folder: Path, names: Sequence[str], otherwise: str) -> Path:
    """Return a file of these names, or of another where they have no letter, that is not there yet.

    Raises
    ------
    InputError
        If the folder cannot be made.
    """
    stem = re.sub(r"[^\w\- ]+", "_", " and ".join(names)).strip(" ._")[:_LONGEST] or otherwise
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"Cannot make the folder {folder}: {error.strerror or error}.") from None
    names_tried = (
        f"{stem}{f' {number}' if number > 1 else ''}{_SUFFIX}" for number in range(1, 10_000)
    )
    return next(path for path in map(folder.joinpath, names_tried) if not os.path.lexists(path))


def copy_file(source: Path, path: Path) -> None:
    """Copy a file, whole or not at all.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    with replacing(path) as part:
        shutil.copyfile(source, part)


def delete_file(path: Path) -> None:
    """Delete a file.

    Raises
    ------
    InputError
        If it cannot be deleted.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"Cannot delete {path}: {error.strerror or error}.") from None
