"""Where the result of a stack is kept: in memory, or in a zarr store from which a run can go on."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import psutil

from napari_style_transfer.errors import InputError
from napari_style_transfer.memory import GIB
from napari_style_transfer.progress import Picture
from napari_style_transfer.recipe import RECIPE_KEY, Recipe
from napari_style_transfer.settings import Settings
from napari_style_transfer.stack.base import check_dtype, check_shared, rgba
from napari_style_transfer.stack.plan import Index

if TYPE_CHECKING:
    import zarr

#: Share of the free memory that a result may take; painting needs most of the rest.
_SHARE = 0.25

_RUN_KEY, _DONE_KEY = "napari_style_transfer_run", "napari_style_transfer_done"


@dataclass
class Record:
    """What is kept with the result of a stack, as JSON.

    Attributes
    ----------
    run
        What tells one run from another, from :func:`identity`.
    done
        The slices that are done: names of files, or places in the flattened leading axes.
    recipe
        That of the first slice, once it is done.
    """

    run: dict[str, Any]
    done: list[Any] = field(default_factory=list)
    recipe: Recipe | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as a mapping that :meth:`from_json` and :meth:`Recipe.parse` read."""
        values: dict[str, Any] = {_RUN_KEY: self.run, _DONE_KEY: self.done}
        if self.recipe is not None:
            values[RECIPE_KEY] = self.recipe.model_dump(mode="json")
        return values

    @classmethod
    def from_json(cls, values: Any) -> Record | None:
        """Return the record in a mapping, or None where there is none."""
        if not isinstance(values, Mapping):
            return None
        run, done = values.get(_RUN_KEY), values.get(_DONE_KEY)
        if not isinstance(run, dict) or not isinstance(done, list):
            return None
        if not all(isinstance(each, str | int) for each in done):
            return None
        return cls(run, done, Recipe.parse(values) if RECIPE_KEY in values else None)

    def differences(self, run: dict[str, Any]) -> list[str]:
        """Return in what another run differs.

        A parameter that an older record does not have was then as it is now by default.
        """
        begun = Settings().model_dump(mode="json", include=set(run)) | self.run
        return [key for key in {**run, **begun} if run.get(key) != begun.get(key)]

    def check(self, run: dict[str, Any], where: Path) -> None:
        """Refuse to go on with another run than the one that began.

        Raises
        ------
        InputError
            If `run` differs; the sentence names in what.
        """
        if changed := self.differences(run):
            raise InputError(
                f"{where} holds a result that was begun with another {', '.join(changed)}; "
                "choose another place for this one."
            )


def identity(settings: Settings, bits: Literal[8, 16] = 8, **names: Any) -> dict[str, Any]:
    """Return what must be the same for a run to go on with the slices of an earlier one.

    Parameters
    ----------
    settings
        The parameters; tiles are left out, as they do not change the result.
    bits
        Of each value of the result; 8 is not noted, as it was not in older records.
    **names
        What else names the run: content, style, ..., as given to :meth:`Recipe.from_step`.
    """
    plain: dict[str, Any] = json.loads(json.dumps(names, default=str))
    plain |= {"bits": bits} if bits != 8 else {}
    return plain | settings.model_dump(mode="json", exclude={"tile_size"})


class StackResult:
    """The result of a stack, with the record of which slices are done.

    It is a :class:`~napari_style_transfer.stack.base.StackOutput`.

    Attributes
    ----------
    array
        (..., H, W, 3 | 4) uint8 or uint16; slices that are not done are black, or see-through.
    """

    def __init__(self, array: npt.NDArray[Any] | zarr.Array[Any], record: Record) -> None:
        self.array, self._record = array, record

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return tuple(self.array.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Its type, uint8 or uint16."""
        return np.dtype(self.array.dtype)

    @property
    def done(self) -> frozenset[Index]:
        """The slices that are done."""
        leading = self.shape[:-3]
        return frozenset(
            tuple(map(int, np.unravel_index(flat, leading))) for flat in self._record.done
        )

    @property
    def recipe(self) -> Recipe | None:
        """The recipe of the first slice, once it is done."""
        return self._record.recipe

    def __getitem__(self, index: Index) -> Picture:
        """Return the (H, W, 3) result of a slice."""
        return self.picture(index)[..., :3]

    def picture(self, index: Index) -> Picture:
        """Return a slice as it is kept, (H, W, 3 | 4)."""
        return np.asarray(self.array[index])

    def write(self, index: Index, picture: Picture, alpha: npt.NDArray[Any] | None) -> None:
        """Keep the result of a slice, with its transparency if the array has room for it."""
        self.put(index, rgba(picture, alpha) if self.shape[-1] == 4 else picture)

    def put(self, index: Index, picture: Picture) -> None:
        """Keep a slice as it is, (H, W, 3 | 4)."""
        self.array[index] = picture

    def finish(self, index: Index, recipe: Recipe) -> None:
        """Note that a slice is done; the first one's recipe is that of the stack."""
        number = int(np.ravel_multi_index(index, self.shape[:-3]))
        if number not in self._record.done:
            self._record.done.append(number)
        self._record.recipe = self._record.recipe or recipe
        if not isinstance(self.array, np.ndarray):
            self.array.attrs.update(self._record.to_json())

    def shared(self) -> StackResult:
        """Return what writes slices from any process, if they are in files."""
        check_shared(self.array)
        return StackResult(self.array, Record({}))


def fits_in_memory(shape: tuple[int, ...], dtype: npt.DTypeLike = np.uint8) -> bool:
    """Return whether a result of this shape and type leaves enough memory free to paint it."""
    return _size(shape, dtype) <= _SHARE * psutil.virtual_memory().available


def open_result(
    shape: tuple[int, ...],
    run: dict[str, Any],
    *,
    folder: Path | None = None,
    dtype: npt.DTypeLike = np.uint8,
) -> StackResult:
    """Make room for the result of a stack, or go on with one that was begun in `folder`.

    Parameters
    ----------
    shape
        (..., H, W, 3), from :func:`~napari_style_transfer.stack.plan.stack_shape`.
    run
        What tells this run from others, from :func:`identity`.
    folder
        Where to keep it, as a zarr store with a chunk for each slice; in memory where None.
    dtype
        Of its values: uint8 or uint16.

    Raises
    ------
    InputError
        If it is of another type, it fits neither into memory nor on the disk, or the folder holds
        something else.
    """
    dtype = check_dtype(dtype)
    if folder is not None:
        return _open_store(shape, run, Path(folder), dtype)
    if not fits_in_memory(shape, dtype):
        raise InputError(
            f"The result of {_size(shape, dtype) / GIB:.1f} GB does not fit into memory; choose a "
            "folder to keep it in, or a smaller size."
        )
    return StackResult(np.zeros(shape, dtype), Record(run))


def _size(shape: tuple[int, ...], dtype: npt.DTypeLike) -> int:
    """Return the bytes of an array."""
    return math.prod(shape) * np.dtype(dtype).itemsize


def _open_store(
    shape: tuple[int, ...], run: dict[str, Any], folder: Path, dtype: np.dtype[Any]
) -> StackResult:
    """Go on with the result in `folder`, or make one where there is none with a slice done."""
    import zarr

    try:
        begun = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
        if begun and (result := _reopen(shape, run, folder, dtype)):
            return result
        if not folder.parent.is_dir():
            raise InputError(f"There is no folder {folder.parent}.")
        _check_space(_size(shape, dtype), folder.parent)
        record = Record(run)
        array = zarr.create_array(
            store=folder,
            shape=shape,
            chunks=(*(1 for _ in shape[:-3]), *shape[-3:]),
            dtype=dtype,
            fill_value=0,
            attributes=record.to_json(),
            overwrite=begun,
        )
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"Cannot write into the folder {folder}: {reason}.") from None
    return StackResult(array, record)


def _reopen(
    shape: tuple[int, ...], run: dict[str, Any], folder: Path, dtype: np.dtype[Any]
) -> StackResult | None:
    """Return the result that is in `folder`, or None if no slice of it is done."""
    import zarr

    try:
        array = zarr.open_array(folder, mode="r+")
        record = Record.from_json(array.attrs.asdict())
    except (OSError, ValueError):
        record = None
    # What is there is only deleted where it is an empty store and nothing besides.
    empty = record is not None and not record.done
    if record is None or (empty and {each.name for each in folder.iterdir()} != {"zarr.json"}):
        raise InputError(f"The folder {folder} holds something else; choose an empty or a new one.")
    if empty:
        return None
    record.check(run, folder)
    if array.shape != shape or array.dtype != dtype:
        held, wanted = (array.shape, shape) if array.shape != shape else (array.dtype, dtype)
        what = "shape" if array.shape != shape else "type"
        raise InputError(
            f"{folder} holds a result of the {what} {held}, not {wanted}; "
            "choose another place for this one."
        )
    slices = math.prod(shape[:-3])
    _check_space(_size(shape, dtype) * (slices - len(record.done)) // slices, folder)
    return StackResult(array, record)


def _check_space(needed: int, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise InputError(
            f"The result needs {needed / GIB:.1f} GB, but {folder} has {free / GIB:.1f} GB free."
        )
