"""The painted pages of a stack in files: a folder from which a run can go on, or a TIFF."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.atomic import replacing, save_text
from napari_style_transfer.io.pictures import read_levels
from napari_style_transfer.io.saving import save_picture, write_page
from napari_style_transfer.io.stacks import Pages
from napari_style_transfer.progress import Picture
from napari_style_transfer.recipe import Recipe
from napari_style_transfer.stack.base import rgba
from napari_style_transfer.stack.output import Record
from napari_style_transfer.stack.plan import Index

#: The file beside the pages that says how they were made and which are done.
RECORD_NAME = "recipe.json"
#: Bytes from which on a TIFF needs 64-bit offsets, with room for its tags.
BIG_TIFF = 2**32 - 2**25
#: Between two saved records passes so many times the time that saving takes.
_PAUSE = 20


class PageFiles:
    """The files of painted pages in a folder, written and read from any process.

    Parameters
    ----------
    folder
        Where they are.
    names
        The file of each page.
    dtype
        Of their values: uint8 or uint16.
    """

    def __init__(self, folder: Path, names: Sequence[str], dtype: npt.DTypeLike) -> None:
        self._folder, self._names, self.dtype = folder, names, np.dtype(dtype)

    @property
    def done(self) -> frozenset[Index]:
        """None: what is done, the record says."""
        return frozenset()

    @property
    def recipe(self) -> Recipe | None:
        """None: the record has it."""
        return None

    def __getitem__(self, index: Index) -> npt.NDArray[Any]:
        """Read the result of a page, (H, W, 3)."""
        return read_levels(self._folder / self._names[index[0]])[..., :3]

    def write(self, index: Index, picture: Picture, alpha: npt.NDArray[Any] | None) -> None:
        """Save the result of a page, with its transparency."""
        picture = picture if alpha is None else rgba(picture, alpha)
        save_picture(self._folder / self._names[index[0]], picture)

    def finish(self, _index: Index, _recipe: Recipe, /) -> None:
        """Take no notice: whoever keeps the record notes it."""

    def check_reach(self, who: str) -> None:
        """Refuse to paint where the folder is not to be seen.

        Raises
        ------
        InputError
            If it is not there for this process; `who` is its name.
        """
        if not self._folder.is_dir():
            raise InputError(
                f"{who} does not see the folder {self._folder}; all workers need the same files, for "
                "example on a network drive."
            )


class FolderResult(PageFiles):
    """A folder of painted pages, with a record of how they were made and which are done.

    It is a :class:`~napari_style_transfer.stack.base.StackOutput`. The record is saved often enough that
    hardly anything is painted again after a crash, and seldom enough that a long one takes little time;
    :meth:`save` saves it at the end.

    Parameters
    ----------
    folder
        Made where it is missing; if it holds a record, the run goes on.
    pages
        What is painted.
    run
        What tells this run from others, from :func:`~napari_style_transfer.stack.output.identity`.
    dtype
        Of its values: uint8 or uint16.

    Raises
    ------
    InputError
        If the folder cannot be written, or holds something that this run would replace.
    """

    def __init__(
        self, folder: Path, pages: Pages, run: dict[str, Any], dtype: npt.DTypeLike = np.uint8
    ) -> None:
        super().__init__(folder, [page.name for page in pages.pages], dtype)
        self._record = self._find_record() or Record(run)
        if self._record.done:
            self._record.check(run, folder)
        self._record.run = run
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise InputError(f"Cannot make the folder {folder}: {error.strerror}.") from None
        self._places = {name: place for place, name in enumerate(self._names)}
        self._noted = set(self._record.done)
        self._first = min(map(self._place, self._noted), default=len(pages))
        self.save()

    @property
    def done(self) -> frozenset[Index]:
        """The pages that are done."""
        return frozenset(
            (position,)
            for position, name in enumerate(self._names)
            if name in self._noted and (self._folder / name).is_file()
        )

    @property
    def recipe(self) -> Recipe | None:
        """The recipe of the first page, once it is done."""
        return self._record.recipe

    @property
    def nbytes(self) -> int:
        """Bytes of the pages that are done, decoded."""
        total = 0
        for index in self.done:
            with Image.open(self._folder / self._names[index[0]]) as image:
                total += image.width * image.height * len(image.getbands())
        return total * self.dtype.itemsize

    @property
    def record(self) -> dict[str, Any]:
        """The record, as JSON."""
        return self._record.to_json()

    def finish(self, index: Index, recipe: Recipe) -> None:
        """Note that a page is done; the first one's recipe is that of the stack."""
        name = self._names[index[0]]
        if name not in self._noted:
            self._noted.add(name)
            self._record.done.append(name)
        if self._record.recipe is None or index[0] < self._first:
            self._record.recipe, self._first = recipe, index[0]
        if time.monotonic() > self._next_save:
            self.save()

    def save(self) -> None:
        """Save the record; it names the pages in their order, in whatever order they were done."""
        began = time.monotonic()
        self._record.done.sort(key=self._place)
        save_text(self._folder / RECORD_NAME, json.dumps(self.record, indent=2) + "\n")
        ended = time.monotonic()
        self._next_save = ended + _PAUSE * (ended - began)

    def shared(self) -> PageFiles:
        """Return what writes pages from any process."""
        return PageFiles(self._folder.absolute(), self._names, self.dtype)

    def pictures(self) -> Iterator[npt.NDArray[Any]]:
        """Read the results of the pages that are done, one at a time, with their transparency."""
        return (read_levels(self._folder / self._names[place]) for (place,) in sorted(self.done))

    def _place(self, name: str) -> int:
        return self._places.get(name, len(self._places))

    def _find_record(self) -> Record | None:
        """Return the record of an earlier run; refuse to replace what none has made."""
        path = self._folder / RECORD_NAME
        record = None
        try:
            record = Record.from_json(json.loads(path.read_bytes()))
        except FileNotFoundError:
            pass
        except NotADirectoryError:
            raise InputError(f"Cannot write into {self._folder}: it is no folder.") from None
        except OSError as error:
            raise InputError(f"Cannot read {path}: {error.strerror}.") from None
        except ValueError:
            pass
        for name in (RECORD_NAME, *self._names):
            if record is None and (self._folder / name).exists():
                raise InputError(
                    f"{self._folder / name} would be replaced; choose another folder for the output."
                )
        return record


def save_tiff(path: Path, pictures: Iterator[npt.NDArray[Any]], size: int) -> None:
    """Write a multi-page TIFF, one page at a time; what was there is replaced only by the whole.

    Parameters
    ----------
    path
        The file.
    pictures
        (H, W, 3) or (H, W, 4) uint8.
    size
        Bytes of all pictures together.
    """
    with replacing(path) as part, tifffile.TiffWriter(part, bigtiff=size > BIG_TIFF) as writer:
        for picture in pictures:
            write_page(writer, picture)
