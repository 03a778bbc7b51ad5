"""A stack on many workers: each slice is a task, and what slices take over decides what can go on at once.

Workers read slices and write results by themselves, as long as both are in files that all of them see. Only
slices in memory are sent along with their tasks.
"""

from __future__ import annotations

import math
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_style_transfer import methods
from napari_style_transfer.cluster.pool import KilledError, Pool, Result
from napari_style_transfer.errors import InputError
from napari_style_transfer.methods.base import Method, Request
from napari_style_transfer.progress import Step
from napari_style_transfer.spec import Regions, SliceRegions
from napari_style_transfer.stack.base import SliceError, StackOutput
from napari_style_transfer.stack.folder import PageFiles
from napari_style_transfer.stack.order import Order, Queue
from napari_style_transfer.stack.painter import SlicePainter
from napari_style_transfer.stack.plan import Index, Task, pick
from napari_style_transfer.stack.relay import Relay
from napari_style_transfer.steering import Steering

if TYPE_CHECKING:
    from distributed import Client

#: Independent slices handed in at once, for each thread of the workers.
_AHEAD = 4
#: Seconds after which a run that waits looks whether it is to stop.
_PATIENCE = 0.2


@dataclass
class Shared:
    """What all slices of a stack share; each worker gets it once.

    Attributes
    ----------
    slices
        The stack, read by the workers; None where it is in memory.
    output
        Takes the results from any process.
    first
        The request for a slice without a neighbour, but for its content and regions.
    regions
        Where each style goes.
    method
        What paints; by optimisation if None.
    painter
        Keeps, on a worker, the network and slices that were read.
    """

    slices: Any
    output: StackOutput
    first: Request
    regions: Regions | SliceRegions | None
    method: Method | None
    painter: SlicePainter | None = field(default=None, init=False)


@dataclass(frozen=True)
class SliceTask:
    """A slice for a worker to paint.

    Attributes
    ----------
    task
        The slice.
    before, references
        As for :meth:`~napari_style_transfer.stack.painter.SlicePainter.paint`.
    contents
        What it needs of a stack in memory.
    begun
        Whether style and parameters were good for another slice.
    """

    task: Task
    before: tuple[Index, ...]
    references: tuple[Index, ...]
    contents: Mapping[Index, Any]
    begun: bool = False


@dataclass(frozen=True)
class Painted:
    """A slice that is painted and kept.

    Attributes
    ----------
    step
        The last one, without its picture.
    work
        Pixels times evaluations that it took.
    """

    step: Step
    work: int


def in_memory(slices: Any) -> bool:
    """Return whether a stack is in this process's memory, so that slices are sent to the workers."""
    return isinstance(slices, np.ndarray | list | tuple)


class Spread:
    """One run over a stack on many workers.

    Parameters
    ----------
    client
        A client of dask.distributed.
    shared
        What all slices share.
    order
        What slices take over from others.
    slices
        The stack.
    tasks
        The slices to paint, in ascending order.
    done
        Slices that are painted.
    """

    def __init__(
        self,
        client: Client,
        shared: Shared,
        order: Order,
        slices: Any,
        tasks: Sequence[Task],
        done: frozenset[Index],
    ) -> None:
        self._order, self._slices = order, slices if in_memory(slices) else None
        self._queue = Queue(order, tasks, done)
        self._pool: Pool[SliceTask] = Pool(client, paint, shared)
        self._where: dict[Index, str] = {}
        self._undecided: list[Result[SliceTask]] = []
        self._painted = 0

    def __len__(self) -> int:
        """Return how many slices are not settled."""
        return len(self._queue)

    def run(self, stop: Callable[[], bool]) -> Iterator[tuple[Task, Painted | SliceError]]:
        """Yield what became of each slice, until all are settled or `stop` answers true.

        Raises
        ------
        InputError
            If no slice can be painted so, or a result cannot be kept.
        LostSchedulerError
            If the scheduler answers no more.
        """
        try:
            while len(self._queue) and not stop():
                self._hand_in()
                for result in self._pool.completed(_PATIENCE):
                    settled = self._settle(result)
                    if settled is not None:
                        yield result.task.task, settled
                if self._undecided and not len(self._pool):
                    assert self._undecided[0].error is not None
                    raise self._undecided[0].error
        finally:
            self._pool.cancel()

    def _hand_in(self) -> None:
        """Keep the workers busy."""
        ahead = _AHEAD if self._order.independent else 1
        free = max(1, self._pool.threads) * ahead - len(self._pool)
        anywhere = []
        while free > 0 and not self._undecided and (taken := self._queue.take()) is not None:
            task, before = taken
            references = self._order.references(task.index)
            needed = (task.index, *before, *references) if self._slices is not None else ()
            contents = {each: np.asarray(pick(self._slices, each)) for each in needed}
            piece = SliceTask(task, before, references, contents, self._painted > 0)
            # A worker still has the frames that it read for the one before.
            worker = self._where.get(before[0], "") if before else ""
            if worker:
                self._pool.submit([piece], worker)
            else:
                anywhere.append(piece)
            free -= 1
        self._pool.submit(anywhere)

    def _settle(self, result: Result[SliceTask]) -> Painted | SliceError | None:
        """Take a task back; return None if it is to be done again, or later decided upon."""
        index, error = result.task.task.index, result.error
        if error is None:
            return self._note_painted(index, result)
        if isinstance(error, KilledError):
            error = SliceError(index, f"{error}.")
        if isinstance(error, SliceError):
            self._queue.settle(index, painted=False)
            return error
        if not isinstance(error, InputError) or result.task.begun:
            raise error
        # The style may be at fault, or only this slice: that is known when another one is painted.
        self._undecided.append(result)
        self._decide()
        return None

    def _note_painted(self, index: Index, result: Result[SliceTask]) -> Painted | None:
        if result.value is None:  # dropped by its worker, for example as that was shut down
            self._pool.submit([result.task])
            return None
        self._queue.settle(index, painted=True)
        self._painted += 1
        if not self._order.independent:
            self._where[index] = result.worker
        self._decide()
        painted: Painted = result.value
        return painted

    def _decide(self) -> None:
        if self._painted:
            self._pool.submit([replace(each.task, begun=True) for each in self._undecided])
            self._undecided = []


def paint(shared: Shared, piece: SliceTask, cancelled: Callable[[], bool]) -> Painted | None:
    """Paint a slice on a worker, and keep its result; return None if it was dropped."""
    painter = shared.painter
    if painter is None:
        if isinstance(shared.output, PageFiles):
            shared.output.check_reach(f"The worker on {socket.gethostname()}")
        painter = shared.painter = SlicePainter(
            load=lambda _: None,
            output=shared.output,
            first=shared.first,
            method=shared.method or methods.create(),
            relay=Relay(Steering(), shared.regions),
            stop=cancelled,
            preview_interval=math.inf,
        )
    painter.load = lambda index: _read(shared.slices, piece.contents, index)
    painter.stop, painter.stopped = cancelled, False
    painter.begun = painter.begun or piece.begun
    work, painting = 0, None
    for painting in painter.paint(piece.task.index, piece.before, piece.references):
        work += math.prod(painting.step.shape)
    if painting is None or not painting.finished:
        return None
    return Painted(replace(painting.step, picture=None), work)


def _read(slices: Any, contents: Mapping[Index, Any], index: Index) -> Any:
    if slices is None:
        return contents[index]
    found = pick(slices, index)
    # A lazy array is computed here: dask would make tasks of it, for which this one would wait.
    return found.compute(scheduler="synchronous") if hasattr(found, "dask") else found
