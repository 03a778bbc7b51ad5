"""The fast styles that can be chosen: those that come with the package, and the user's own."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from napari_style_transfer import samples
from napari_style_transfer.errors import InputError, StyleTransferError
from napari_style_transfer.io import fast_file
from napari_style_transfer.io.atomic import replacing
from napari_style_transfer.io.onnx_file import is_onnx
from napari_style_transfer.learning import FastStyleInfo
from napari_style_transfer.progress import Picture

if TYPE_CHECKING:
    from napari_style_transfer.fast_style import FastStyle

#: The shipped network that others are learned from.
_BASE = "base"
_SUFFIX = ".safetensors"
#: Letters of a file's name, at most.
_LONGEST = 60


@dataclass(frozen=True, eq=False)
class FastEntry:
    """A style that can be chosen.

    Attributes
    ----------
    name, thumbnail
        Of the style.
    source
        The file, or the name of a shipped style, or the fast style itself.
    index
        Which of the styles in it.
    total
        How many styles are in it.
    own
        Whether it is the user's.
    about
        A few words on how it was learned.
    """

    name: str
    thumbnail: Picture
    source: str | FastStyle
    index: int = 0
    total: int = 1
    own: bool = False
    about: str = ""

    @property
    def key(self) -> str:
        """What tells it from others."""
        source = self.source if isinstance(self.source, str) else ""
        return f"{source}#{self.index}"

    @property
    def path(self) -> Path | None:
        """The user's file."""
        return Path(self.source) if self.own and isinstance(self.source, str) else None


def folder() -> Path:
    """Return where the user's own styles are kept; it may not be there yet."""
    return (
        Path(platformdirs.user_data_dir("napari-style-transfer", appauthor=False)) / "fast styles"
    )


def entries() -> tuple[list[FastEntry], list[str]]:
    """Return the shipped styles and the user's own, and a sentence for each file that cannot be read.

    Only the headers of the files are read.
    """
    found, wrong = list[FastEntry](), list[str]()
    sources = [(name, path, False) for name, path in samples.fast_styles().items()]
    sources.sort(key=lambda each: each[0] == _BASE)
    sources += [(str(path), path, True) for path in _files()]
    for source, path, own in sources:
        try:
            read = entries_of(source, fast_file.read_info(path), own=own)
        except StyleTransferError as error:
            wrong.append(str(error))
            continue
        if source == _BASE:  # some of its styles have files of their own
            known = {entry.name for entry in found}
            read = [entry for entry in read if entry.name not in known]
        found += read
    return found, wrong


def entries_of(
    source: str | FastStyle, info: FastStyleInfo, *, own: bool = True
) -> list[FastEntry]:
    """Return the styles of one fast style."""
    about = ""
    if own:
        about = "Learned by you" + (f" in {info.seconds / 60:.1f} min." if info.seconds else ".")
    return [
        FastEntry(name, thumbnail, source, index, len(info.names), own, about)
        for index, (name, thumbnail) in enumerate(zip(info.names, info.thumbnails, strict=True))
    ]


def new_file(names: tuple[str, ...]) -> Path:
    """Return a file of the user's for styles of these names, which is not there yet.

    Raises
    ------
    InputError
        If the folder cannot be made.
    """
    stem = re.sub(r"[^\w\- ]+", "_", " and ".join(names)).strip(" ._")[:_LONGEST] or "style"
    where = folder()
    try:
        where.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"Cannot make the folder {where}: {error.strerror or error}.") from None
    names_tried = (
        f"{stem}{f' {number}' if number > 1 else ''}{_SUFFIX}" for number in range(1, 10_000)
    )
    return next(path for path in map(where.joinpath, names_tried) if not os.path.lexists(path))


def add(path: Path) -> list[FastEntry]:
    """Copy a file into the user's folder, and return its styles; of an ONNX model, what it was made from.

    Raises
    ------
    InputError
        If it holds no fast style, or cannot be copied.
    """
    info = fast_file.read_info(path)
    if path.parent == folder() and not is_onnx(path):
        return entries_of(str(path), info)
    copy = new_file((path.stem,))
    if is_onnx(path):
        fast_file.save_fast_file(copy, fast_file.read_fast_file(path))
        return entries_of(str(copy), info)
    with replacing(copy) as part:
        shutil.copyfile(path, part)
    return entries_of(str(copy), info)


def save(entry: FastEntry, path: Path) -> None:
    """Save a style, with the others in its file, in another file.

    Raises
    ------
    InputError
        If it cannot be read or saved, or the name does not end in .safetensors.
    """
    fast_file.FILES.check_output(path)
    if not isinstance(entry.source, str):
        entry.source.save(path)
        return
    source = Path(entry.source) if entry.own else samples.fast_styles()[entry.source]
    with replacing(path) as part:
        shutil.copyfile(source, part)


def remove(entry: FastEntry) -> None:
    """Delete the file of one of the user's styles.

    Raises
    ------
    InputError
        If it cannot be deleted.
    """
    if entry.path is None:
        raise InputError(f"'{entry.name}' comes with the package and stays.")
    try:
        entry.path.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"Cannot delete {entry.path}: {error.strerror or error}.") from None


def _files() -> list[Path]:
    """Return the user's files, the newest first."""
    try:
        found = [path for path in folder().iterdir() if path.suffix == _SUFFIX]
        return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)
    except OSError:
        return []
