"""What size costs: seconds per evaluation and megapixel, and memory, each size in its own process."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.environment import CACHE
from benchmarks.images import prepare
from benchmarks.launch import PartyError, launch
from benchmarks.recorder import Job

#: Of a run; the first, which also computes the targets, is left out.
_EVALUATIONS = 6


@dataclass(frozen=True)
class Cost:
    """What one evaluation costs at one size; where it failed, `failure` says why."""

    size: int
    megapixels: float
    seconds_per_evaluation: float = 0.0
    peak_bytes: int = 0
    device_peak_bytes: int | None = None
    failure: str = ""

    @property
    def seconds_per_megapixel(self) -> float:
        return self.seconds_per_evaluation / self.megapixels


def measure_costs(content: str, style: str, sizes: list[int], device: str) -> list[Cost]:
    """Run a few evaluations at each size alone."""
    return [_measure_cost(content, style, size, device) for size in sizes]


def _measure_cost(content: str, style: str, size: int, device: str) -> Cost:
    pair = prepare(content, style, size, CACHE / "pictures")
    megapixels = pair.shape[0] * pair.shape[1] / 1e6
    job = Job(
        content=str(pair.content),
        style=str(pair.style),
        folder=str(CACHE / f"size-{size}"),
        device=device,
        evaluations=_EVALUATIONS,
        settings={"size": max(pair.shape), "coarsest_size": max(pair.shape)},
    )
    try:
        record = launch("ours", job)
    except PartyError as error:  # most likely too little memory: a result, too
        return Cost(size, megapixels, failure=str(error))
    laps = list(record.seconds.values())
    return Cost(
        size,
        megapixels,
        statistics.median(later - earlier for earlier, later in pairwise(laps)),
        record.peak_bytes,
        record.device_peak_bytes,
    )
