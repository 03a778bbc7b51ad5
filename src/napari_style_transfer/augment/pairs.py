"""Images and their labels, found by the names that cellpose, StarDist and plain folders have."""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.labels import read_labels
from napari_style_transfer.io.micrographs import MICROGRAPHS, micrograph_shape
from napari_style_transfer.io.names import check_folder, check_name
from napari_style_transfer.io.stacks import natural_key
from napari_style_transfer.memory import GIB
from napari_style_transfer.settings import MIN_SIDE

#: What labels are called after the name of their image: in its own folder, and in theirs.
_BESIDE = ("_cp_masks", "_masks")
APART = ("", *_BESIDE, "_mask", "_labels", "_label")
#: Other files that cellpose writes beside an image.
_OTHER = ("_flows", "_outlines", "_cp_output")
#: Folders of images and of labels within one, as StarDist's.
_IMAGES, _LABELS = "images", ("masks", "labels")
#: Share of neighbouring pixels that differ in labels, at most: objects are wider than two pixels.
_MOST_CHANGES = 0.5
#: Files that are named in a sentence, at most.
_MOST_TOLD = 3


@dataclass(frozen=True)
class Pair:
    """An image and its labels.

    Attributes
    ----------
    image, labels
        The files.
    ending
        What the name of the labels has after that of the image, such as ``"_masks"``.
    """

    image: Path
    labels: Path
    ending: str

    def names(self, copy: int) -> tuple[str, str]:
        """Return the names of the files of a new picture and its labels."""
        stem = f"{self.image.stem}_style{copy}"
        return f"{stem}{self.image.suffix}", f"{stem}{self.ending}{self.labels.suffix}"


@dataclass(frozen=True)
class Pairs:
    """All pairs.

    Attributes
    ----------
    pairs
        In the natural order of their names; at least one.
    apart
        Whether images and labels are in folders of their own.
    folders
        Those that they are in.
    """

    pairs: tuple[Pair, ...]
    apart: bool
    folders: tuple[Path, ...]


def find_pairs(images: Path, labels: Path | None = None) -> Pairs:
    """Return the images of a folder with their labels.

    Parameters
    ----------
    images
        A folder of images. Without `labels` it has the labels as well: ``x_masks.tif`` beside ``x.tif``
        (cellpose), or all in its folders ``images`` and ``masks`` (StarDist).
    labels
        A folder of files with the same names, up to the suffix, and perhaps ``_masks`` after it.

    Raises
    ------
    InputError
        If there are none, or an image has no labels, or labels have no image.
    """
    for folder in (images, labels):
        if folder is not None and not folder.is_dir():
            raise InputError(f"There is no folder {folder}.")
    if labels is None or (labels.exists() and labels.samefile(images)):
        for name in _LABELS:
            if (images / _IMAGES).is_dir() and (images / name).is_dir():
                return find_pairs(images / _IMAGES, images / name)
        return _beside(images)
    found, masks = _pictures(images), _pictures(labels)
    if not found or not masks:
        raise InputError(f"The folder {labels if found else images} holds no pictures.")
    pairs = _matched(found, masks, APART, labels)
    return Pairs(tuple(pairs), True, (images, labels))


def check_pairs(pairs: Pairs) -> None:
    """Look at every image and its labels before the work.

    Raises
    ------
    InputError
        If one cannot be read, they differ in size, an image is too small for the network, labels look
        like a picture, or none has an object.
    """
    is_empty = True
    for pair in pairs.pairs:
        shape, values = micrograph_shape(pair.image), read_labels(pair.labels)
        labels, is_empty = values.shape, is_empty and not values.any()
        if shape != labels:
            raise InputError(
                f"{pair.image} is {shape[1]} × {shape[0]} px, but its labels {pair.labels} are "
                f"{labels[1]} × {labels[0]} px; they must be of one size."
            )
        if min(shape) < MIN_SIDE:
            raise InputError(
                f"{pair.image} is {shape[1]} × {shape[0]} px, too small for the network; it must have "
                f"{MIN_SIDE} px on each side."
            )
        if (values[:, 1:] != values[:, :-1]).mean() > _MOST_CHANGES:
            raise InputError(
                f"{pair.labels} looks like a picture, not like labels: most pixels have another value than "
                "their neighbour. Labels have one number for all pixels of an object."
            )
    if is_empty:
        raise InputError(
            f"The labels in {pairs.folders[-1]} are all empty: there is no object in any of them."
        )


def find_styles(sources: Iterable[str | os.PathLike[str]]) -> tuple[Path, ...]:
    """Return the pictures in files, folders and patterns; labels beside them are left out.

    Raises
    ------
    InputError
        If there is none.
    """
    found: dict[Path, None] = {}
    for given in sources:
        source, path = os.fspath(given), Path(given)
        if path.is_dir():
            each, nothing = _pictures(path), f"The folder {path} holds no pictures."
        elif path.exists():
            each, nothing = [path], ""
        else:
            each = [Path(name) for name in glob.glob(source, recursive=True)]
            each = [file for file in each if _is_picture(file)]
            matching = f"No picture matches {source}."
            nothing = matching if glob.has_magic(source) else f"There is no file {source}."
        each = [file for file in each if not file.stem.endswith((*_BESIDE, *_OTHER))]
        if not each:
            raise InputError(nothing or f"{path} are labels, not a picture.")
        found |= dict.fromkeys(sorted(each, key=natural_key))
    return tuple(found)


def check_styles_are_others(styles: Sequence[Path], pairs: Pairs) -> None:
    """Refuse styles that are all among the images; copies of them, too.

    Raises
    ------
    InputError
        If it is so.
    """
    sizes = {style.stat().st_size for style in styles}
    images = {
        sha256(pair.image.read_bytes()).digest()
        for pair in pairs.pairs
        if pair.image.stat().st_size in sizes
    }
    if all(sha256(style.read_bytes()).digest() in images for style in styles):
        raise InputError(
            "The styles are the training images themselves; give pictures of the other microscope."
        )


def check_place(out: Path, pairs: Pairs, styles: Sequence[Path], copies: int) -> None:
    """Refuse a folder that new pictures cannot be written to.

    Raises
    ------
    InputError
        If it is no folder, lies within what is read or the other way round, or has too little room.
    """
    if os.path.lexists(out) and not out.is_dir():
        raise InputError(f"Cannot write into {out}: it is no folder.")
    check_folder(out / "picture" if out.is_dir() else out)
    place = out.resolve()
    for folder in {*pairs.folders, *(style.parent for style in styles)}:
        read = folder.resolve()
        if folder in pairs.folders and place.is_relative_to(read):
            raise InputError(
                f"The output {out} is within the images {folder}; choose another place."
            )
        if read.is_relative_to(place):
            raise InputError(
                f"This run reads {folder}, which is in the output {out}; choose another."
            )
    for pair in pairs.pairs:
        for name in pair.names(copies):
            check_name(out / name)
    files = (size for pair in pairs.pairs for size in _sizes(pair))
    needed = copies * sum(files)
    free = shutil.disk_usage(out if out.is_dir() else out.absolute().parent).free
    there = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    if needed - there > free:
        raise InputError(
            f"The new pictures need about {needed / GIB:.1f} GB, but {out} has {free / GIB:.1f} GB free; "
            "make fewer copies, or choose another place."
        )


def _sizes(pair: Pair) -> tuple[int, int]:
    return pair.image.stat().st_size, pair.labels.stat().st_size


def _beside(folder: Path) -> Pairs:
    """Return the pairs of a folder in which labels lie beside their images."""
    files = [file for file in _pictures(folder) if not file.stem.endswith(_OTHER)]
    if not files:
        raise InputError(f"The folder {folder} holds no pictures.")
    masks = [file for file in files if file.stem.endswith(_BESIDE)]
    images = [file for file in files if file not in set(masks)]
    if not masks:
        raise InputError(
            f"The folder {folder} holds no labels; name their folder, or put x_masks.tif beside x.tif."
        )
    return Pairs(tuple(_matched(images, masks, _BESIDE, folder)), False, (folder,))


def _matched(
    images: Sequence[Path], masks: Sequence[Path], endings: Sequence[str], folder: Path
) -> list[Pair]:
    """Return each image with its labels; all must have one."""
    by_stem = _by_stem(images)
    named = _by_stem(masks)
    pairs, without = [], []
    for stem, image in by_stem.items():
        ending = next((each for each in endings if stem + each in named), None)
        if ending is None:
            without.append(image)
        else:
            pairs.append(Pair(image, named.pop(stem + ending), ending))
    remedy = "give both the same name, or move what is left over away"
    if without:
        raise InputError(f"There are no labels in {folder} for {_told(without)}; {remedy}.")
    if named:
        raise InputError(
            f"There are no images for the labels {_told([*named.values()])}; {remedy}."
        )
    return pairs


def _by_stem(files: Sequence[Path]) -> dict[str, Path]:
    """Return files by their names without suffix, which must differ."""
    named: dict[str, Path] = {}
    for file in files:
        other = named.setdefault(file.stem, file)
        if other is not file:
            raise InputError(f"{other} and {file} have the same name; rename one.")
    return named


def _told(files: Sequence[Path]) -> str:
    names = ", ".join(file.name for file in files[:_MOST_TOLD])
    more = len(files) - _MOST_TOLD
    return f"{names} and {more} more" if more > 0 else names


def _pictures(folder: Path) -> list[Path]:
    try:
        return sorted(filter(_is_picture, folder.iterdir()), key=natural_key)
    except OSError as error:
        raise InputError(f"Cannot read the folder {folder}: {error.strerror}.") from None


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in MICROGRAPHS and not path.name.startswith(".") and path.is_file()
