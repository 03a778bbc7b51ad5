"""Names of files on the command line, checked before anything heavy is loaded."""

from __future__ import annotations

import contextlib
import glob
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.apng import is_animated
from napari_style_transfer.io.names import (
    ANIMATION_SUFFIXES,
    MOVIE_OUTPUTS,
    MOVIE_SUFFIXES,
    SUFFIXES,
    TIFF_SUFFIXES,
    check_folder,
    check_movie_output,
    check_name,
    check_output,
    name_length,
    name_limit,
)

#: What a sample picture's name begins with.
SAMPLE = "sample:"

#: Between the names of content and style in the name of a result, and what may come after: a number, and
#: the suffixes of the picture and its recipe.
_LINK, _TAIL = "-in-the-style-of-", "-9999.png.json"
#: Letters of a picture's name in the name of a result.
_STEM = 60


def check_picture(name: str) -> None:
    """Raise :class:`InputError` if there is no such sample or file."""
    if name.startswith(SAMPLE):
        from napari_style_transfer.samples import find

        find(name.removeprefix(SAMPLE))
    elif not os.path.exists(name):
        raise InputError(f"There is no file {name}.")
    elif os.path.isdir(name):
        raise InputError(f"Cannot read the picture {name}: it is a folder.")
    elif not os.access(name, os.R_OK):
        raise InputError(f"Cannot read the picture {name}: permission denied.")


def check_content(name: str) -> None:
    """Raise :class:`InputError` if there is no such sample, file or folder, or nothing of that pattern."""
    if not _is_many(name):
        check_picture(name)
    elif not os.path.isdir(name) and next(glob.iglob(name, recursive=True), None) is None:
        raise InputError(f"No file matches {name}.")


def is_stack(content: str) -> bool:
    """Return whether a content is many pictures: a folder, a pattern, a movie, a TIFF of several pages."""
    if _is_many(content):
        return True
    if not may_be_stack(content):
        return False
    from napari_style_transfer.io.stacks import is_stack as has_pages

    return has_pages(content)


def may_be_stack(content: str) -> bool:
    """Return whether :func:`is_stack` may say yes; no picture is decoded."""
    if _is_many(content):
        return True
    suffix = Path(content).suffix.lower()
    if content.startswith(SAMPLE) or (suffix == ".png" and not is_animated(content)):
        return False
    return suffix in (*TIFF_SUFFIXES, *MOVIE_SUFFIXES, *ANIMATION_SUFFIXES)


def is_moving(content: str) -> bool:
    """Return whether a content is a movie or an animated picture."""
    if not may_be_stack(content) or _is_many(content):
        return False
    suffix = Path(content).suffix.lower()
    return suffix in MOVIE_SUFFIXES or (suffix not in TIFF_SUFFIXES and is_stack(content))


def _is_many(content: str) -> bool:
    if content.startswith(SAMPLE) or os.path.isfile(content):
        return False
    return os.path.isdir(content) or glob.has_magic(content)


def check_stack_output(content: str, output: Path) -> None:
    """Refuse a place that a stack cannot be painted to: a TIFF or a movie by its suffix, else a folder.

    Raises
    ------
    InputError
        If it cannot be written, or lies within what is read.
    """
    suffix = output.suffix.lower()
    if suffix in TIFF_SUFFIXES:
        check_output(output)
        check_name(pages_folder(output))
    elif suffix in SUFFIXES:
        raise InputError(
            "A stack is painted to a folder, to a TIFF of several pages, or to a movie, not to "
            f"{output.name!r}."
        )
    elif suffix in (*MOVIE_SUFFIXES, *MOVIE_OUTPUTS):
        check_movie_output(output)
        check_name(pages_folder(output))
    elif os.path.isdir(output):
        check_folder(output / "page")
    elif os.path.lexists(output):
        raise InputError(f"Cannot write into {output}: it is no folder.")
    else:
        check_folder(output)
        check_name(output)
    if os.path.isdir(content) and output.resolve().is_relative_to(Path(content).resolve()):
        raise InputError(
            f"The output {output} is within the input {content}; choose another place."
        )


def pages_folder(output: Path) -> Path:
    """Return the folder in which the pages of a TIFF or a movie are kept until all are done."""
    return output.with_name(f"{output.name}.pages")


@contextlib.contextmanager
def reserved(content: str, style: str) -> Iterator[Path]:
    """Take a new name in the current folder for a result, which no other run takes meanwhile.

    An empty file holds it. Where nothing was written to it, it goes in the end.

    Raises
    ------
    InputError
        If no file can be made there.
    """
    path = _reserve(content, style)
    try:
        yield path
    finally:
        with contextlib.suppress(OSError):
            if not path.stat().st_size:
                path.unlink()


def _reserve(content: str, style: str) -> Path:
    tails = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
    name = _new_name(content, style)
    for path in (Path(f"{name}{tail}.png") for tail in tails):
        if os.path.lexists(path.with_suffix(".json")):
            continue
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        except FileExistsError:
            continue
        except OSError as error:
            raise InputError(f"Cannot write {path}: {error.strerror or error}.") from None
        return path
    raise AssertionError("numbers have no end")


def _new_name(content: str, style: str) -> str:
    """Return the stem of a result's name, as long as the current folder allows."""
    room = (name_limit(Path()) - name_length(_LINK + _TAIL)) // 2
    stems = []
    for source in (content, style):
        stem = Path(source.removeprefix(SAMPLE)).stem[:_STEM]
        while name_length(stem) > room:
            stem = stem[:-1]
        stems.append(stem)
    return _LINK.join(stems)
