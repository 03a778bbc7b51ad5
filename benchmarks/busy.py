"""What a busy neighbour costs: ``python -m benchmarks.busy``.

One evaluation, alone and beside processes that are always busy, as a viewer that draws is: with threads
that spin while they wait (as torch comes), with those that sleep (as this package sets it), and with one
less of these. Each is a process of its own; they take turns, for a machine's speed drifts. Only ratios
mean anything.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks import INHERITED
from benchmarks.environment import HOME

#: What is run, with torch imported before or after this package prepares the environment.
_RUN = """
import math, os, statistics, sys, time
size, evaluations, first = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
if first == "torch":
    import torch
from napari_style_transfer import iter_stylize, samples
laps = []
for step in iter_stylize(samples.load("astronaut"), samples.load("night"), size=size,
                         coarsest_size=size, steps=evaluations + 3, device="cpu",
                         tolerance=0, preview_interval=math.inf):
    laps.append(time.perf_counter())
print((laps[-2] - laps[1]) / (len(laps) - 3))
"""
_BUSY = "while True: pass"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.busy", description=__doc__)
    parser.add_argument("--size", type=int, default=256, help="long side of the picture, px")
    parser.add_argument("--evaluations", type=int, default=20, help="timed, in each process")
    parser.add_argument("--neighbours", type=int, default=1, help="busy processes")
    parser.add_argument("--rounds", type=int, default=3, help="repetitions, whose median counts")
    options = parser.parse_args()
    threads = int(INHERITED.get("OMP_NUM_THREADS", os.cpu_count() or 1))
    ways = {
        f"spinning, {threads} threads": ("torch", threads),
        f"sleeping, {threads} threads": ("engine", threads),
        f"sleeping, {max(1, threads - 1)} threads": ("engine", max(1, threads - 1)),
    }
    seconds: dict[tuple[str, int], list[float]] = {}
    for _ in range(options.rounds):
        for way, (first, count) in ways.items():
            for neighbours in (0, options.neighbours):
                with _neighbours(neighbours):
                    one = _seconds(options.size, options.evaluations, first, count)
                seconds.setdefault((way, neighbours), []).append(one)
    unit = statistics.median(seconds[next(iter(ways)), 0])
    print(f"| an evaluation at {options.size} px, times {unit:.3g} s | alone | beside "
          f"{options.neighbours} busy | costs |\n| --- | --- | --- | --- |")  # fmt: skip
    for way in ways:
        alone, beside = (
            statistics.median(seconds[way, neighbours]) / unit
            for neighbours in (0, options.neighbours)
        )
        print(f"| {way} | {alone:.2f} | {beside:.2f} | {beside / alone:.2f} times |")


@contextmanager
def _neighbours(count: int) -> Iterator[None]:
    """Keep so many processes busy meanwhile."""
    running = [subprocess.Popen([sys.executable, "-c", _BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def _seconds(size: int, evaluations: int, first: str, threads: int) -> float:
    done = subprocess.run(
        [sys.executable, "-c", _RUN, str(size), str(evaluations), first],
        cwd=HOME.parent,
        env=INHERITED | {"OMP_NUM_THREADS": str(threads)},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


if __name__ == "__main__":
    main()
