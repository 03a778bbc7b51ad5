"""Tasks on the workers of a client: handed in a few at a time, taken back as they are done."""

from __future__ import annotations

import contextlib
import itertools
import queue
import uuid
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import cloudpickle

from napari_style_transfer.cluster.connect import check_workers, own_version
from napari_style_transfer.errors import LostSchedulerError, StyleTransferError

if TYPE_CHECKING:
    from distributed import Client, Future

#: Tries of a task that raises an exception.
TRIES = 2

T = TypeVar("T")

#: Does a task: takes what all tasks share, the task, and what says whether it was cancelled.
Work = Callable[[Any, Any, Callable[[], bool]], Any]


class KilledError(StyleTransferError):
    """A task ended several workers, one after another."""


@dataclass(frozen=True)
class Result(Generic[T]):
    """How a task ended.

    Attributes
    ----------
    task
        The task.
    value
        What it returned; None if it raised an exception.
    worker
        Address of the worker that did it; "" if it raised an exception.
    error
        What it raised after all tries.
    """

    task: T
    value: Any = None
    worker: str = ""
    error: BaseException | None = None


class Pool(Generic[T]):
    """The tasks of one run.

    Parameters
    ----------
    client
        A client of dask.distributed.
    work
        Does a task; a function of a module that the workers have.
    common
        What all tasks share. It goes to a worker once, as do all tasks in bytes.
    """

    def __init__(self, client: Client, work: Work, common: Any) -> None:
        check_workers(client)
        self._client, self._token = client, uuid.uuid4().hex
        self._address = client.scheduler.address
        packed = zlib.compress(cloudpickle.dumps((work, common)), 1)
        # A task of its own, not scattered data: the scheduler makes it again if its worker is lost.
        hold, self._run = _entry()
        self._common = client.submit(hold, packed, key=f"common-{self._token}", pure=False)
        self._tasks: dict[str, tuple[Future, T]] = {}
        self._done: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._numbers = itertools.count()

    def __len__(self) -> int:
        """Return how many tasks are under way."""
        return len(self._tasks)

    @property
    def threads(self) -> int:
        """How many threads all workers have together."""
        with self._scheduler():
            return sum(self._client.nthreads().values())

    def submit(self, tasks: Sequence[T], worker: str = "") -> None:
        """Hand in tasks.

        Parameters
        ----------
        tasks
            The tasks.
        worker
            Address of the worker that should do them, if it is there; any if "".

        Raises
        ------
        LostSchedulerError
            If the scheduler answers no more.
        """
        if not tasks:
            return
        keys = [f"task-{self._token}-{next(self._numbers)}" for _ in tasks]
        with self._scheduler():
            futures = self._client.map(
                self._run,
                [cloudpickle.dumps(task) for task in tasks],
                packed=self._common,
                token=self._token,
                version=own_version(),
                key=keys,
                retries=TRIES - 1,
                pure=False,
                workers=worker or None,
                allow_other_workers=bool(worker),
            )
        for future, task in zip(futures, tasks, strict=True):
            self._tasks[future.key] = future, task
            future.add_done_callback(self._note)

    def completed(self, seconds: float) -> Iterator[Result[T]]:
        """Return the tasks that have ended, after waiting for one for some time.

        Raises
        ------
        LostSchedulerError
            If the scheduler answers no more.
        """
        keys = list[str]()
        try:
            keys.append(self._done.get(timeout=seconds))
            while True:
                keys.append(self._done.get_nowait())
        except queue.Empty:
            pass
        ended = [(self._tasks[key], key) for key in keys if key in self._tasks]
        statuses = [future.status for (future, _), _ in ended]
        finished = [
            future
            for ((future, _), _), status in zip(ended, statuses, strict=True)
            if status == "finished"
        ]
        try:
            values = iter(self._client.gather(finished))
        except (CancelledError, OSError):
            raise self._lost() from None
        for ((future, task), key), status in zip(ended, statuses, strict=True):
            if status == "cancelled":
                raise self._lost()
            if status not in ("finished", "error"):  # its worker ended, and it is done again
                self._done.put(key)
                continue
            del self._tasks[key]
            if status == "error":
                yield Result(task, error=_understood(future.exception()))
            else:
                value, worker = next(values)
                yield Result(task, value, worker)

    def cancel(self) -> None:
        """Cancel what is under way: workers notice it, and drop what they are making."""
        futures = [future for future, _ in self._tasks.values()]
        self._tasks.clear()
        if self._client.status == "running":
            self._client.cancel([*futures, self._common])

    def _note(self, future: Future) -> None:
        self._done.put(future.key)

    @contextlib.contextmanager
    def _scheduler(self) -> Iterator[None]:
        """Say of whatever goes wrong that the scheduler was lost, if it was."""
        try:
            yield
        except Exception:  # dask's own kind, which depends on its version
            if self._client.status == "running":
                raise
            raise self._lost() from None

    def _lost(self) -> LostSchedulerError:
        return LostSchedulerError(f"The scheduler {self._address} was lost.")


def _entry() -> tuple[Callable[[bytes], bytes], Callable[..., tuple[Any, str]]]:
    """Return what holds bytes on a worker, and what does a task there.

    As functions within a function they are sent as a whole. A worker that lacks this package can thus
    unpack them, and say what it lacks; others would end it.
    """

    def hold(packed: bytes) -> bytes:
        return packed

    def run(task: bytes, **common: Any) -> tuple[Any, str]:
        from napari_style_transfer.cluster.worker import run_task

        return run_task(task, **common)

    return hold, run


def _understood(error: BaseException) -> BaseException:
    """Return an exception of dask's or Python's as one of ours where that says more."""
    from distributed import KilledWorker

    if isinstance(error, KilledWorker):
        return KilledError("Workers ended, one after another, while they worked on it")
    if isinstance(error, ModuleNotFoundError):
        return StyleTransferError(f"A worker lacks something that is needed: {error}.")
    return error
