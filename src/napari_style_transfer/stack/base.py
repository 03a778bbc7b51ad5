"""Where the result of a stack goes: one interface for memory, store, folder and layer."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from napari_style_transfer.errors import InputError
from napari_style_transfer.progress import Picture
from napari_style_transfer.recipe import Recipe
from napari_style_transfer.stack.plan import Index


@runtime_checkable
class StackOutput(Protocol):
    """Where the result of a stack goes, slice by slice, and which of its slices are done.

    :func:`~napari_style_transfer.stylize_stack` writes a slice; whoever calls that makes its
    recipe and finishes it. A slice that is written but not finished is painted again by the next run.
    """

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its values: uint8 or uint16."""
        ...

    @property
    def done(self) -> Collection[Index]:
        """The slices that are done."""
        ...

    @property
    def recipe(self) -> Recipe | None:
        """The recipe of the first slice, once it is done."""
        ...

    def __getitem__(self, index: Index, /) -> Picture:
        """Return the (H, W, 3) result of a slice that was written."""
        ...

    def write(self, index: Index, picture: Picture, alpha: npt.NDArray[Any] | None, /) -> None:
        """Take the result of a slice.

        Parameters
        ----------
        index
            Which one.
        picture
            (H, W, 3) of its :attr:`dtype`.
        alpha
            (h, w) opacity of the content, of any size and real type; None if it is opaque. An output
            without transparency takes no notice of it.

        Raises
        ------
        InputError
            If it cannot be kept, for example on a full disk.
        """
        ...

    def finish(self, index: Index, recipe: Recipe, /) -> None:
        """Note that a slice is done; the first one's recipe is that of the stack."""
        ...


@runtime_checkable
class Shareable(Protocol):
    """An output that other processes can write to."""

    def shared(self) -> StackOutput:
        """Return what writes to the same place from any process, and reads from it; it can be pickled.

        Raises
        ------
        InputError
            If other processes cannot write there.
        """
        ...


class SliceError(InputError):
    """A slice that cannot be painted.

    Parameters
    ----------
    index
        Which one.
    reason
        A sentence on why.
    """

    def __init__(self, index: Index, reason: str) -> None:
        super().__init__(f"Slice {', '.join(map(str, index))}: {reason}")
        self.index, self.reason = index, reason

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how to make it in another process."""
        return SliceError, (self.index, self.reason)


class ArrayOutput:
    """An array or a dict of the user's, as a :class:`StackOutput`.

    Parameters
    ----------
    array
        Takes (H, W, 3) uint8 or uint16 at the index of a slice.
    done
        The slices whose results are in it.

    Raises
    ------
    InputError
        If it is of another type.
    """

    recipe = None

    def __init__(self, array: Any, done: Collection[Index]) -> None:
        self._array, self.done = array, frozenset(done)
        self.dtype = check_dtype(getattr(array, "dtype", np.uint8))

    def __getitem__(self, index: Index) -> Picture:
        """Return the (H, W, 3) result of a slice that was written."""
        return np.asarray(self._array[index])

    def write(self, index: Index, picture: Picture, _alpha: npt.NDArray[Any] | None, /) -> None:
        """Take the result of a slice, without its transparency."""
        self._array[index] = picture

    def finish(self, _index: Index, _recipe: Recipe, /) -> None:
        """Take no notice: what is done, its owner knows."""

    def shared(self) -> ArrayOutput:
        """Return it, if it is an array in files in which each slice has chunks of its own."""
        check_shared(self._array)
        return self


def rgba(picture: Picture, alpha: npt.NDArray[Any] | None) -> Picture:
    """Return an (H, W, 3) picture with an opacity of any size and real type; opaque if None."""
    if alpha is not None:
        from napari_style_transfer.engine.tensors import with_alpha

        return with_alpha(picture, alpha)
    opaque = np.full((*picture.shape[:2], 4), np.iinfo(picture.dtype).max, picture.dtype)
    opaque[..., :3] = picture
    return opaque


def check_shared(array: Any) -> None:
    """Refuse an array into which other processes cannot write slices at the same time.

    Raises
    ------
    InputError
        If it is in memory, or several slices share a chunk.
    """
    chunks = getattr(array, "shards", None) or getattr(array, "chunks", None)
    if chunks is None or type(getattr(array, "store", None)).__name__ == "MemoryStore":
        raise InputError(
            "Workers cannot write into this process's memory; give a zarr array in files as `out`."
        )
    if any(length != 1 for length in chunks[:-3]):
        raise InputError(
            f"In the array for the results several slices share a chunk of {chunks}; workers would "
            "overwrite each other's, so give each slice chunks of its own."
        )


def check_dtype(dtype: npt.DTypeLike) -> np.dtype[Any]:
    """Return a type that a result can have; raises InputError for another."""
    kind = np.dtype(dtype)
    if kind not in (np.uint8, np.uint16):
        raise InputError(
            f"The array for the results is of {kind}; it must be of uint8, or of uint16 for 16 bits."
        )
    return kind
