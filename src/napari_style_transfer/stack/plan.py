"""The plan of a stack: which slices are painted, in which order, and what each starts from."""

from __future__ import annotations

import operator
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_style_transfer.errors import InputError
from napari_style_transfer.geometry import result_shape
from napari_style_transfer.settings import Settings

#: Where a slice is in its stack: one number for each axis before (H, W[, C]).
Index = tuple[int, ...]


@dataclass(frozen=True)
class Task:
    """A slice to paint.

    Attributes
    ----------
    index
        Which one.
    position
        Its place, from 0, among the chosen slices.
    """

    index: Index
    position: int


def plan_tasks(
    leading: tuple[int, ...], indices: Iterable[Index | int] | None, done: Collection[Index]
) -> tuple[list[Task], list[Index]]:
    """Return the slices still to be painted and all that are chosen, both in ascending order.

    Parameters
    ----------
    leading
        Lengths of the stack's axes before (H, W[, C]).
    indices
        The chosen slices; all where None.
    done
        Slices that have their result.

    Raises
    ------
    InputError
        If no slice is chosen, or one that is not there.
    """
    chosen = _choose(indices, leading)
    done = frozenset(done)
    tasks = [Task(index, place) for place, index in enumerate(chosen) if index not in done]
    return tasks, chosen


def find_neighbour(index: Index, painted: Collection[Index]) -> Index | None:
    """Return the slice whose result another one starts from, if any.

    That is the nearest painted one before it along the last axis; where there is none, along the axis
    before that, and so on.
    """
    for axis in reversed(range(len(index))):
        for place in reversed(range(index[axis])):
            candidate = (*index[:axis], place, *index[axis + 1 :])
            if candidate in painted:
                return candidate
    return None


def pick(slices: Any, index: Index) -> Any:
    """Return a slice of a stack, as the stack gives it."""
    return slices[index[0] if len(index) == 1 else index]


def leading_shape(slices: Any) -> tuple[int, ...]:
    """Return the lengths of a stack's axes before (H, W[, C]).

    Raises
    ------
    InputError
        If it has no slices, or too few axes for one.
    """
    shape = getattr(slices, "shape", None)
    if shape is None:
        leading: tuple[int, ...] = (len(slices),)
        shape = leading
    elif len(shape) < 2:
        raise InputError(f"The stack has the shape {tuple(shape)}; its last axes must be (H, W).")
    else:
        leading = tuple(map(int, shape[: -3 if _has_colours(shape) else -2]))
    if 0 in leading:
        raise InputError(f"The stack has no slices: its shape is {tuple(shape)}.")
    return leading


def stack_shape(slices: Any, settings: Settings) -> tuple[int, ...]:
    """Return the shape (..., H, W, 3) of the result of a stack that is an array."""
    leading = leading_shape(slices)
    height, width = slices.shape[len(leading) : len(leading) + 2]
    return *leading, *result_shape((int(height), int(width)), settings.size), 3


def _has_colours(shape: tuple[int, ...]) -> bool:
    return len(shape) > 2 and shape[-1] in (1, 3, 4)


def _choose(indices: Iterable[Index | int] | None, leading: tuple[int, ...]) -> list[Index]:
    """Return the chosen indices in ascending order, each once."""
    if indices is None:
        return list(np.ndindex(*leading))
    chosen = set()
    for given in indices:
        index = tuple(map(operator.index, given if isinstance(given, tuple) else (given,)))
        within = (0 <= i < length for i, length in zip(index, leading, strict=False))
        if len(index) != len(leading) or not all(within):
            name = index[0] if len(index) == 1 else index
            raise InputError(f"There is no slice {name}; the stack's axes have {leading} slices.")
        chosen.add(index)
    if not chosen:
        raise InputError("No slice is chosen.")
    return sorted(chosen)
