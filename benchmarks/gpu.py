"""A GPU's first day: ``make bench-gpu``, in under eight minutes.

Checks that the device paints what the CPU paints; then measures seconds per evaluation and whole runs from
256 to 4096 px, peak memory, the share of the device's matrix rate, the gaps in which it waits for the host,
and the time to the losses of docs/benchmark.md. Writes all of it, with the device's name, as JSON.
"""

from __future__ import annotations

import napari_style_transfer  # noqa: F401 - as for users, before torch is loaded

# isort: split
import argparse
import json
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from benchmarks.environment import CACHE, HOME, machine
from benchmarks.gpu_checks import checks
from benchmarks.gpu_measures import cost, gaps, time_to_losses
from benchmarks.images import prepare
from benchmarks.rates import matrix_rate

#: Seconds for everything, and for the runs of one size.
_ALL, _A_SIZE = 450.0, 45.0
_SIZES, _CHECKED, _PROFILED = (256, 512, 1024, 2048, 4096), 128, (512, 1024)
_QUICK_SIZES, _QUICK_CHECKED, _QUICK_PROFILED = (48, 64), 48, (48,)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1, or cpu to try it out")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: all steps, no figures")
    parser.add_argument("--results", type=Path, help="what to write")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    device = torch.device(options.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        print("There is no CUDA device here that torch can use.", file=sys.stderr)
        return 2
    data: dict[str, Any] = {"machine": machine(str(device)), "torch_cuda": torch.version.cuda}
    for name, part in _parts(device, options.quick):
        data[name] = part
    path = options.results or HOME / f"results-{_slug(data['machine']['device'])}.json"
    path.write_text(json.dumps(data, indent=1) + "\n")
    print(f"\nWritten: {path}")
    return 0 if all(check["passed"] for check in data["checks"]) else 1


def _parts(device: torch.device, quick: bool) -> Iterator[tuple[str, Any]]:
    """Measure, print and yield one part after the other."""
    deadline = time.monotonic() + _ALL
    sizes, checked, profiled = (
        (_QUICK_SIZES, _QUICK_CHECKED, _QUICK_PROFILED) if quick else (_SIZES, _CHECKED, _PROFILED)
    )
    found = []
    for check in checks(device, checked):
        print(check, flush=True)
        found.append(asdict(check))
    yield "checks", found

    rate = matrix_rate(device, torch.bfloat16) / 1e12
    print(f"\nA large product of bfloat16 matrices: {rate:.3g} TFLOP/s.\n", flush=True)
    yield "matrix_rate", rate

    costs = []
    print("| size, px | s/evaluation | share of the matrix rate | a whole run, s | peak, GB "
          "(estimated) | tiles, px |\n| --- | --- | --- | --- | --- | --- |")  # fmt: skip
    for size in sizes:
        until = min(deadline, time.monotonic() + _A_SIZE)
        each = cost(device, size, rate, until, steps=3 if quick else None)
        print(each, flush=True)
        costs.append(asdict(each))
    yield "costs", costs

    waits = []
    print()
    for size in profiled:
        each = gaps(device, size)
        print(each, flush=True)
        waits.append(asdict(each))
    yield "gaps", waits

    published = json.loads((HOME / "results.json").read_text())
    pair = published["pair"]
    prepared = prepare(
        pair["content"], pair["style"], sizes[-1] if quick else pair["size"], CACHE / "pictures"
    )
    print(f"\n{published['title']}: as good as, with {published['machine']['processor']} and here")
    times = []
    for each in time_to_losses(device, prepared, published, deadline, most=3 if quick else None):
        print(each, flush=True)
        times.append(asdict(each))
    yield "times", times


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


if __name__ == "__main__":
    sys.exit(main())
