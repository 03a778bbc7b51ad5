"""Slices that are read one by one, as an array for dask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_style_transfer.stack.plan import Index


class LazySlices:
    """An array whose slices are read when they are asked for, each time anew.

    Parameters
    ----------
    read
        Returns a slice, in whatever thread.
    shape, dtype
        Of the whole array, the axes of a slice last.
    leading
        How many axes there are before those of a slice.
    """

    def __init__(
        self,
        read: Callable[[Index], npt.NDArray[Any]],
        shape: tuple[int, ...],
        dtype: npt.DTypeLike,
        leading: int,
    ) -> None:
        self._read, self._leading = read, leading
        self.shape, self.ndim, self.dtype = shape, len(shape), np.dtype(dtype)

    def __getitem__(self, index: tuple[Any, ...]) -> npt.NDArray[Any]:
        """Return part of one slice, as dask asks for its chunks."""
        leading, within = index[: self._leading], index[self._leading :]
        # A chunk is one slice, of whose place dask makes a number or a slice of length 1.
        place = tuple(int(part.start if isinstance(part, slice) else part) for part in leading)
        kept = sum(isinstance(part, slice) for part in leading)
        found: npt.NDArray[Any] = self._read(place)[within]
        return found[(None,) * kept]

    def lazy(self) -> Any:
        """Return it as a dask array, one chunk a slice."""
        import dask.array

        chunks = (*(1 for _ in self.shape[: self._leading]), *self.shape[self._leading :])
        meta = np.empty((0,) * self.ndim, self.dtype)
        return dask.array.from_array(  # type: ignore[no-untyped-call]
            self, chunks=chunks, name=False, asarray=False, inline_array=True, meta=meta
        )
