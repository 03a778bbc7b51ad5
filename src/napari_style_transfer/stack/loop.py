"""Stacks: one slice after another, each started from its neighbour's result.

A method paints one picture; this is a loop around it. The first slice is painted in full. Every later one
starts from the result of the slice before it where both show the same, and gets the more evaluations the
more has changed, so that neighbours agree and the stack is done sooner (Ruder, Dosovitskiy & Brox 2016,
section 4.1). That result is taken as it is, or in a steady stack as the optical flow moves it; independent
slices take nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from napari_style_transfer import methods
from napari_style_transfer.errors import InputError
from napari_style_transfer.methods.base import Method, Request
from napari_style_transfer.progress import Step
from napari_style_transfer.settings import Settings
from napari_style_transfer.spec import Regions, SliceRegions
from napari_style_transfer.stack.base import ArrayOutput, Shareable, SliceError, StackOutput
from napari_style_transfer.stack.forecast import Forecast
from napari_style_transfer.stack.order import Order
from napari_style_transfer.stack.painter import Painting, SlicePainter, read_slice
from napari_style_transfer.stack.plan import (
    Index,
    Task,
    leading_shape,
    pick,
    plan_tasks,
    stack_shape,
)
from napari_style_transfer.stack.relay import Relay
from napari_style_transfer.stack.scenes import Scenes
from napari_style_transfer.steering import Steering

if TYPE_CHECKING:
    from distributed import Client

    from napari_style_transfer.engine.cache import Cache


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
        What the engine said; the last one of a slice carries its picture, unless a worker painted it.
    finished
        Whether the slice is done, and its picture in `out`. False on the last step of a slice in whose
        making the run was stopped.
    pixels_left
        Pixels times evaluations still to come, over all slices, as far as it is known; it never grows.
    alpha
        (h, w) opacity of the slice's content, of any size and real type; None if it is opaque, or painted
        by a worker.
    work
        Pixels times evaluations since the message before.
    """

    index: Index
    position: int
    total: int
    step: Step
    finished: bool
    pixels_left: int
    alpha: npt.NDArray[Any] | None = None
    work: int = 0


def stylize_stack(
    slices: Any,
    style: Any,
    *,
    out: StackOutput | Any,
    indices: Iterable[Index | int] | None = None,
    done: Collection[Index] = (),
    settings: Settings | None = None,
    init: Any = None,
    regions: Regions | SliceRegions | None = None,
    steering: Steering | None = None,
    cache: Cache | None = None,
    method: Method | None = None,
    stop: Callable[[], bool] | None = None,
    on_error: Callable[[SliceError], None] | None = None,
    preview_interval: float = 0.3,
    client: Client | None = None,
    **overrides: Any,
) -> Iterator[SliceStep]:
    """Paint the slices of a stack, in ascending order, each only once.

    Slices and parameters are checked at the call; the work begins with the iteration. Slices are read one
    at a time, no more than two are held at once, and nothing but `out` grows with their number.

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
        Takes the results, and has those of slices that are done: an array (..., H, W, 3) such as numpy's
        or zarr's, uint8 or, for 16 bits, uint16; a dict; or a
        :class:`~napari_style_transfer.stack.base.StackOutput`.
    indices
        The slices to paint; all where None. For one leading axis plain numbers will do.
    done
        The slices whose results are in `out` already, where that does not know it itself.
    settings, cache, preview_interval, **overrides
        As for :func:`~napari_style_transfer.iter_stylize`. One cache serves all slices.
    regions
        Where each style goes, in all slices; or for regions that move, what returns those of a slice
        by its index. If that raises InputError, the slice cannot be painted.
    method
        What paints them; by optimisation if None.
    steering
        As for :func:`~napari_style_transfer.iter_stylize`; what was changed stays so for later slices.
    init
        A picture to start from, for slices that no neighbour comes before.
    stop
        Asked after each evaluation; once it answers true, the slice in the making is dropped.
    on_error
        Called with each slice that cannot be painted, for example because it cannot be read or has no
        finite values. It is left out, and the next one starts from the nearest slice that is painted.
        If None, the first such slice ends the run.
    client
        A client of dask.distributed (extra ``cluster``). Its workers paint as many slices at once as can
        be, to the same bytes where they compute with as many threads. Of a steady stack they paint scenes
        at once, and the frames of each one after another; of neighbours, slices that do not wait for each
        other. Workers need this version of the package. They read `slices`, unless these are in memory,
        and write to `out`: a zarr array in files, or another output that they all reach. A slice is tried
        twice before it is left out.

    Yields
    ------
    SliceStep
        One for each evaluation, or with `client` for each slice; nothing for the slices in `done`.

    Raises
    ------
    SliceError
        If a slice cannot be painted and there is no `on_error`.
    InputError
        If the stack or a parameter cannot be used, or if no slice of the stack can be painted.
    LostSchedulerError
        If the scheduler of `client` answers no more. What is done is kept.

    Examples
    --------
    >>> out = np.zeros(stack_shape(volume, settings), np.uint8)  # doctest: +SKIP
    >>> for message in stylize_stack(volume, style, out=out, settings=settings):  # doctest: +SKIP
    ...     print(message.position, message.step.losses.total)
    """
    settings = (settings or Settings()).replace(**overrides)
    output = out if isinstance(out, StackOutput) else ArrayOutput(out, done)
    tasks, chosen = plan_tasks(leading_shape(slices), indices, output.done)
    if hasattr(slices, "shape") and hasattr(out, "shape"):
        expected = stack_shape(slices, settings)
        if tuple(out.shape) != expected:
            raise InputError(
                f"The array for the results has the shape {tuple(out.shape)}; it must be {expected}."
            )
    bits: Literal[8, 16] = 16 if output.dtype == np.uint16 else 8
    run = _Run(
        slices=slices,
        output=output,
        first=Request.of((), style, settings=settings, init=init, bits=bits),
        tasks=tasks,
        chosen=chosen,
        stop=stop or (lambda: False),
        on_error=on_error,
        regions=regions,
        method=method,
    )
    if client is None:
        return run.in_turn(steering or Steering(), preview_interval, cache)
    if steering is not None:
        raise InputError("What workers paint cannot be steered; leave out `steering` or `client`.")
    if not isinstance(output, Shareable):
        raise InputError("Workers cannot write into this output; give a zarr array in files.")
    return run.on_workers(client, output.shared())


@dataclass
class _Run:
    """One run over a stack; its fields are the arguments of :func:`stylize_stack`.

    `first` is the request for a slice without a neighbour, but for its content and regions.
    """

    slices: Any
    output: StackOutput
    first: Request
    tasks: list[Task]
    chosen: list[Index]
    stop: Callable[[], bool]
    on_error: Callable[[SliceError], None] | None
    regions: Regions | SliceRegions | None
    method: Method | None
    errors: list[SliceError] = field(default_factory=list, init=False)

    def in_turn(
        self, steering: Steering, preview_interval: float, cache: Cache | None
    ) -> Iterator[SliceStep]:
        """Paint one slice after another, each in a frame of its own so that none outlives its turn."""
        if not self.tasks:
            return
        relay = Relay(steering, self.regions)
        painter = SlicePainter(
            load=partial(pick, self.slices),
            output=self.output,
            first=self.first,
            method=self.method or _optimize(cache),
            relay=relay,
            stop=self.stop,
            preview_interval=preview_interval,
        )
        painted = set(self.output.done)
        outdated = set[Index]()  # painted before something was changed
        order = self._order(painter.ask)
        forecast = Forecast(painter.method.evaluations(self.first, follows=True))
        for number, task in enumerate(self.tasks, start=1):
            if painter.ask():
                return
            before, updates = order.before(task.index, painted - outdated), relay.updates
            forecast.begin(len(self.tasks) - number, follows=bool(before))
            paintings = painter.paint(task.index, before, order.references(task.index))
            try:
                finished = yield from self._told(task, paintings, forecast)
            except SliceError as error:
                self._leave_out(error)
                continue
            if not finished:
                return
            if order.steady and relay.updates > updates:
                outdated |= painted
            painted.add(task.index)
        self._check_any()

    def on_workers(self, client: Client, output: StackOutput) -> Iterator[SliceStep]:
        """Paint on a client's workers as many slices at once as can be, and say when one is done."""
        from napari_style_transfer.stack.spread import Shared, Spread, in_memory

        if not self.tasks:
            return
        slices = None if in_memory(self.slices) else self.slices
        shared = Shared(slices, output, self.first, self.regions, self.method)
        order = self._order(self.stop)
        spread = Spread(client, shared, order, self.slices, self.tasks, frozenset(self.output.done))
        done, work, least = 0, 0, math.inf
        for task, settled in spread.run(self.stop):
            if isinstance(settled, SliceError):
                self._leave_out(settled)
                continue
            done, work = done + 1, work + settled.work
            least = min(least, work / done * len(spread))
            step, left = settled.step, round(least)
            yield SliceStep(
                task.index, task.position, len(self.chosen), step, True, left, work=settled.work
            )
        if not len(spread):
            self._check_any()

    def _told(
        self, task: Task, paintings: Generator[Painting, None, bool], forecast: Forecast
    ) -> Generator[SliceStep, None, bool]:
        """Say how far one slice is, and return whether it is done."""
        finished = False
        for painting in paintings:
            step, finished = painting.step, painting.finished
            left, work = forecast.left(step, painting.pixels), math.prod(step.shape)
            yield SliceStep(
                task.index,
                task.position,
                len(self.chosen),
                step,
                finished,
                left,
                painting.alpha,
                work,
            )
        return finished

    def _order(self, stop: Callable[[], bool]) -> Order:
        coherence, scenes = self.first.settings.coherence, None
        if coherence == "steady":
            read = partial(read_slice, partial(pick, self.slices))
            scenes = Scenes.find(self.chosen, read, stop)
        return Order(scenes, independent=coherence == "independent")

    def _leave_out(self, error: SliceError) -> None:
        if self.on_error is None:
            raise error
        self.on_error(error)
        self.errors.append(error)

    def _check_any(self) -> None:
        """Refuse a stack of which nothing can be painted."""
        if len(self.errors) == len(self.chosen):
            total = len(self.chosen)
            which = "The slice" if total == 1 else f"None of the {total} slices"
            verb = "cannot" if total == 1 else "can"
            raise InputError(f"{which} {verb} be painted. {self.errors[0]}")


def _optimize(cache: Cache | None) -> Method:
    if cache is None:
        return methods.create()
    from napari_style_transfer.methods.optimize import Optimize

    return Optimize(cache)
