"""What a segmenter gains by augmentation: ``python -m benchmarks.augment``, or ``make bench-augment``.

A small U-Net learns from a training set with and without new pictures, and is tested on another
microscope's. The new pictures are made by the package's own ``augment``, or by a translation that it
learned. All is kept in ``benchmarks/.cache/augment``, and a run that was interrupted goes on.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from tifffile import imread

from benchmarks import augment_report
from benchmarks.augment_segmenter import f1, segment, train
from benchmarks.augment_tasks import TASKS, Task, save
from benchmarks.environment import CACHE, HOME, machine
from napari_style_transfer.augment import augment
from napari_style_transfer.augment.structure import measure
from napari_style_transfer.engine.cache import Cache
from napari_style_transfer.io.micrographs import as_micrograph
from napari_style_transfer.methods.translate import iter_translation
from napari_style_transfer.translator import Translator
from napari_style_transfer.value_range import ValueRange

#: Contestants: the way of the new pictures, or None, and whether intensities are jittered.
CONTESTANTS: dict[str, tuple[str | None, bool]] = {
    "none": (None, False),
    "jitter": (None, True),
    "own labels": ("own", False),
    "colour": ("colour", False),
    "colour and jitter": ("colour", True),
    "stain": ("stain", False),
    "stain and jitter": ("stain", True),
    "style": ("optimised", False),
    "style and jitter": ("optimised", True),
    "fast style": ("fast", False),
    "fast style and jitter": ("fast", True),
    "translation": ("translation", False),
    "translation and jitter": ("translation", True),
}
#: Where stains can be separated.
STAINED = ("stain",)

Figures = dict[str, dict[str, dict[str, dict[str, Any]]]]


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.augment",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--tasks", nargs="*", default=list(TASKS), choices=list(TASKS), help="gaps to measure")
    add("--contestants", nargs="*", default=list(CONTESTANTS), choices=list(CONTESTANTS))
    add("--seeds", type=int, default=5, help="how often all is drawn and trained anew")
    add("--images", type=int, default=16, help="training images of a task")
    add("--copies", type=int, default=1, help="new pictures of each image")
    add("--strength", default="0.2..0.6", help="of the style")
    add("--steps", type=int, default=300, help="steps of the segmenter's training")
    add("--evaluations", type=int, default=40, help="of each picture that is optimised")
    add("--minutes", type=float, default=3.0, help="of learning a fast style")
    add("--translation", type=float, default=10.0, help="minutes of learning a translation")
    add("--device", default="auto", help="where pictures are made; segmenters learn on the CPU")
    add("--quick", action="store_true", help="tiny numbers: all parts, no figures")
    add("--folder", type=Path, default=HOME.parent / "docs", help="where the page goes")
    add("--results", type=Path, default=HOME / "augment_results.json", help="what to write")
    options = parser.parse_args(arguments)
    if options.quick:
        options.seeds, options.images, options.steps = 2, 2, 3
        options.evaluations, options.minutes, options.translation = 2, 0.05, 0.05
        options.folder = CACHE / "augment-quick"
        options.results = options.folder / "results.json"
    return options


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    home = _home(options)
    home.mkdir(parents=True, exist_ok=True)
    ledger = home / f"figures-{options.steps}.json"
    figures: Figures = json.loads(ledger.read_text()) if ledger.exists() else {}
    cache = Cache()
    for task_name in options.tasks:
        for seed in range(options.seeds):
            made: Task | None = None
            for contestant in _contestants(task_name, options.contestants):
                known = figures.setdefault(task_name, {}).setdefault(contestant, {})
                if str(seed) in known:
                    continue
                made = made or TASKS[task_name][0](options.images, seed)
                folder = home / task_name / str(seed)
                known[str(seed)] = figure = measured(made, contestant, seed, folder, options, cache)
                print(
                    f"{task_name}, {contestant}, seed {seed}: F1 {figure['f1']:.3f}",
                    file=sys.stderr,
                )
                ledger.write_text(json.dumps(figures, indent=1) + "\n")
    data = {
        "command": shlex.join(["python", "-m", "benchmarks.augment", *(arguments or sys.argv[1:])]),
        "machine": machine("cpu"),
        "options": {
            name: str(value)
            for name, value in vars(options).items()
            if name not in ("folder", "results")
        },
        "texture": {name: TASKS[name][1] for name in options.tasks},
        "figures": {name: figures[name] for name in options.tasks},
    }
    options.folder.mkdir(parents=True, exist_ok=True)
    options.results.write_text(json.dumps(data, indent=1) + "\n")
    page = options.folder / "augment-benchmark.md"
    page.write_text(augment_report.text(data), encoding="utf-8")
    print(f"Wrote {page} and {options.results}.", file=sys.stderr)
    return 0


def measured(
    task: Task, contestant: str, seed: int, folder: Path, options: argparse.Namespace, cache: Cache
) -> dict[str, Any]:
    """Train and test one contestant; return its F1 and what is known of its new pictures."""
    way, jitter = CONTESTANTS[contestant]
    images, labels = list(task.images), list(task.labels)
    found: dict[str, Any] = {}
    if way == "own":
        images, labels = task.own_images, task.own_labels
    elif way is not None:
        if way == "translation":
            found, new = translated(task, seed, folder, options)
        else:
            found, new = new_pictures(task, way, seed, folder, options, cache)
        images += [image for image, _ in new]
        labels += [each for _, each in new]
    began = time.perf_counter()
    network = train(images, labels, steps=options.steps, seed=seed, jitter=jitter)
    trained = time.perf_counter() - began
    return {"f1": f1(segment(network, task.test), task.truth), "trained_in": trained, **found}


def new_pictures(
    task: Task, way: str, seed: int, folder: Path, options: argparse.Namespace, cache: Cache
) -> tuple[dict[str, Any], list[tuple[Any, Any]]]:
    """Make the new pictures of a training set as a user does; return facts on them, and them."""
    train_folder, styles = save(task, folder)
    painted = {"strength": options.strength} if way in ("optimised", "fast") else {}
    out = folder / way
    began = time.perf_counter()
    for _ in augment(
        train_folder,
        styles,
        out,
        way=way,
        copies=options.copies,
        seed=seed,
        steps=options.evaluations,
        minutes=options.minutes,
        device=options.device,
        cache=cache,
        **painted,
    ):
        pass
    seconds = time.perf_counter() - began
    record = json.loads((out / "augmentation.json").read_text())["made"]
    facts = {
        key: float(np.mean([each[key] for each in record if each[key] is not None] or [np.nan]))
        for key in ("edges_kept", "edges_added")
    }
    made = [(imread(out / each["picture"]), imread(out / each["labels"])) for each in record]
    return {**facts, "pictures": len(made), "made_in": seconds}, made


def translated(
    task: Task, seed: int, folder: Path, options: argparse.Namespace
) -> tuple[dict[str, Any], list[tuple[Any, Any]]]:
    """Translate the images of a training set to the style's pictures; return facts on them, and them.

    It is learned once for a task, from the images and the pictures of the first seed that comes here.
    """
    path = folder.parent / "translation.safetensors"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        *_, last = iter_translation(
            task.images,
            task.styles,
            minutes=options.translation,
            seed=seed,
            device=options.device,
        )
        assert last.translator is not None
        last.translator.save(path)
    translator = Translator.load(path)
    made = [translator(image, device=options.device) for image in task.images]
    planes = [[_planes(each) for each in pair] for pair in zip(task.images, made, strict=True)]
    found = [
        measure(*pair, labels, pair[0].shape[0] == 3)
        for pair, labels in zip(planes, task.labels, strict=True)
    ]
    facts = {
        key: float(np.mean([each[place] for each in found if each[place] is not None] or [np.nan]))
        for place, key in enumerate(("edges_kept", "edges_added"))
    }
    agreement = translator.info.agreement
    facts |= {
        "likeness": translator.info.likeness,
        "structure": agreement.score,
        "inverted": agreement.inverted,
    }
    new = list(zip(made, task.labels, strict=True))
    return {**facts, "pictures": len(made), "made_in": translator.info.seconds}, new


def _planes(image: Any) -> Any:
    """Return an image as (C, H, W) about 0 to 1."""
    picture = as_micrograph(image, "image")
    return ValueRange.of(picture).to_unit(picture.planes)


def _contestants(task: str, wanted: list[str]) -> list[str]:
    """Return who takes part in a task."""
    return [each for each in wanted if CONTESTANTS[each][0] != "stain" or task in STAINED]


def _home(options: argparse.Namespace) -> Path:
    """Return where pictures that are made with the same numbers are kept."""
    parts = ("images", "copies", "strength", "evaluations", "minutes", "translation")
    return CACHE / "augment" / "-".join(str(getattr(options, each)) for each in parts)


if __name__ == "__main__":
    sys.exit(main())
