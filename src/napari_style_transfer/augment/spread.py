"""The pictures of an augmentation on many workers, each a task."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from napari_style_transfer.augment.make import Maker, Task
from napari_style_transfer.augment.settings import Made
from napari_style_transfer.cluster.pool import KilledError, Pool
from napari_style_transfer.errors import ContentError

if TYPE_CHECKING:
    from distributed import Client

#: Pictures handed in at once, for each thread of the workers.
_AHEAD = 4
#: Seconds after which a run that waits looks whether it is to stop.
_PATIENCE = 0.2


def spread(
    client: Client, maker: Maker, tasks: Sequence[Task], stop: Callable[[], bool]
) -> Iterator[Made | str]:
    """Make pictures on a client's workers, which save them; yield what became of each, until it is stopped.

    Raises
    ------
    StyleTransferError
        As in one process; or if the scheduler answers no more.
    """
    waiting, pool = deque(tasks), Pool[Task](client, make, maker)
    try:
        while (waiting or len(pool)) and not stop():
            free = max(1, pool.threads) * _AHEAD - len(pool)
            pool.submit([waiting.popleft() for _ in range(min(max(0, free), len(waiting)))])
            for result in pool.completed(_PATIENCE):
                if isinstance(result.error, ContentError):
                    yield str(result.error)
                elif isinstance(result.error, KilledError):
                    yield f"{result.task.pair.image}: {str(result.error).rstrip('.')}."
                elif result.error is not None:
                    raise result.error
                elif result.value is None:  # dropped by its worker, which was shut down
                    waiting.append(result.task)
                else:
                    yield result.value
    finally:
        pool.cancel()


def make(maker: Maker, task: Task, cancelled: Callable[[], bool]) -> Made | None:
    """Make a picture on a worker; return None if it was dropped."""
    return maker.make(task, cancelled)
