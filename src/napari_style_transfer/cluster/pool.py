"""Tasks on the workers of a client: handed in a few at a time, taken back as they are done.

A worker paints one task at a time in a process, whatever the number of its threads. It unpacks what all
tasks share only once, so that there is one network in each process.
"""

from __future__ import annotations

import itertools
import queue
import threading
import uuid
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import cloudpickle

from napari_style_transfer.cluster.connect import check_version, check_workers, own_version
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
        self._common = client.submit(_hold, packed, key=f"common-{self._token}", pure=False)
        self._tasks: dict[str, tuple[Future, T]] = {}
        self._done: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._numbers = itertools.count()

    def __len__(self) -> int:
        """Return how many tasks are under way."""
        return len(self._tasks)

    @property
    def threads(self) -> int:
        """How many threads all workers have together."""
        try:
            return sum(self._client.nthreads().values())
        except Exception:  # dask's own kind, which depends on its version
            if self._client.status == "running":
                raise
            raise self._lost() from None

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
        try:
            futures = self._client.map(
                _run,
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
        except Exception:  # dask's own kind, which depends on its version
            if self._client.status == "running":
                raise
            raise self._lost() from None
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
        ended = [self._tasks.pop(key) for key in keys if key in self._tasks]
        finished = [future for future, _ in ended if future.status == "finished"]
        try:
            values = iter(self._client.gather(finished))
        except (CancelledError, OSError):
            raise self._lost() from None
        for future, task in ended:
            if future.status == "finished":
                value, worker = next(values)
                yield Result(task, value, worker)
            elif future.status == "error":
                yield Result(task, error=_understood(future.exception()))
            else:
                raise self._lost()

    def cancel(self) -> None:
        """Cancel what is under way: workers notice it, and drop what they are making."""
        futures = [future for future, _ in self._tasks.values()]
        self._tasks.clear()
        if self._client.status == "running":
            self._client.cancel([*futures, self._common])

    def _note(self, future: Future) -> None:
        self._done.put(future.key)

    def _lost(self) -> LostSchedulerError:
        return LostSchedulerError(f"The scheduler {self._address} was lost.")


def _hold(packed: bytes) -> bytes:
    return packed


def _understood(error: BaseException) -> BaseException:
    """Return an exception of dask's as one of ours where that says more."""
    from distributed import KilledWorker

    if isinstance(error, KilledWorker):
        return KilledError("Workers ended, one after another, while they worked on it")
    return error


# ---- on the workers ------------------------------------------------------------------------------

#: A process does one task at a time, and keeps what the tasks of the latest run share.
_lock = threading.Lock()
_unpacked: tuple[str, Work, Any] | None = None


def _run(task: bytes, *, packed: bytes, token: str, version: str) -> tuple[Any, str]:
    """Do a task on a worker; return what came of it, and the worker's address."""
    from distributed import get_worker

    global _unpacked
    worker = get_worker()
    key = worker.get_current_task()

    def cancelled() -> bool:
        # A cancelled task is forgotten, or in another state; nothing is asked over the network.
        state = worker.state.tasks.get(key)
        return state is None or state.state != "executing"

    with _lock:
        if _unpacked is None or _unpacked[0] != token:
            check_version(worker.address, own_version(), version)
            _unpacked = None  # what the run before needed is not held beside it
            _use_threads(worker.state.nthreads)
            _unpacked = token, *cloudpickle.loads(zlib.decompress(packed))
        _, work, common = _unpacked
        return work(common, cloudpickle.loads(task), cancelled), worker.address


def _use_threads(number: int) -> None:
    """Let torch use all threads of a worker, of which dask's nanny leaves it one."""
    if number > 1:
        from napari_style_transfer.engine.device import use_threads

        use_threads(number)
