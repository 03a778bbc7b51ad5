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


def rgba(picture: Picture, alpha: npt.NDArray[Any] | None) -> Picture:
    """Return an (H, W, 3) picture with an opacity of any size and real type; opaque if None."""
    if alpha is not None:
        from napari_style_transfer.engine.tensors import with_alpha

        return with_alpha(picture, alpha)
    opaque = np.full((*picture.shape[:2], 4), np.iinfo(picture.dtype).max, picture.dtype)
    opaque[..., :3] = picture
    return opaque


def check_dtype(dtype: npt.DTypeLike) -> np.dtype[Any]:
    """Return a type that a result can have; raises InputError for another."""
    kind = np.dtype(dtype)
    if kind not in (np.uint8, np.uint16):
        raise InputError(
            f"The array for the results is of {kind}; it must be of uint8, or of uint16 for 16 bits."
        )
    return kind
