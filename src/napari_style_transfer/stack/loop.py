"""Stacks: one slice after another, each started from its neighbour's result.

A method paints one picture; this is a loop around it. The first slice is painted in full. Every later one
starts from the result of the slice before it where both show the same, and gets the more evaluations the
more has changed, so that neighbours agree and the stack is done sooner (Ruder, Dosovitskiy & Brox 2016,
section 4.1). That result is taken as it is, or in a steady stack as the optical flow moves it; independent
slices take nothing.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from napari_style_transfer import methods
from napari_style_transfer.errors import ContentError, InputError
from napari_style_transfer.geometry import result_shape
from napari_style_transfer.methods.base import Controls, Method, Neighbour, Request
from napari_style_transfer.progress import Status, Step
from napari_style_transfer.settings import Settings
from napari_style_transfer.spec import Regions, SliceRegions
from napari_style_transfer.stack.base import ArrayOutput, SliceError, StackOutput
from napari_style_transfer.stack.forecast import Forecast
from napari_style_transfer.stack.plan import (
    Index,
    Task,
    find_neighbour,
    leading_shape,
    plan_tasks,
    stack_shape,
)
from napari_style_transfer.stack.relay import Relay
from napari_style_transfer.stack.scenes import Scenes
from napari_style_transfer.steering import Steering

if TYPE_CHECKING:
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
        What the engine said; the last one of a slice carries its picture.
    finished
        Whether the slice is done, and its picture in `out`. False on the last step of a slice in whose
        making the run was stopped.
    pixels_left
        Pixels times evaluations still to come, over all slices, as far as it is known; it never grows.
    alpha
        (h, w) opacity of the slice's content, of any size and real type; None if it is opaque.
    """

    index: Index
    position: int
    total: int
    step: Step
    finished: bool
    pixels_left: int
    alpha: npt.NDArray[Any] | None = None


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

    Yields
    ------
    SliceStep
        One for each evaluation; nothing for the slices in `done`.

    Raises
    ------
    SliceError
        If a slice cannot be painted and there is no `on_error`.
    InputError
        If the stack or a parameter cannot be used, or if no slice of the stack can be painted.

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
    painter = _Painter(
        slices=slices,
        output=output,
        first=Request.of((), style, settings=settings, init=init, bits=bits),
        chosen=chosen,
        stop=stop or (lambda: False),
        on_error=on_error,
        relay=Relay(steering or Steering(), regions),
        preview_interval=preview_interval,
        method=method,
        cache=cache,
    )
    return painter.paint(tasks)


@dataclass
class _Painter:
    """One run over a stack; its fields are the arguments of :func:`stylize_stack`.

    `first` is the request for a slice without a neighbour, but for its content and regions.
    """

    slices: Any
    output: StackOutput
    first: Request
    chosen: list[Index]
    stop: Callable[[], bool]
    on_error: Callable[[SliceError], None] | None
    relay: Relay
    preview_interval: float
    method: Method | None
    cache: Cache | None
    stopped: bool = field(default=False, init=False)
    begun: bool = field(default=False, init=False)
    scenes: Scenes | None = field(default=None, init=False)
    #: Slices that were read and may be needed again.
    contents: dict[Index, Any] = field(default_factory=dict, init=False)

    def paint(self, tasks: list[Task]) -> Iterator[SliceStep]:
        """Paint one slice after another, each in a frame of its own so that none outlives its turn."""
        if not tasks:
            return
        method = self.method or self._optimize()
        painted, errors = set(self.output.done), list[SliceError]()
        outdated = set[Index]()  # painted before something was changed
        if self.first.settings.coherence == "steady":
            self.scenes = Scenes(self.chosen, self._read, self._ask)
        forecast = Forecast(method.evaluations(self.first, follows=True))
        for number, task in enumerate(tasks, start=1):
            if self._ask():
                return
            before, updates = self._before(task.index, painted - outdated), self.relay.updates
            forecast.begin(len(tasks) - number, follows=bool(before))
            try:
                finished = yield from self._paint_slice(task, before, method, forecast)
            except SliceError as error:
                if self.on_error is None:
                    raise
                self.on_error(error)
                errors.append(error)
                continue
            if not finished:
                return
            if self.scenes is not None and self.relay.updates > updates:
                outdated |= painted
            painted.add(task.index)
        if len(errors) == len(self.chosen):
            total = len(self.chosen)
            which = "The slice" if total == 1 else f"None of the {total} slices"
            verb = "cannot" if total == 1 else "can"
            raise InputError(f"{which} {verb} be painted. {errors[0]}")

    def _optimize(self) -> Method:
        if self.cache is None:
            return methods.create()
        from napari_style_transfer.methods.optimize import Optimize

        return Optimize(self.cache)

    def _paint_slice(
        self, task: Task, before: Sequence[Index], method: Method, forecast: Forecast
    ) -> Generator[SliceStep, None, bool]:
        """Paint one slice and return whether it is done, rather than dropped."""
        index = task.index
        self.relay.begin(index)
        request = self._request(index, before, method)
        steps = self._start(index, request, method)
        del request
        content = self.contents[index]
        alpha = content[..., 3] if content.shape[2:] == (4,) else None
        pixels = math.prod(result_shape(content.shape[:2], self.first.settings.size))
        finished = False
        for step in steps:
            # A run also ends as stopped by its own `stop_after`, which is part of the plan.
            dropped = step.status is Status.STOPPED and self.stopped
            finished = step.status is not Status.RUNNING and not dropped
            if finished:
                assert step.picture is not None  # a method's promise for the last step of every run
                self.output.write(index, step.picture, alpha)
            left = forecast.left(step, pixels)
            yield SliceStep(index, task.position, len(self.chosen), step, finished, left, alpha)
        return finished

    def _before(self, index: Index, painted: Collection[Index]) -> tuple[Index, ...]:
        """Return the slices from which another one takes something over: its neighbour, then anchors."""
        if self.scenes is not None:
            return self.scenes.before(index, painted)
        if self.first.settings.coherence == "independent":
            return ()
        neighbour = find_neighbour(index, painted)
        return () if neighbour is None else (neighbour,)

    def _request(self, index: Index, before: Sequence[Index], method: Method) -> Request:
        """Read a slice and return the request for it."""
        references = () if self.scenes is None else self.scenes.references(index)
        # Nothing else is held while this one is read.
        kept = {*before, *references}
        self.contents = {each: held for each, held in self.contents.items() if each in kept}
        content = self._kept(index)
        request = self.first.replace(
            content=content,
            regions=self.relay.regions(),
            references=self._readable(references),
        )
        if not before:
            return request
        # Their pictures are read back rather than remembered, so that a run that goes on sees the same.
        earlier = [
            Neighbour(partial(self._kept, each), np.asarray(self.output[each])) for each in before
        ]
        try:
            return method.following(request, earlier[0], earlier[1:])
        except SliceError:  # one of them, painted before, can be read no more
            return request.replace(init=None)
        except InputError as error:
            raise SliceError(index, str(error)) from None
        finally:
            if self.scenes is None:
                self.contents = {index: content}

    def _readable(self, indices: Iterable[Index]) -> tuple[Any, ...]:
        """Return those of some slices that can be read."""
        found = []
        for index in indices:
            with contextlib.suppress(SliceError):
                found.append(self._kept(index))
        return tuple(found)

    def _kept(self, index: Index) -> Any:
        """Return a slice, read once as long as it is needed."""
        if index not in self.contents:
            self.contents[index] = self._read(index)
        return self.contents[index]

    def _read(self, index: Index) -> Any:
        try:
            return np.asarray(self.slices[index[0] if len(index) == 1 else index])
        except (SliceError, MemoryError):
            raise
        except InputError as error:
            raise SliceError(index, str(error)) from None
        except Exception as error:  # whatever the storage behind the stack raises
            raise SliceError(index, f"It cannot be read: {str(error).rstrip('.')}.") from error

    def _start(self, index: Index, request: Request, method: Method) -> Iterator[Step]:
        controls = Controls(self.relay, self._ask, self.preview_interval)
        try:
            steps = method.run(request, controls)
        except ContentError as error:
            raise SliceError(index, str(error)) from None
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
