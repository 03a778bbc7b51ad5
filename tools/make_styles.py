"""Learn the fast styles that come with the plugin: ``python tools/make_styles.py [--again] [NAME ...]``.

Photographs are fetched and training styles painted. The base is learned in stages, and from it the sample
styles. A file that is there is left alone; a learning that was broken off goes on where it was a minute
before. The machine should have nothing else to do meanwhile.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import paint_styles
import paint_training_styles
import training_pictures
from PIL import Image

from napari_style_transfer.engine.learning.start import joined
from napari_style_transfer.fast_style import FastStyle
from napari_style_transfer.learning import FastStyleInfo, LearningSettings
from napari_style_transfer.methods.learn import iter_learn

SHIPPED = Path(__file__).parents[1] / "src" / "napari_style_transfer" / "samples" / "fast"
CACHE = Path(__file__).parent / ".cache"
#: What the files say of their licence.
LICENCE = (
    "BSD-3-Clause, by napari-style-transfer, whose NOTICE.md names the pictures that it was "
    "learned from."
)
#: Seconds between copies of a learning that is under way.
_COPY = 60.0


@dataclass(frozen=True)
class Plan:
    """What one file is learned from, and for how long.

    Attributes
    ----------
    styles
        Whose pictures.
    minutes
        On a CPU with AMX that does nothing else.
    start
        The plans whose networks it begins with: none for random numbers, several for their mean.
    """

    styles: tuple[str, ...]
    minutes: float
    start: tuple[str, ...] = ()


SAMPLES = tuple(paint_styles.PICTURES)
FURTHER = tuple(paint_training_styles.PICTURES)
#: Of these and the samples, a network is made that then learns all the others, too.
EARLY = (
    "impasto", "pointillism", "watercolour", "charcoal", "engraving", "fauve", "glass", "ukiyoe",
)  # fmt: skip
#: One style from scratch, from it another one, and from that the other samples. Twelve from their mean,
#: then all: a base that knows more manners begins nearer to a new one. From it each sample style again.
#: All begin alike: any two of them can be mixed.
PLANS = {
    "first": Plan(("night",), 2.5),
    "early-woodcut": Plan(("woodcut",), 5.0, ("first",)),
    **{
        f"early-{name}": Plan((name,), 5.0, ("early-woodcut",))
        for name in SAMPLES
        if name != "woodcut"
    },
    "early": Plan((*SAMPLES, *EARLY), 8.0, tuple(f"early-{name}" for name in SAMPLES)),
    "base": Plan((*SAMPLES, *FURTHER), 35.0, ("early",)),
    **{name: Plan((name,), 8.0, ("base",)) for name in SAMPLES},
}
SHIPPED_NAMES = ("base", *SAMPLES)


def start_of(plan: Plan) -> FastStyle | None:
    """Return what a plan begins with."""
    known = [FastStyle.load(file_of(name)) for name in plan.start]
    if len(known) < 2:
        return known[0] if known else None
    names = tuple(name for each in known for name in each.names)
    thumbnails = tuple(picture for each in known for picture in each.info.thumbnails)
    return FastStyle(joined([each.transformer for each in known]), FastStyleInfo(names, thumbnails))


def file_of(name: str) -> Path:
    """Return where a fast style is written to."""
    return (SHIPPED if name in SHIPPED_NAMES else CACHE / "learned") / f"{name}.safetensors"


def painting(name: str, again: bool) -> Path:
    """Return the picture of a style; a training style is painted unless it is there."""
    if name in SAMPLES:
        return paint_styles.STYLES / f"{name}.jpg"
    path = CACHE / "styles" / f"{name}.png"
    if again or not path.exists():
        print(f"painting {name}", flush=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(paint_training_styles.paint(name)).save(path)
    return path


def learn(name: str, styles: Mapping[str, Path], contents: list[Path], again: bool) -> None:
    """Learn one file, going on from its copy if there is one."""
    plan, copy = PLANS[name], CACHE / f"{name}.safetensors"
    if again:
        copy.unlink(missing_ok=True)
    start, minutes = start_of(plan), plan.minutes
    if copy.exists():
        start = FastStyle.load(copy)
        minutes = max(0.1, minutes - start.info.seconds / 60)
    settings = LearningSettings(start="scratch", minutes=minutes)
    for step in iter_learn(
        styles,
        contents,
        settings=settings,
        base=start,
        content_names=[path.stem for path in contents],
        snapshot_interval=_COPY,
    ):
        if step.fast_style is not None:
            losses = ", ".join(f"{term} {loss:.3g}" for term, loss in step.losses.items())
            print(f"{name}: {step.seconds:.0f} s, {step.steps} steps, {losses}", flush=True)
            info = replace(step.fast_style.info, note=LICENCE)
            FastStyle(step.fast_style.transformer, info).save(copy)
    file_of(name).parent.mkdir(parents=True, exist_ok=True)
    copy.replace(file_of(name))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python tools/make_styles.py", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PLANS)}")
    parser.add_argument("--again", action="store_true", help="also what is there, from the start")
    options = parser.parse_args()
    if unknown := set(options.names) - set(PLANS):
        sys.exit(f"There is no {unknown.pop()}; the fast styles are {', '.join(PLANS)}.")
    names = options.names or list(PLANS)
    missing = [name for name in names if options.again or not file_of(name).exists()]
    contents, _ = training_pictures.gather()
    for name in missing:
        styles = {each: painting(each, options.again) for each in PLANS[name].styles}
        learn(name, styles, contents, options.again)
    print(f"{len(missing)} learned, {len(names) - len(missing)} there before.")


if __name__ == "__main__":
    main()
