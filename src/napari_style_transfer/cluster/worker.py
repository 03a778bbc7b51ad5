"""What a worker does: one task at a time in a process, whatever the number of its threads.

It unpacks what all tasks share only once, so that there is one network in each process.
"""

from __future__ import annotations

import threading
import zlib
from typing import Any

import cloudpickle

from napari_style_transfer.cluster.connect import check_version, own_version
from napari_style_transfer.cluster.pool import Work

#: A process does one task at a time, and keeps what the tasks of the latest run share.
_lock = threading.Lock()
_unpacked: tuple[str, Work, Any] | None = None


def run_task(task: bytes, *, packed: bytes, token: str, version: str) -> tuple[Any, str]:
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
