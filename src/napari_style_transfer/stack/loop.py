"""Stacks: one slice after another, each started from its neighbour's result.

The engine paints one picture; this is a loop around it. The first slice is painted in full. Every later
one starts from the result of the slice before it and is painted at full size only, with fewer
evaluations, so that neighbours agree (no flicker) and the stack is done sooner (Ruder, Dosovitskiy & Brox
2016, section 4.1, without the optical flow).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from napari_style_transfer import methods
from napari_style_transfer.errors import InputError
from napari_style_transfer.geometry import result_shape
from napari_style_transfer.methods.base import Controls, Method, Neighbour, Request
from napari_style_transfer.progress import Status, Step
from napari_style_transfer.settings import Settings
from napari_style_transfer.spec import Regions
from napari_style_transfer.stack.plan import (
    Index,
    Task,
    leading_shape,
    plan_tasks,
    stack_shape,
)
from napari_style_transfer.steering import Steering, Update

if TYPE_CHECKING:
    from napari_style_transfer.engine.cache import Cache


class Target(Protocol):
    """What takes the results, such as a numpy or zarr array (..., H, W, 3) uint8 or uint16."""

    def __getitem__(self, index: Index, /) -> Any:
        """Return the result of a slice that is done."""

    def __setitem__(self, index: Index, picture: Any, /) -> None:
        """Keep the result of a slice, (H, W, 3)."""


@dataclass(frozen=True)
class SliceStep:
    """State of a stack after one evaluation.

    Attributes
    ----------
    index
        The slice being painted.
    position, total
        Its place, from 0, among the chosen slices, and how many these are, those done before included.
    step
        What the engine said; the last one of a slice carries its picture.
    finished
        Whether the slice is done, and its picture in `out`. False on the last step of a slice in whose
        making the run was stopped.
    pixels_left
        Pixels times evaluations still to come, over all slices.
    """

    index: Index
    position: int
    total: int
    step: Step
    finished: bool
    pixels_left: int


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


def stylize_stack(
    slices: Any,
    style: Any,
    *,
    out: Target,
    indices: Iterable[Index | int] | None = None,
    done: Collection[Index] = (),
    settings: Settings | None = None,
    init: Any = None,
    regions: Regions | None = None,
    steering: Steering | None = None,
    cache: Cache | None = None,
    method: Method | None = None,
    stop: Callable[[], bool] | None = None,
    preview_interval: float = 0.3,
    **overrides: Any,
) -> Iterator[SliceStep]:
    """Paint the slices of a stack, in ascending order, each only once.

    Slices and parameters are checked at the call; the work begins with the iteration. One slice at a time
    is read, and nothing but `out` grows with their number.

    A run that was stopped goes on exactly where it ended when it is called again with the same
    arguments and the finished slices as `done`.

    Parameters
    ----------
    slices
        An array (numpy, dask, zarr, ...) of shape (..., H, W) or (..., H, W, 1 | 3 | 4), or a sequence of
        pictures, which may differ in shape. A last axis of 1, 3 or 4 is taken for colours.
    style
        As for :func:`~napari_style_transfer.iter_stylize`.
    out
        Takes the results, of 16 bits where its type is uint16; those of `done` are read from it.
    indices
        The slices to paint; all where None. For one leading axis plain numbers will do.
    done
        The slices whose results are in `out` already.
    settings, regions, cache, preview_interval, **overrides
        As for :func:`~napari_style_transfer.iter_stylize`. One cache serves all slices.
    method
        What paints them; by optimisation if None.
    steering
        As for :func:`~napari_style_transfer.iter_stylize`; what was changed stays so for later slices.
    init
        A picture to start from, for slices that no neighbour comes before.
    stop
        Asked after each evaluation; once it answers true, the slice in the making is dropped.

    Yields
    ------
    SliceStep
        One for each evaluation; nothing for the slices in `done`.

    Raises
    ------
    InputError
        If the stack, a slice of it, or a parameter cannot be used.

    Examples
    --------
    >>> out = np.zeros(stack_shape(volume, settings), np.uint8)  # doctest: +SKIP
    >>> for message in stylize_stack(volume, style, out=out, settings=settings):  # doctest: +SKIP
    ...     print(message.position, message.step.losses.total)
    """
    settings = (settings or Settings()).replace(**overrides)
    tasks, total = plan_tasks(leading_shape(slices), indices, done)
    if hasattr(slices, "shape") and hasattr(out, "shape"):
        expected = stack_shape(slices, settings)
        if tuple(out.shape) != expected:
            raise InputError(
                f"The array for the results has the shape {tuple(out.shape)}; it must be {expected}."
            )
    kind = np.dtype(getattr(out, "dtype", np.uint8))
    if kind not in (np.uint8, np.uint16):
        raise InputError(f"The array for the results is of {kind}; it must be of uint8 or uint16.")
    bits: Literal[8, 16] = 16 if kind == np.uint16 else 8
    painter = _Painter(
        slices=slices,
        out=out,
        first=Request.of((), style, settings=settings, init=init, regions=regions, bits=bits),
        total=total,
        stop=stop or (lambda: False),
        relay=_Relay(steering or Steering()),
        preview_interval=preview_interval,
        method=method,
        cache=cache,
    )
    return painter.paint(tasks)


@dataclass
class _Painter:
    """One run over a stack; its fields are the arguments of :func:`stylize_stack`.

    `first` is the request for a slice without a neighbour, but for its content.
    """

    slices: Any
    out: Target
    first: Request
    total: int
    stop: Callable[[], bool]
    relay: _Relay
    preview_interval: float
    method: Method | None
    cache: Cache | None
    stopped: bool = field(default=False, init=False)
    begun: bool = field(default=False, init=False)

    def paint(self, tasks: list[Task]) -> Iterator[SliceStep]:
        """Paint one slice after another, each in a frame of its own so that none outlives its turn."""
        if not tasks:
            return
        method = self.method or self._optimize()
        evaluations = {
            follows: method.evaluations(self.first, follows) for follows in (False, True)
        }
        to_come = sum(evaluations[task.neighbour is not None] for task in tasks)
        for task in tasks:
            if self._ask():
                return
            to_come -= evaluations[task.neighbour is not None]
            finished = yield from self._paint_slice(task, to_come, method)
            if not finished:
                return

    def _optimize(self) -> Method:
        if self.cache is None:
            return methods.create()
        from napari_style_transfer.methods.optimize import Optimize

        return Optimize(self.cache)

    def _paint_slice(
        self, task: Task, to_come: int, method: Method
    ) -> Generator[SliceStep, None, bool]:
        """Paint one slice and return whether it is done, rather than dropped."""
        index = task.index
        content = self._read(index)
        request = self.first.replace(content=content)
        if task.neighbour is not None:
            # Read back rather than remembered, so that a run that goes on sees what the first one saw.
            picture = np.asarray(self.out[task.neighbour])
            neighbour = Neighbour(partial(self._read, task.neighbour), picture)
            request = method.following(request, neighbour)
        self.relay.repeat()
        steps = self._start(index, request, method)
        pixels = math.prod(result_shape(content.shape[:2], request.settings.size))
        finished = False
        for step in steps:
            # A run also ends as stopped by its own `stop_after`, which is part of the plan.
            dropped = step.status is Status.STOPPED and self.stopped
            finished = step.status is not Status.RUNNING and not dropped
            if finished:
                self.out[index] = step.picture
            left = step.pixels_left + to_come * pixels
            yield SliceStep(index, task.position, self.total, step, finished, left)
        return finished

    def _read(self, index: Index) -> Any:
        return np.asarray(self.slices[index[0] if len(index) == 1 else index])

    def _start(self, index: Index, request: Request, method: Method) -> Iterator[Step]:
        controls = Controls(self.relay, self._ask, self.preview_interval)
        try:
            steps = method.run(request, controls)
        except InputError as error:
            if not self.begun:
                raise
            # Style and parameters were good for the slices before: it is this one.
            raise SliceError(index, str(error)) from None
        self.begun = True
        return steps

    def _ask(self) -> bool:
        self.stopped = self.stopped or self.stop()
        return self.stopped


class _Relay(Steering):
    """Hands a user's updates to the run of each slice, and those of earlier slices first.

    Parameters
    ----------
    source
        What the user steers with.
    """

    def __init__(self, source: Steering) -> None:
        super().__init__()
        self._source = source
        self._heard: Update | None = None
        self._repeated = True

    def repeat(self) -> None:
        """Let the next run have all that was wished so far."""
        self._repeated = False

    @property
    def paused(self) -> bool:
        """Whether the run is to wait."""
        return self._source.paused

    def wait(self, seconds: float) -> None:
        """Wait until the run may go on, but not longer than `seconds`."""
        self._source.wait(seconds)

    def take(self) -> Update | None:
        """Return what is new to the run, if anything."""
        new = self._source.take()
        if new is not None:
            self._heard = (self._heard or Update()).then(new)
        repeated, self._repeated = self._repeated, True
        return new if repeated else self._heard
