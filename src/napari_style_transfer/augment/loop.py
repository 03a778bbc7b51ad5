"""New pictures for a training set: each image in the style of crops, its labels copied as they are."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy.typing as npt

from napari_style_transfer.augment.draw import Draw
from napari_style_transfer.augment.learn import learned, learned_translation
from napari_style_transfer.augment.pairs import (
    Pair,
    Pairs,
    check_pairs,
    check_place,
    find_pairs,
    find_styles,
)
from napari_style_transfer.augment.record import SHEET_NAME, Augmentation, begun_way, make_folder
from napari_style_transfer.augment.settings import AugmentSettings, AugmentStep, Made
from napari_style_transfer.augment.sheet import save_sheet
from napari_style_transfer.augment.structure import measure
from napari_style_transfer.augment.values import output_range
from napari_style_transfer.augment.ways import (
    Fast,
    Optimised,
    Painter,
    Painting,
    Translated,
    match_colour,
    restain,
)
from napari_style_transfer.engine.cache import Cache
from napari_style_transfer.errors import ContentError, InputError
from napari_style_transfer.fast_style import FastStyle
from napari_style_transfer.io.atomic import save_bytes
from napari_style_transfer.io.labels import read_labels
from napari_style_transfer.io.micrographs import Micrograph, read_micrograph, save_micrograph
from napari_style_transfer.translator import Translator
from napari_style_transfer.value_range import Planes, ValueRange

#: New pictures up to which each is optimised, where the settings leave that open.
MOST_OPTIMISED = 24
#: New pictures after which there is a first contact sheet.
_FIRST_SHEET = 4

#: A path as users have it.
Name = str | os.PathLike[str]


def augment(
    images: Name,
    styles: Name | Sequence[Name],
    out: Name,
    *,
    labels: Name | None = None,
    settings: AugmentSettings | None = None,
    cache: Cache | None = None,
    stop: Callable[[], bool] | None = None,
    **overrides: Any,
) -> Iterator[AugmentStep]:
    """Make new pictures of a training set's images, in the style of another microscope's pictures.

    Each new picture has the size, the type, the channels and the kind of file of its image, and a copy of
    its labels. A table says what was made from what. Whatever ends a run, the same call goes on.

    Names and files are checked at the call; the work begins with the iteration.

    Parameters
    ----------
    images
        A folder of images; with their labels where `labels` is None: ``x_masks.tif`` beside ``x.tif``, or
        folders ``images`` and ``masks`` in it.
    styles
        Pictures of the other microscope: files, folders or patterns. Crops are drawn from them.
    out
        The folder for the new pictures. It gets the folder ``images``, ``masks`` where labels have a
        folder of their own, ``augmentation.csv`` and ``contact-sheet.png``.
    labels
        A folder of labels with the images' names.
    settings
        The parameters; the defaults where None.
    cache
        Keeps the network for other runs.
    stop
        Asked now and then; once it answers true, the picture in the making is dropped.
    **overrides
        Single parameters by the names of :class:`AugmentSettings`, such as ``copies=5``.

    Yields
    ------
    AugmentStep
        One for each step of learning and each new picture.

    Raises
    ------
    InputError
        If a name, a file or a parameter cannot be used, or a picture cannot be saved.
    OutOfMemoryError
        If the device has too little memory.
    """
    settings = (settings or AugmentSettings()).replace(**overrides)
    pairs = find_pairs(Path(images), None if labels is None else Path(labels))
    sources = [styles] if isinstance(styles, str | os.PathLike) else styles
    found = find_styles(sources)
    check_place(Path(out), pairs, found, settings.copies)
    check_pairs(pairs)
    draw = Draw(pairs, found, settings)
    draw.check_styles()
    if settings.way == "auto":
        count = len(pairs.pairs) * settings.copies
        way = begun_way(Path(out)) or ("optimised" if count <= MOST_OPTIMISED else "fast")
        settings = settings.replace(way=way)
        draw = replace(draw, settings=settings)
    run = settings.model_dump(mode="json", exclude={"copies", "device"})
    record = Augmentation(Path(out), run | {"styles": [str(each.resolve()) for each in found]})
    return _Run(pairs, draw, settings, record, cache or Cache(), stop or (lambda: False)).run()


@dataclass
class _Run:
    """An augmentation that is on."""

    pairs: Pairs
    draw: Draw
    settings: AugmentSettings
    record: Augmentation
    cache: Cache
    stop: Callable[[], bool]

    def run(self) -> Iterator[AugmentStep]:
        """Learn if need be, make all pictures, and say how it goes."""
        tasks = list(self._tasks())
        to_do = [task for task in tasks if not self.record.holds(task.picture)]
        painter: Painter | None = None
        if to_do:
            painter = yield from self._painter()
            if painter is None:  # stopped
                return
        try:
            yield from self._paint(to_do, painter, len(tasks))
        except BaseException:
            with contextlib.suppress(InputError):
                self._save_overview()
            raise
        self._save_overview()
        if not self.stop():
            done = len(self.record.made)
            yield AugmentStep("paint", len(tasks), len(tasks), f"{done} pictures", finished=True)

    def _tasks(self) -> Iterator[_Task]:
        """Return what is to be made: a first picture of every image, then a second one, and so on."""
        folder = "masks" if self.pairs.apart else "images"
        for copy in range(1, self.settings.copies + 1):
            for pair in self.pairs.pairs:
                picture, labels = pair.names(copy)
                yield _Task(pair, copy, f"images/{picture}", f"{folder}/{labels}")

    def _painter(self) -> Generator[AugmentStep, None, Painter | None]:
        """Return what makes pictures; None if it was stopped while it learned."""
        way = self.settings.way
        if way == "colour":
            return match_colour
        if way == "stain":
            return restain
        if way == "optimised":
            return Optimised(self.settings, self.cache)
        if way == "translated":
            return (yield from self._translated())
        crops, size = self.settings.crops, self.draw.learning_size
        steps = learned(
            self.record.folder,
            [self.draw.learned_crop(number).planes for number in range(crops)],
            _Units([pair.image for pair in self.pairs.pairs]),
            self.draw.first.colour,
            size,
            self.settings,
            cache=self.cache,
            stop=self.stop,
        )
        for step in steps:
            if isinstance(step, FastStyle):
                return Fast(step, crops, size, self.settings.device)
            yield step
        return None

    def _translated(self) -> Generator[AugmentStep, None, Painter | None]:
        """Return what translates images; None if it was stopped while it learned."""
        for step in learned_translation(
            self.record.folder,
            _Units([pair.image for pair in self.pairs.pairs]),
            self.draw.whole_styles,
            self.draw.first.colour,
            self.settings,
            stop=self.stop,
        ):
            if isinstance(step, Translator):
                return Translated(step, self.settings.device)
            yield step
        return None

    def _paint(
        self, tasks: Sequence[_Task], painter: Painter | None, total: int
    ) -> Iterator[AugmentStep]:
        """Make pictures until all are done or it is stopped."""
        for name in {Path(each).parent for task in tasks for each in (task.picture, task.labels)}:
            make_folder(self.record.folder / name)
        done = total - len(tasks)
        if tasks:
            yield AugmentStep("paint", done, total, _doing(done, total))
        for number, task in enumerate(tasks, start=done + 1):
            assert painter is not None
            made, left_out = None, ""
            try:
                image, labels = read_micrograph(task.pair.image), read_labels(task.pair.labels)
            except InputError as error:
                left_out = str(error)
            else:
                try:
                    made = self._make(task, painter, image, labels)
                except ContentError as error:
                    left_out = f"{task.pair.image}: {error}"
            if made is not None:
                self.record.add(made)
                if len(self.record.made) == _FIRST_SHEET:
                    self._save_overview()
            elif not left_out:  # stopped
                return
            doing = _doing(number, total)
            yield AugmentStep("paint", number, total, doing, made=made, left_out=left_out)

    def _make(
        self, task: _Task, painter: Painter, image: Micrograph, labels: npt.NDArray[Any]
    ) -> Made | None:
        """Make one picture and save it with its labels; None if it was stopped."""
        began = time.monotonic()
        if self.stop():
            return None
        drawn = self.draw.draw(task.pair, task.copy, image)
        unit = ValueRange.of(image).to_unit(image.planes)
        painting = Painting(unit, drawn.planes, image.colour, drawn.strength, drawn.number)
        planes = painter(painting, self.stop)
        if planes is None:
            return None
        kept, added = measure(unit, planes, labels, image.colour)
        style = read_micrograph(drawn.style)
        values = output_range(image, style, self.settings.values)
        folder = self.record.folder
        save_micrograph(folder / task.picture, values.from_unit(planes, image.planes.dtype), image)
        save_bytes(folder / task.labels, task.pair.labels.read_bytes())
        return Made(
            task.picture,
            task.labels,
            str(task.pair.image),
            str(task.pair.labels),
            task.copy,
            self.settings.way,
            str(drawn.style),
            drawn.crop.top,
            drawn.crop.left,
            drawn.crop.height,
            drawn.crop.width,
            strength=round(drawn.strength, 4),
            seed=self.settings.seed,
            edges_kept=None if kept is None else round(kept, 4),
            edges_added=None if added is None else round(added, 4),
            seconds=round(time.monotonic() - began, 2),
        )

    def _save_overview(self) -> None:
        """Write the table and the contact sheet."""
        if self.record.made:
            self.record.save_table()
            save_sheet(self.record.folder / SHEET_NAME, self.record.folder, self.record.made)


def _doing(done: int, total: int) -> str:
    """Name the picture that is made after so many."""
    return f"Picture {min(done + 1, total)}/{total}"


@dataclass(frozen=True)
class _Task:
    """One new picture that is to be made; names of files are relative to the output folder."""

    pair: Pair
    copy: int
    picture: str
    labels: str


class _Units(Sequence[Planes]):
    """Images, (C, H, W) and about 0 to 1, each read when it is asked for."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, position: Any) -> Any:
        image = read_micrograph(self._paths[position])
        return ValueRange.of(image).to_unit(image.planes)
