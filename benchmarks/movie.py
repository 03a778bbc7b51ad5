"""Movies that hold still, measured: ``python -m benchmarks.movie``, or ``make bench-movie``.

Clips with known motion and films are painted frame by frame, each contestant in a process of its own.
All is kept in ``benchmarks/.cache/movies``: a run that was interrupted goes on, parts may be run one by
one, and the page tells all that was measured with the same size, frames, steps and style.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import movie_clips, movie_report
from benchmarks.environment import CACHE, HOME, machine
from benchmarks.images import prepare
from benchmarks.launch import PartyError
from benchmarks.movie_clips import CLIPS, Clip, pairs, sampled
from benchmarks.movie_jobs import CONTESTANTS, Frames, Lap, MovieJob, laps, painted
from benchmarks.movie_judge import MovieJudge
from benchmarks.movie_measures import drift, warping_error
from benchmarks.movie_pictures import play, save_small, sheet, sheet_rows
from napari_style_transfer.engine.device import choose_device

#: Frames apart over which warping errors are measured.
APART = 1, 10


@dataclass(frozen=True)
class Plan:
    """What is painted and where it is kept.

    Attributes
    ----------
    options
        Of the command line.
    home
        Where everything with the same size, frames, steps and style is kept.
    style
        Path of the painting, scaled.
    device
        Where it computes.
    """

    options: argparse.Namespace
    home: Path
    style: str
    device: str

    def folder(self, clip: str, contestant: str) -> Path:
        """Return where a contestant's frames of a clip are kept; of ``"input"``, the clip's own."""
        return self.home / clip / contestant

    def indices(self, clip: Clip, contestant: str) -> tuple[int, ...]:
        """Return the frames that a contestant paints.

        The optimiser paints only those that are judged or shown where each is on its own: it would take the
        same time for every other.
        """
        count = len(clip.frames)
        if contestant != "independent" or self.options.whole:
            return tuple(range(count))
        shown = range(self.options.play) if clip.name == self.options.shown[0] else ()
        return tuple(sorted({*sampled(clip), *(t for t in shown if t < count)}))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.movie",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--clip", nargs="*", default=list(CLIPS), choices=list(CLIPS), help="clips to paint")
    add(
        "--contestant",
        nargs="*",
        default=list(CONTESTANTS),
        choices=list(CONTESTANTS),
        help="who paints them",
    )
    add("--frames", type=int, default=100, help="of a clip at most")
    add("--size", type=int, default=512, help="long side of the frames, px")
    add("--steps", type=int, default=150, help="evaluations of a frame at most")
    add("--style", default="night", help="a shipped style, of which there is a fast style, too")
    add("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps")
    add("--whole", action="store_true", help="paint all independent frames, not those judged only")
    add("--anew", action="store_true", help="paint and judge again what is chosen")
    add("--judge-anew", action="store_true", help="judge again what is chosen")
    add("--report", action="store_true", help="paint and judge nothing: the page from the records")
    add(
        "--shown",
        nargs="*",
        default=["bikes", "discs", "fluorescence"],
        choices=list(CLIPS),
        help="clips on the sheet; the first one is played",
    )
    add("--play", type=int, default=24, help="frames of the clip that is played")
    add("--quick", action="store_true", help="tiny sizes: all parts, no figures")
    add("--folder", type=Path, default=HOME.parent / "docs", help="where the page goes")
    add("--results", type=Path, default=HOME / "movie_results.json", help="what to write")
    options = parser.parse_args(arguments)
    if not options.shown:
        parser.error("--shown: name one clip at least")
    if options.quick:
        options.size, options.frames, options.steps, options.play = 96, 12, 10, 4
        options.clip = options.shown = ["discs"]
        options.folder = CACHE / "movies-quick"
        options.results = options.folder / "results.json"
    return options


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    device = str(choose_device(options.device)[0])
    name = f"{options.size}px-{options.frames}-{options.steps}-{Path(options.style).stem}"
    home = CACHE / "movies" / name
    style = prepare("coffee", options.style, options.size, home).style
    plan = Plan(options, home, str(style), device)
    words = sys.argv[1:] if arguments is None else arguments
    if not options.report:
        run(plan, " ".join(["python -m benchmarks.movie", *words]))

    records = home / "results.json"
    if not records.exists():
        print(f"There are no records in {home}; run it without --report.", file=sys.stderr)
        return 2
    data = json.loads(records.read_text())
    options.folder.mkdir(parents=True, exist_ok=True)
    text = movie_report.text(data)
    (options.folder / "movie-benchmark.md").write_text(text + "\n")
    options.results.write_text(json.dumps(data, indent=1) + "\n")
    print(text)
    draw(plan, data)
    print(f"\nWritten: {options.results}, {options.folder}/movie-benchmark.*", file=sys.stderr)
    return 0


def run(plan: Plan, command: str) -> None:
    """Paint and judge what is chosen; every contestant's record is kept as soon as it is there."""
    options, path = plan.options, plan.home / "results.json"
    data = json.loads(path.read_text()) if path.exists() else {"commands": [], "clips": {}}
    data |= {"size": options.size, "frames": options.frames, "steps": options.steps}
    data |= {"style": options.style, "machine": machine(plan.device)}
    packages = ("opencv-python-headless", "av")
    data["machine"]["versions"] |= {name: metadata.version(name) for name in packages}
    if command not in data["commands"]:
        data["commands"].append(command)
    judge = MovieJudge(plan.style, plan.device)
    for name in options.clip:
        print(f"{name}:", file=sys.stderr)
        clip = movie_clips.make(name, options.size, options.frames)
        frames = Frames.keep(clip.frames, plan.home / name / "input")
        of_clip = data["clips"].setdefault(name, {"contestants": {}})
        of_clip |= {
            "frames": len(frames),
            "shape": frames[0].shape,
            "known": clip.known,
            "cuts": clip.cuts,
        }
        measure = Measurer(plan, clip, judge)
        for contestant in ("input", *options.contestant):
            try:
                found = measure(contestant)
            except PartyError as error:
                print(error, file=sys.stderr)
                continue
            of_clip["contestants"][contestant] = found
            path.write_text(json.dumps(data, indent=1))


class Measurer:
    """Lets contestants paint one clip, and measures what they have painted."""

    def __init__(self, plan: Plan, clip: Clip, judge: MovieJudge) -> None:
        self._plan, self._clip, self._judge = plan, clip, judge
        self._motion = cache(clip.motion)
        self._chosen = sampled(clip)

    def __call__(self, contestant: str) -> dict[str, Any]:
        """Return the record of one contestant."""
        plan, clip = self._plan, self._clip
        folder = plan.folder(clip.name, contestant)
        if contestant == "input":
            return self._measured(clip.frames.__getitem__, folder, {})
        if plan.options.anew and folder.exists():
            shutil.rmtree(folder)
        job = MovieJob(
            folder=str(folder),
            frames=str(plan.folder(clip.name, "input")),
            contestant=contestant,
            indices=plan.indices(clip, contestant),
            style=plan.style,
            network=plan.options.style,
            size=plan.options.size,
            steps=plan.options.steps,
            device=plan.device,
        )
        return self._measured(cache(lambda t: painted(folder, t)), folder, job.run())

    def _measured(
        self, frames: Callable[[int], npt.NDArray[Any]], folder: Path, took: dict[int, Lap]
    ) -> dict[str, Any]:
        clip = self._clip
        record: dict[str, Any] = {
            "warping": {
                apart: warping_error(frames, self._motion, pairs(clip, apart, self._chosen))
                for apart in APART
            },
            "verdicts": self._verdicts(frames, folder),
            "laps": {t: asdict(lap) for t, lap in took.items()},
        }
        if clip.still is not None:
            record["drift"] = {
                t: asdict(drift(frames(0), frames(t), clip.still)) for t in self._chosen[1:]
            }
        return record

    def _verdicts(
        self, frames: Callable[[int], npt.NDArray[Any]], folder: Path
    ) -> dict[str, dict[str, float]]:
        """Judge the chosen frames that are not judged yet."""
        path = folder / "verdicts.json"
        options = self._plan.options
        kept = path.exists() and not (options.anew or options.judge_anew)
        found: dict[str, dict[str, float]] = json.loads(path.read_text()) if kept else {}
        for t in self._chosen:
            if str(t) not in found:
                verdict = self._judge(self._clip.frames[t], frames(t), self._moved(t))
                found[str(t)] = asdict(verdict)
        path.write_text(json.dumps(found))
        return found

    def _moved(self, t: int) -> npt.NDArray[np.bool_]:
        """(h, w): what the content shows elsewhere or not at all some frames before, or at the start."""
        (shot,) = (shot for shot in self._clip.shots() if t in shot)
        early = max(shot.start, t - max(APART))
        shape = self._clip.frames[t].shape[:2]
        return np.zeros(shape, bool) if early == t else self._motion(t, early).moved


def draw(plan: Plan, data: dict[str, Any]) -> None:
    """Draw the sheet, and the clip that is played."""
    options, rows = plan.options, []
    for name in options.shown:
        if name not in data["clips"]:
            continue
        clip = movie_clips.make(name, options.size, options.frames)
        by_contestant = {
            contestant: frames
            for contestant in data["clips"][name]["contestants"]
            if (frames := there(plan, clip, contestant))
        }
        rows += sheet_rows(clip, by_contestant)
        if name == options.shown[0]:
            count = min(options.play, len(clip.frames))
            panes = {
                movie_report.name(c): [frames[t] for t in range(count)]
                for c, frames in by_contestant.items()
                if c in ("input", "independent", "steady", "fast-steady")
                and {*range(count)} <= {*frames}
            }
            play(panes, options.folder / "movie-benchmark.webp", clip.rate)
    if rows:
        save_small(sheet(rows), options.folder / "movie-benchmark.jpg")


def there(plan: Plan, clip: Clip, contestant: str) -> dict[int, npt.NDArray[Any]]:
    """Return the frames that there are of a contestant."""
    if contestant == "input":
        return dict(enumerate(clip.frames))
    folder = plan.folder(clip.name, contestant)
    return {t: painted(folder, t) for t in sorted(laps(folder))}


if __name__ == "__main__":
    sys.exit(main())
