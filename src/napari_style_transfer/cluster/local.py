"""Workers on this machine: one for each GPU, or as many as there are cores and memory for."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import psutil

from napari_style_transfer.memory import square_plan
from napari_style_transfer.settings import Settings

if TYPE_CHECKING:
    from distributed import SpecCluster

#: Ctrl-C goes to all processes of a terminal; what a worker does then, the run that it works for decides.
_DEAF = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
#: Environment variables that say how many threads a process computes with.
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def environments(settings: Settings) -> list[dict[str, str]]:
    """Return the environment variables of each worker that this machine has room for.

    A GPU is one worker's alone (CUDA_VISIBLE_DEVICES), and so is a single device that the settings name. On
    a CPU a worker is a process, and all of them together have as many threads as there are cores.
    """
    from dask.system import CPU_COUNT

    device = settings.device
    gpus = _gpus() if device in ("auto", "cuda") else []
    if gpus:
        return [{"CUDA_VISIBLE_DEVICES": gpu, **_threads(CPU_COUNT // len(gpus))} for gpu in gpus]
    count = 1
    if device in ("auto", "cpu"):
        room = psutil.virtual_memory().available // max(1, square_plan(settings).needed)
        count = int(max(1, min(CPU_COUNT, room)))
    return [_threads(CPU_COUNT // count) for _ in range(count)]


@contextlib.contextmanager
def local_cluster(workers: Sequence[Mapping[str, str]]) -> Iterator[SpecCluster]:
    """Start a scheduler and workers, each a process with some environment variables; end them at last.

    Parameters
    ----------
    workers
        The environment variables of each.
    """
    from distributed import Nanny, Scheduler, SpecCluster

    specification = {
        number: {
            "cls": Nanny,
            "options": {
                "nthreads": 1,
                "memory_limit": 0,  # what a run needs was planned, as in one process
                "dashboard": False,
                "silence_logs": logging.CRITICAL,
                "preload": [_DEAF],
                "env": dict(variables),
            },
        }
        for number, variables in enumerate(workers)
    }
    cluster = SpecCluster(
        workers=specification,
        scheduler={
            "cls": Scheduler,
            "options": {"host": "127.0.0.1", "dashboard": False, "dashboard_address": ":0"},
        },
        silence_logs=logging.CRITICAL,
    )
    try:
        yield cluster
    finally:
        with contextlib.suppress(Exception):  # dask's, of many kinds: what was painted is kept
            cluster.close(timeout=10)


def _gpus() -> list[str]:
    """Return the GPUs of CUDA that this process sees, as CUDA_VISIBLE_DEVICES names them."""
    from napari_style_transfer.engine.device import available_devices

    count = sum(name.startswith("cuda") for name in available_devices())
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = list(map(str, range(count))) if named is None else named.split(",")
    return names[:count]


def _threads(number: int) -> dict[str, str]:
    return dict.fromkeys(_THREADS, str(max(1, number)))
