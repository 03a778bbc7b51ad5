"""What is learned on the spot, a fast style or a translation; or what an earlier run has learned."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import numpy as np

from napari_style_transfer.augment.settings import AugmentSettings, AugmentStep
from napari_style_transfer.augment.values import Crop
from napari_style_transfer.engine.cache import Cache
from napari_style_transfer.fast_style import FastStyle
from napari_style_transfer.io.micrographs import Micrograph
from napari_style_transfer.learning import LearningSettings, LearningStep
from napari_style_transfer.methods import learn
from napari_style_transfer.methods.translate import iter_translation
from napari_style_transfer.progress import Status
from napari_style_transfer.translation import TranslationStep
from napari_style_transfer.translator import Translator
from napari_style_transfer.value_range import Planes

_Step = TypeVar("_Step", LearningStep, TranslationStep)

#: The files that a fast style and a translator are kept in.
FAST_NAME, TRANSLATOR_NAME = "style.safetensors", "translator.safetensors"
#: Sides in pixels of the crops that are learned from.
_SMALLEST, _LARGEST = 64, 256


def learned(
    folder: Path,
    styles: Sequence[Planes],
    contents: Sequence[Planes],
    colour: bool,
    size: int,
    settings: AugmentSettings,
    *,
    cache: Cache,
    stop: Callable[[], bool],
) -> Iterator[AugmentStep | FastStyle]:
    """Learn crops as styles, or load what an earlier run has learned; the last item is the fast style.

    Parameters
    ----------
    folder
        Where it is kept.
    styles
        (C, h, w) crops in [0, 1].
    contents
        The images, each (C, H, W) in [0, 1] when it is asked for.
    colour
        Whether three planes are colours; grey ones are styles of their own.
    size
        Long side in pixels at which pictures are seen.
    settings
        Of the augmentation.
    cache, stop
        As for :func:`~napari_style_transfer.iter_learn`.
    """
    path = folder / FAST_NAME
    if path.exists():
        yield FastStyle.load(path)
        return
    yield AugmentStep("learn", 0, 60 * settings.minutes, "Loading the network")
    named = {}
    for number, planes in enumerate(styles, start=1):
        pictures = [np.moveaxis(planes, 0, 2)] if colour else list(planes)
        for channel, picture in enumerate(pictures, start=1):
            name = f"crop {number}" + (f" channel {channel}" if len(pictures) > 1 else "")
            named[name] = np.clip(picture, 0, 1)
    side = min(_LARGEST, max(_SMALLEST, size // 16 * 16))
    steps = learn.iter_learn(
        named,
        _Views(contents, colour, size, settings.seed),
        settings=LearningSettings(
            minutes=settings.minutes,
            size=size,
            crop=side,
            device=settings.device,
            seed=settings.seed,
            weights=settings.weights,
        ),
        cache=cache,
        stop=stop,
        snapshot_interval=float("inf"),
    )
    last = yield from _told(steps, "the style")
    if last.fast_style is not None and last.status is not Status.STOPPED:
        last.fast_style.save(path)
        yield last.fast_style


def learned_translation(
    folder: Path,
    images: Sequence[Planes],
    styles: Sequence[Planes],
    colour: bool,
    settings: AugmentSettings,
    *,
    stop: Callable[[], bool],
) -> Iterator[AugmentStep | Translator]:
    """Learn to translate images, or load what an earlier run has learned; the last item is the translator.

    Parameters
    ----------
    folder
        Where it is kept.
    images, styles
        Each (C, H, W), about 0 to 1, when it is asked for.
    colour
        Whether three planes are colours.
    settings
        Of the augmentation.
    stop
        As for :func:`~napari_style_transfer.iter_translation`.
    """
    path = folder / TRANSLATOR_NAME
    if path.exists():
        yield from _with_warnings(Translator.load(path), 0.0)
        return
    steps = iter_translation(
        *([Micrograph(each, colour) for each in pictures] for pictures in (images, styles)),
        names=("images", "styles"),
        minutes=settings.minutes,
        device=settings.device,
        seed=settings.seed,
        stop=stop,
    )
    last = yield from _told(steps, "the translation")
    if last.translator is not None and last.status is not Status.STOPPED:
        last.translator.save(path)
        yield from _with_warnings(last.translator, last.seconds)


def _with_warnings(translator: Translator, seconds: float) -> Iterator[AugmentStep | Translator]:
    """Say what is wrong with a translator, and give it."""
    if warning := " ".join(translator.info.warnings):
        yield AugmentStep("learn", seconds, seconds, "Translating", note=warning)
    yield translator


def _told(steps: Iterator[_Step], what: str) -> Generator[AugmentStep, None, _Step]:
    """Say how a learning goes, and return its last step."""
    last = None
    for last in steps:
        yield AugmentStep(
            "learn",
            last.seconds,
            last.seconds + last.seconds_left,
            f"Learning {what}, step {last.steps}",
            last.losses,
            note=last.note,
        )
    assert last is not None
    return last


class _Views(Sequence[Any]):
    """The parts of images that are learned from, at their own size.

    Parameters
    ----------
    images
        (C, H, W) in [0, 1], each read when it is asked for.
    colour
        Whether three planes are colours; else one plane is taken, each in turn.
    size
        Long side of the parts.
    seed
        Of where they are.
    """

    def __init__(self, images: Sequence[Planes], colour: bool, size: int, seed: int) -> None:
        self._images, self._colour, self._size, self._seed = images, colour, size, seed

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, position: Any) -> Any:
        planes = self._images[position]
        random = Random(f"{self._seed}/view/{position}")
        height, width = (min(side, self._size) for side in planes.shape[1:])
        top = random.randint(0, planes.shape[1] - height)
        left = random.randint(0, planes.shape[2] - width)
        part = np.clip(Crop(top, left, height, width).of(planes), 0, 1)
        return np.moveaxis(part, 0, 2) if self._colour else part[position % len(part)]
