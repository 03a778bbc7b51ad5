"""What many workers cost: tasks that do nothing, and how long a worker takes to begin.

``make bench-cluster``; a look at it: ``make bench-cluster BENCH='--tasks 2000'``. `docs/scale.md` makes a
model of the figures.
"""

from __future__ import annotations

import argparse
import collections
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import psutil

from napari_style_transfer import samples
from napari_style_transfer.cluster.local import local_cluster
from napari_style_transfer.cluster.pool import Pool
from napari_style_transfer.fast_style import FastStyle
from napari_style_transfer.methods.base import Controls, Request
from napari_style_transfer.methods.fast import Fast
from napari_style_transfer.methods.optimize import Optimize
from napari_style_transfer.settings import Settings

MIB = 2**20


def nothing(_common: None, _task: int, _cancelled: Callable[[], bool]) -> None:
    """Do an empty task."""


def paint(method: Any, task: tuple[int, int], _cancelled: Callable[[], bool]) -> tuple[float, int]:
    """Paint noise of some size, and return the processor time it takes and the bytes of memory."""
    size, steps = task
    settings = Settings(size=size, steps=steps, device="cpu", coherence="independent")
    content = np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8)
    began = time.process_time()
    request = Request.of(content, samples.load("night"), settings=settings)
    collections.deque(
        (method or _optimize()).run(request, Controls(preview_interval=1e9)), maxlen=1
    )
    return time.process_time() - began, psutil.Process().memory_info().rss


_method: Optimize | None = None


def _optimize() -> Optimize:
    """Return the method of this process."""
    global _method
    _method = _method or Optimize()
    return _method


def empty_tasks(client: Any, count: int, batch: int) -> tuple[float, float]:
    """Do empty tasks in batches; return seconds, and processor time of client and scheduler together."""
    pool: Pool[int] = Pool(client, nothing, None)
    began, used, left = time.monotonic(), time.process_time(), count
    while left or len(pool):
        while left and len(pool) < 2 * batch:
            pool.submit(range(min(batch, left)))
            left -= min(batch, left)
        for result in pool.completed(1):
            if result.error is not None:
                raise result.error
    ended = time.monotonic() - began, time.process_time() - used
    pool.cancel()
    return ended


def first_and_next(client: Any, method: Any, task: tuple[int, int]) -> None:
    """Print how long a worker takes for its first picture, with all that it loads, and for the next."""
    pool: Pool[tuple[int, int]] = Pool(client, paint, method)
    for name in ("first", "next"):
        began = time.monotonic()
        pool.submit([task])
        results = []
        while not results:
            results = list(pool.completed(1))
        if results[0].error is not None:
            raise results[0].error
        used, memory = results[0].value
        print(
            f"  {name}: {time.monotonic() - began:.2f} s, of these {used:.2f} s of processor time to "
            f"paint; the worker holds {memory / MIB:.0f} MiB"
        )
    pool.cancel()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__)
    parser.add_argument("--tasks", type=int, default=100_000, help="empty ones")
    parser.add_argument("--batch", type=int, default=1000, help="of them handed in at once")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--size", type=int, default=128, help="of a picture, in pixels")
    parser.add_argument("--steps", type=int, default=10, help="of a picture that is optimised")
    arguments = parser.parse_args()

    from distributed import Client

    began = time.monotonic()
    one = {"OMP_NUM_THREADS": "1"}
    with (
        local_cluster([one] * arguments.workers) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        print(f"{arguments.workers} workers in {time.monotonic() - began:.1f} s", flush=True)
        print("Empty tasks: per task")
        for count in sorted(
            {min(1000, arguments.tasks), min(10_000, arguments.tasks), arguments.tasks}
        ):
            before = psutil.Process().memory_info().rss
            seconds, used = empty_tasks(client, count, arguments.batch)
            grown = psutil.Process().memory_info().rss - before
            print(
                f"  {count}: {1000 * seconds / count:.2f} ms, of client and scheduler together "
                f"{1000 * used / count:.2f} ms of processor time; their process grew by "
                f"{grown / MIB:.0f} MiB",
                flush=True,
            )
        print("A worker's pictures, one thread, fast style night:")
        first_and_next(client, Fast(FastStyle.load("night")), (arguments.size, 1))
        print(
            f"A worker's pictures, one thread, {arguments.steps} evaluations at {arguments.size} px:"
        )
        first_and_next(client, None, (arguments.size, arguments.steps))


if __name__ == "__main__":
    main()
