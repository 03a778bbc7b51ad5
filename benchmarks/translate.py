"""Is a learned translation the true one? ``python -m benchmarks.translate``, or ``make bench-translate``.

Between two kinds of pictures whose true map is known, a translation is learned without pairs. Its pictures
are compared with the truth, beside those of methods that need no learning. What was learned is kept in
``benchmarks/.cache/translate``, and a run that was interrupted goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks import translate_report
from benchmarks.environment import CACHE, HOME, fetched, machine
from benchmarks.translate_report import LEARNED
from benchmarks.translate_tasks import KNOWN_MAPS, Array, KnownMap
from napari_style_transfer.augment.ways import Painting, match_colour, restain
from napari_style_transfer.engine.translation.apply import translate
from napari_style_transfer.engine.translation.judge import compare_edges
from napari_style_transfer.io.micrographs import as_micrograph
from napari_style_transfer.methods.translate import iter_translation
from napari_style_transfer.translator import Translator
from napari_style_transfer.value_range import ValueRange


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.translate",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--tasks", nargs="*", default=list(KNOWN_MAPS), choices=list(KNOWN_MAPS))
    add(
        "--learned",
        nargs="*",
        default=list(LEARNED),
        choices=list(LEARNED),
        help="kinds of learning",
    )
    add("--minutes", type=float, default=20.0, help="of learning")
    add("--seeds", type=int, default=1, help="how often it is learned anew")
    add("--device", default="auto", help="where to compute")
    add("--quick", action="store_true", help="tiny numbers: all parts, no figures")
    add("--folder", type=Path, default=HOME.parent / "docs", help="where the page goes")
    add("--results", type=Path, default=HOME / "translate_results.json", help="what to write")
    options = parser.parse_args(arguments)
    if options.quick:
        options.minutes = 0.02
        options.folder = CACHE / "translate-quick"
        options.results = options.folder / "results.json"
    return options


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    home = CACHE / "translate" / f"{options.minutes:g}"
    home.mkdir(parents=True, exist_ok=True)
    figures: dict[str, Any] = {}
    rows = {}
    for name in options.tasks:
        task = KNOWN_MAPS[name]()
        contestants = dict(_instant(task))
        for kind in options.learned:
            for seed in range(options.seeds):
                translator = learned(task, home / f"{name}-{kind}-{seed}", kind, seed, options)
                contestants[kind if seed == 0 else f"{kind}, seed {seed}"] = translator
        figures[name] = {who: judged(task, way) for who, way in contestants.items()}
        rows[name] = _row(task, contestants)
        for who, found in figures[name].items():
            print(f"{name}, {who}: {found['psnr']:.1f} dB", file=sys.stderr)
    data = {
        "command": " ".join(["python -m benchmarks.translate", *(arguments or sys.argv[1:])]),
        "machine": machine("cpu"),
        "minutes": options.minutes,
        "figures": figures,
    }
    options.folder.mkdir(parents=True, exist_ok=True)
    options.results.write_text(json.dumps(data, indent=1) + "\n")
    (options.folder / "translate-benchmark.md").write_text(
        translate_report.text(data), encoding="utf-8"
    )
    width = max(row.width for row in rows.values())
    sheet = Image.new("RGB", (width, sum(row.height for row in rows.values())), "white")
    top = 0
    for row in rows.values():
        sheet.paste(row, (0, top))
        top += row.height
    sheet.save(options.folder / "translate-benchmark.jpg", quality=90)
    print(f"Wrote {options.folder}/translate-benchmark.*, {options.results}.", file=sys.stderr)
    return 0


def learned(
    task: KnownMap, path: Path, kind: str, seed: int, options: argparse.Namespace
) -> Translator:
    """Return the translator of a task, learned now or before."""
    file, record = path.with_suffix(".safetensors"), path.with_suffix(".json")
    if not record.exists():
        *_, last = iter_translation(
            task.source,
            task.target,
            kind=kind,
            tones="negative" if task.negative else "kept",
            minutes=options.minutes,
            seed=seed,
            device=options.device,
        )
        assert last.translator is not None
        last.translator.save(file)
        facts = {"steps": last.steps, "threads": torch.get_num_threads(), "device": last.device}
        record.write_text(json.dumps(facts))
    return Translator.load(file)


def _instant(task: KnownMap) -> dict[str, Callable[[Array], Array]]:
    """Return the methods that need no learning."""
    from skimage.exposure import match_histograms

    target = as_micrograph(task.target[0], "target")
    count = len(target.planes)
    seen = [as_micrograph(each, "target").planes.reshape(count, -1) for each in task.target]
    planes = np.concatenate(seen, 1)[:, None]
    values = ValueRange.of(*(as_micrograph(each, "target") for each in task.target))
    given = [as_micrograph(each, "source").planes.reshape(count, -1) for each in task.source]
    source = ValueRange.of(*(as_micrograph(each, "source") for each in task.source))
    units = source.to_unit(np.concatenate(given, 1)[:, None])[:, 0], values.to_unit(planes)[:, 0]
    matched = source.matched(*units, negative=task.negative)

    def histogram(picture: Array) -> Array:
        found = as_micrograph(picture, "picture").planes.astype(float)
        found = -found if task.negative else found
        pairs = zip(found, planes, strict=True)
        matched = np.stack([match_histograms(*pair) for pair in pairs])
        return _arranged(matched, picture)

    def painted(way: Any) -> Callable[[Array], Array]:
        def paint(picture: Array) -> Array:
            given = as_micrograph(picture, "picture")
            painting = Painting(
                source.to_unit(given.planes), values.to_unit(planes), given.colour, 1.0
            )
            made = way(painting, lambda: False)
            return _arranged(made * (values.high - values.low) + values.low, picture)

        return paint

    def ranged(own: ValueRange) -> Callable[[Array], Array]:
        def change(picture: Array) -> Array:
            unit = own.to_unit(as_micrograph(picture, "picture").planes)
            return _arranged(unit * (values.high - values.low) + values.low, picture)

        return change

    ways: dict[str, Callable[[Array], Array]] = {
        "unchanged": ranged(source),
        "mean and deviation": ranged(matched),
        "histogram": histogram,
        "colour": painted(match_colour),
    }
    if target.colour and task.target[0].shape[0] == task.source[0].shape[0]:
        ways |= {"stain": painted(restain), "torchstain": _torchstain(task.target[0])}
    return ways


def _torchstain(target: Array) -> Callable[[Array], Array]:
    """Return torchstain's Macenko normaliser."""
    sys.path.insert(0, str(Path(fetched("torchstain", "torchstain==1.4.1")).parent))
    import torchstain

    normaliser = torchstain.normalizers.MacenkoNormalizer(backend="numpy")
    normaliser.fit(target)
    return lambda picture: np.asarray(normaliser.normalize(I=picture, stains=False)[0])


def _arranged(planes: Array, picture: Array) -> Array:
    """Return (C, H, W) planes with the axes of a picture."""
    return np.moveaxis(planes, 0, 2) if picture.ndim == 3 else planes[0]


def judged(task: KnownMap, way: Callable[[Array], Array]) -> dict[str, float]:
    """Compare what is made of the test's pictures with the truth."""
    from skimage.metrics import structural_similarity

    found = []
    colour = task.test[0].ndim == 3
    for picture, truth in zip(task.test, task.truth, strict=True):
        began = time.process_time()
        made = np.asarray(way(picture), float)
        seconds = time.process_time() - began
        peak = 255.0 if task.target[0].dtype == np.uint8 else float(np.ptp(truth))
        made = np.clip(made, truth.min() - peak, truth.max() + peak)
        error = float(np.mean((made - truth) ** 2))
        similar = structural_similarity(
            made, truth, data_range=peak, channel_axis=2 if colour else None
        )
        inside = [_foreground(each, colour) for each in (made, truth)]
        union = np.logical_or(*inside).sum()
        edges = compare_edges([_tensor(picture)], [_tensor(made)], colour)
        found.append(
            {
                "psnr": 10 * np.log10(peak**2 / max(error, 1e-9)),
                "ssim": float(similar),
                "agreement": float(np.logical_and(*inside).sum() / max(1, union)),
                "kept": edges.kept,
                "inverted": edges.inverted,
                "seconds": seconds,
            }
        )
    figures = {key: float(np.mean([each[key] for each in found])) for key in found[0]}
    if isinstance(way, Translator):
        values = torch.rand(way.generator.channels, 200, 150)
        whole, tiles = (translate(way.generator, values, tile_size=side) for side in (0, 64))
        figures |= {
            "seams": float((whole - tiles).abs().max()),
            "likeness": way.info.likeness,
            "structure": way.info.agreement.score,
        }
    return figures


def _foreground(picture: Array, colour: bool) -> Array:
    """Return what lies above Otsu's threshold; below it for colours."""
    from skimage.filters import threshold_otsu

    grey = picture.mean(2) if colour else picture
    above = grey > threshold_otsu(grey)
    return ~above if colour else above


def _tensor(picture: Array) -> torch.Tensor:
    planes = np.moveaxis(picture, 2, 0) if picture.ndim == 3 else picture[None]
    return torch.from_numpy(np.ascontiguousarray(planes, np.float32))


def _row(task: KnownMap, contestants: dict[str, Callable[[Array], Array]]) -> Image.Image:
    """Return a test's picture, what is made of it, the truth, and a picture of the target, side by side."""
    best = [contestants[name] for name in ("colour", *LEARNED) if name in contestants]
    pictures = [task.test[0], *(way(task.test[0]) for way in best), task.truth[0], task.target[0]]
    low, high = np.percentile(task.truth[0], (0.5, 99.8)) if task.truth[0].ndim == 2 else (0, 255)
    shown = []
    for place, picture in enumerate(pictures):
        values = np.asarray(picture, float)[:192, :192]
        own = (0, 255) if picture.dtype == np.uint8 else np.percentile(picture, (0.5, 99.8))
        limits = own if place == 0 else (low, high)
        values = np.clip((values - limits[0]) / (limits[1] - limits[0]), 0, 1) * 255
        grey = values.astype(np.uint8)
        shown.append(grey if grey.ndim == 3 else np.repeat(grey[..., None], 3, 2))
    return Image.fromarray(np.concatenate(shown, 1))


if __name__ == "__main__":
    sys.exit(main())
